//! The bounds that keep a member's memory and work finite, whatever its peers do.

use std::time::Duration;

use cluster_protocol::FrameLimits;

use crate::Error;
use crate::session::backoff::Backoff;
use crate::session::publications::Bounds;
use crate::session::retries::RetryBudget;

/// Bounds on memory and work. Each has a default; set only those that differ:
///
/// ```
/// use cluster_client::Limits;
///
/// let limits = Limits { max_data: 64 << 20, ..Limits::default() };
/// assert_eq!(limits.followers, 512);
/// ```
///
/// What is over a bound fails with a typed error ([`Error::Busy`], [`Error::Encode`], [`Error::TooManySubscriptions`],
/// [`Error::Refused`]), and who is over one that only a broken or hostile peer reaches is disconnected with the reason;
/// nothing queues without end. A call that the leader turns away as [`Error::Busy`] is first sent again, within its deadline and
/// by [`busy_retry_percent`](Self::busy_retry_percent); one that finds [`outbound_bytes`](Self::outbound_bytes) full waits for
/// room until its deadline. All else fails at once, one-way calls too.
///
/// | what | fields |
/// |---|---|
/// | size of a packet | [`max_data`](Self::max_data), [`max_conn_object`](Self::max_conn_object) |
/// | who has not registered | [`handshake_packet_bytes`](Self::handshake_packet_bytes), [`handshake_bytes`](Self::handshake_bytes), [`handshake_timeout`](Self::handshake_timeout), [`pending_handshakes`](Self::pending_handshakes), [`followers`](Self::followers) |
/// | calls that run | [`in_flight`](Self::in_flight), [`in_flight_bytes`](Self::in_flight_bytes), [`in_flight_per_follower`](Self::in_flight_per_follower), [`in_flight_bytes_per_follower`](Self::in_flight_bytes_per_follower), [`in_flight_pause`](Self::in_flight_pause) |
/// | calls that are sent again | [`busy_retry_percent`](Self::busy_retry_percent), [`busy_retry_burst`](Self::busy_retry_burst) |
/// | calls that wait for a leader | [`waiting_calls`](Self::waiting_calls), [`waiting_bytes`](Self::waiting_bytes) |
/// | what a peer does not read | [`outbound_bytes`](Self::outbound_bytes), [`outbound_bytes_total`](Self::outbound_bytes_total), [`write_stall`](Self::write_stall) |
/// | how a peer sends | [`packet_time`](Self::packet_time), [`packet_rate`](Self::packet_rate), [`control_packets_per_second`](Self::control_packets_per_second), [`control_burst`](Self::control_burst), [`cancelled_calls`](Self::cancelled_calls), [`cancel_window`](Self::cancel_window) |
/// | turns | [`frames_per_turn`](Self::frames_per_turn), [`bytes_per_turn`](Self::bytes_per_turn) |
/// | subscriptions | [`subscriptions`](Self::subscriptions), [`subscriptions_per_follower`](Self::subscriptions_per_follower), [`retained_items`](Self::retained_items), [`retained_bytes`](Self::retained_bytes), [`linger`](Self::linger) |
/// | publications | [`publications_per_follower`](Self::publications_per_follower), [`publication_bytes_per_follower`](Self::publication_bytes_per_follower) |
/// | trying again, and leaving | [`accept_pause`](Self::accept_pause), [`reconnect_pause`](Self::reconnect_pause), [`drain`](Self::drain) |
///
/// How long a peer may be silent follows from [`Builder::heartbeat_interval`](crate::Builder::heartbeat_interval). Nothing is
/// allocated by a length that a packet claims: the buffer that it is read into begins with 32 KiB, or with 256 KiB where the
/// traffic has filled that before, and grows with what has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a packet's application object: the arguments, a result, an event. Default 8 MiB, as in tokio's
    /// `LengthDelimitedCodec`. The same in all members, or what one sends the other may refuse.
    pub max_data: usize,
    /// Bytes of a packet's connection object (JSON). Default 64 KiB. The same in all members.
    pub max_conn_object: usize,

    /// Bytes of a packet from a connection that has not registered. Default 1 KiB; a registration has fewer, whatever the
    /// channel's name. Who sends more is closed. For a shared port as in [`pending_handshakes`](Self::pending_handshakes).
    pub handshake_packet_bytes: usize,
    /// Bytes of all packets together that a connection may send until it is registered. Default 4 KiB; who sends more is
    /// closed. Only Node processes register more than once, while they wait for a channel. For a shared port as in
    /// [`pending_handshakes`](Self::pending_handshakes).
    pub handshake_bytes: usize,
    /// How long a connection may take to register. Default 5 s. For a shared port as in
    /// [`pending_handshakes`](Self::pending_handshakes).
    pub handshake_timeout: Duration,
    /// Connections that have not registered yet. Default 64, as in D-Bus; beyond it the oldest is closed. Where several
    /// channels of a process share a port, that of the one which took the port holds for all.
    pub pending_handshakes: usize,
    /// Followers of one leader. Default 512; one more is refused with [`Error::Refused`]. As many Node processes may also
    /// wait on the port for a channel to appear, or be held after they were refused.
    pub followers: usize,

    /// Calls that may run in the leader together, its own included. Default 8,192; one more is [`Error::Busy`], as with
    /// the next three.
    pub in_flight: usize,
    /// Bytes of arguments of all these calls. Default 64 MiB. A leader's own calls hold arguments only where they are
    /// encoded. Arguments of more than 64 KiB count from their announcement on, before they are read; where there is no
    /// room for them they are skipped as they come.
    pub in_flight_bytes: usize,
    /// Calls that one follower may have running in the leader. Default 1,024.
    pub in_flight_per_follower: usize,
    /// Bytes of arguments that one follower may have in the leader, counted as in
    /// [`in_flight_bytes`](Self::in_flight_bytes). Default 16 MiB.
    pub in_flight_bytes_per_follower: usize,
    /// How long a follower with arguments of more than 64 KiB waits, unread, for room in one of the bounds in bytes before
    /// it is told [`Error::Busy`]. Default 50 ms.
    pub in_flight_pause: Duration,

    /// Of a hundred calls, how many may be sent again because the leader was [`Error::Busy`], within their deadlines. Default
    /// 10: what is sent again must not be what keeps it busy. To be carried over to the next leader is not counted.
    pub busy_retry_percent: u32,
    /// How many of them may come at once. Default 100; 0: none is ever made.
    pub busy_retry_burst: u32,

    /// Calls of a member that wait for a leader, and as many one-way ones. Default 1,024, each also bounded by its own deadline,
    /// at which its place is free, leader or not. Publications of one key that wait for those before them count, too. So many
    /// one-way calls are also kept until the leader is known to have read them, to be sent to the next one otherwise; of more,
    /// those that it has not accepted when it goes are told as lost.
    pub waiting_calls: usize,
    /// Bytes of arguments of the calls that wait for a leader, and as many of the one-way ones. Default 16 MiB.
    pub waiting_bytes: usize,

    /// Bytes that wait to be written to one peer. Default 8 MiB. Beyond it a member that calls waits, and then gets
    /// [`Error::Busy`], and a leader drops pushed values: with "every" the oldest go and are announced as `Missed`; with "latest"
    /// only the newest of each key wait, and may be as many as [`retained_bytes`](Self::retained_bytes) says. Nobody is
    /// disconnected for it. In a follower, so many bytes also wait for one reader of "every", besides its `capacity`; in the
    /// leader's process, where values are not encoded, `capacity` alone counts.
    pub outbound_bytes: usize,
    /// Bytes that a leader has to write to all followers together. Default 128 MiB; beyond it calls of followers are
    /// [`Error::Busy`], and who has more than [`outbound_bytes`](Self::outbound_bytes) of answers unread is disconnected.
    /// Values that may still be replaced by newer ones do not count.
    pub outbound_bytes_total: usize,
    /// A follower that reads nothing for this long while it is owed answers is disconnected as a slow follower. Default 10 s.
    /// Nobody is disconnected for pushed values that it does not read.
    pub write_stall: Duration,

    /// How long a packet may take from its first byte to its last. Default 30 s; who takes longer is disconnected. Time in
    /// which this process was late or did not read does not count.
    pub packet_time: Duration,
    /// Bytes a second that come of a packet at least, on an average over five seconds. Default 64 KiB. As with
    /// [`packet_time`](Self::packet_time); 0 is no bound.
    pub packet_rate: usize,
    /// Packets a second that bring no work: heartbeats, what is unknown, answers that nobody asked for. Default 10,000; who
    /// sends more is disconnected. To cancel a call or to end a subscription is part of that and does not count.
    pub control_packets_per_second: u32,
    /// How many of them may come at once. Default 20,000.
    pub control_burst: u32,
    /// Running calls that one follower may cancel within [`cancel_window`](Self::cancel_window). Default 1,024. Those that it
    /// cancels beyond it run on until the window is over, and keep their places in the bounds: who goes on meets
    /// [`Error::Busy`].
    pub cancelled_calls: usize,
    /// Default 10 s.
    pub cancel_window: Duration,

    /// Packets handled for one connection before the others get their turn. Default 64.
    pub frames_per_turn: usize,
    /// Bytes read from one connection before the others get their turn. Default 256 KiB.
    pub bytes_per_turn: usize,

    /// Keys that all members together may be subscribed to. Default 65,536; one more is [`Error::TooManySubscriptions`].
    pub subscriptions: usize,
    /// Keys that one follower, or the leader's own process, may be subscribed to. Default 1,024.
    pub subscriptions_per_follower: usize,
    /// Values retained for late and slow subscribers: in the leader of all keys of the channel together, in a follower and
    /// for each handle of one key. At least the newest value stays. Default 65,536.
    pub retained_items: usize,
    /// Bytes of these values, counted in the same way and as they are encoded. Default 256 MiB. While a leader retains so many,
    /// one more key is [`Error::TooManySubscriptions`]. A value that cannot be encoded counts as none. So many bytes, or
    /// [`outbound_bytes`](Self::outbound_bytes) if those are more, may also wait for one slow follower of "latest", packets and
    /// all, of all its keys together: beyond them the oldest go and are announced as `Missed`.
    pub retained_bytes: usize,
    /// How long the upstream of a key is kept after its last subscriber left. Default 1 s.
    pub linger: Duration,

    /// Keys that one member may have published, and that the leader keeps for one follower. Default 4,096. So many may also be
    /// taken back while the member stands alone; of more, the leader cannot be told
    /// ([`ClusterEvent::PublicationFailed`](crate::ClusterEvent::PublicationFailed)).
    pub publications_per_follower: usize,
    /// Bytes of the arguments of these publications: a member keeps them to publish them again, a leader to take them
    /// back. Default 16 MiB.
    pub publication_bytes_per_follower: usize,

    /// The longest pause after a connection could not be accepted. The first is 10 ms, and each one in a row twice as long.
    /// Default 1 s. For a shared port as in [`pending_handshakes`](Self::pending_handshakes).
    pub accept_pause: Duration,
    /// The longest pause between two attempts to win the port or to reach its owner. The first two are made at once, the
    /// next within 5 ms, and the ceiling doubles from there. Default 500 ms.
    pub reconnect_pause: Duration,
    /// How long a closing leader waits for the calls it has accepted, then for publications that are taken back, and then for
    /// the real client's `#[close]`, each; and a closing follower for the answers of those it has sent. Default 5 s. What takes
    /// longer is cut off and told, and has a second to end: then the real client is closed.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_data: 8 << 20,
            max_conn_object: 64 << 10,
            handshake_packet_bytes: 1 << 10,
            handshake_bytes: 4 << 10,
            handshake_timeout: Duration::from_secs(5),
            pending_handshakes: 64,
            followers: 512,
            in_flight: 8192,
            in_flight_bytes: 64 << 20,
            in_flight_per_follower: 1024,
            in_flight_bytes_per_follower: 16 << 20,
            in_flight_pause: Duration::from_millis(50),
            busy_retry_percent: 10,
            busy_retry_burst: 100,
            waiting_calls: 1024,
            waiting_bytes: 16 << 20,
            outbound_bytes: 8 << 20,
            outbound_bytes_total: 128 << 20,
            write_stall: Duration::from_secs(10),
            packet_time: Duration::from_secs(30),
            packet_rate: 64 << 10,
            control_packets_per_second: 10_000,
            control_burst: 20_000,
            cancelled_calls: 1024,
            cancel_window: Duration::from_secs(10),
            frames_per_turn: 64,
            bytes_per_turn: 256 << 10,
            subscriptions: 65_536,
            subscriptions_per_follower: 1024,
            retained_items: 65_536,
            retained_bytes: 256 << 20,
            linger: Duration::from_secs(1),
            publications_per_follower: 4096,
            publication_bytes_per_follower: 16 << 20,
            accept_pause: Duration::from_secs(1),
            reconnect_pause: Duration::from_millis(500),
            drain: Duration::from_secs(5),
        }
    }
}

/// The packet header has room for lengths up to this: they are signed on the wire.
const MAX_LENGTH: usize = i32::MAX as usize;

/// Long enough for anything, and short enough to be added to a point in time.
const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60 * 365);

/// Room for the description of a few thousand methods.
const INTERFACE: usize = 1 << 20;

/// A registration of ours is never longer, nor one of a Node process whose channel could be one of ours.
const HELLO: usize = 1 << 10;

/// The least that the library's own connection objects need.
const MIN_CONN_OBJECT: usize = 1 << 10;

impl Limits {
    /// Those of one member's publications.
    pub(crate) fn publications(&self) -> Bounds {
        Bounds { keys: self.publications_per_follower, bytes: self.publication_bytes_per_follower }
    }

    /// Those of the calls that are sent again.
    pub(crate) fn retries(&self) -> RetryBudget {
        RetryBudget::new(self.busy_retry_burst, self.busy_retry_percent)
    }

    /// Those of the reconnecting.
    pub(crate) fn reconnecting(&self) -> Backoff {
        Backoff::for_port(self.reconnect_pause)
    }

    /// Those of a packet.
    pub(crate) fn frame(&self) -> FrameLimits {
        FrameLimits { conn_object: self.max_conn_object, data: self.max_data }
    }

    /// Those of a packet from a leader, which describes its methods however little data they may take.
    pub(crate) fn inbound(&self) -> FrameLimits {
        FrameLimits { data: self.max_data.max(INTERFACE), ..self.frame() }
    }

    /// [`Error::InvalidOption`] for the first bound nothing could work under.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let handshake = HELLO.max(self.handshake_packet_bytes);
        for (option, value, least, most) in [
            ("limits.max_data", self.max_data, 1, MAX_LENGTH),
            ("limits.max_conn_object", self.max_conn_object, MIN_CONN_OBJECT, MAX_LENGTH),
            ("limits.handshake_packet_bytes", self.handshake_packet_bytes, HELLO, MAX_LENGTH),
            ("limits.handshake_bytes", self.handshake_bytes, handshake, MAX_LENGTH),
        ] {
            within(option, value, least, most)?;
        }
        for (option, value) in [
            ("limits.pending_handshakes", self.pending_handshakes),
            ("limits.in_flight_per_follower", self.in_flight_per_follower),
            ("limits.in_flight_bytes_per_follower", self.in_flight_bytes_per_follower),
            ("limits.in_flight", self.in_flight),
            ("limits.in_flight_bytes", self.in_flight_bytes),
            ("limits.outbound_bytes", self.outbound_bytes),
            ("limits.outbound_bytes_total", self.outbound_bytes_total),
            ("limits.control_packets_per_second", self.control_packets_per_second as usize),
            ("limits.control_burst", self.control_burst as usize),
            ("limits.retained_items", self.retained_items),
            ("limits.retained_bytes", self.retained_bytes),
            ("limits.frames_per_turn", self.frames_per_turn),
            ("limits.bytes_per_turn", self.bytes_per_turn),
        ] {
            within(option, value, 1, usize::MAX)?;
        }
        let moment = Duration::from_millis(1);
        for (option, time, least) in [
            ("limits.handshake_timeout", self.handshake_timeout, moment),
            ("limits.in_flight_pause", self.in_flight_pause, Duration::ZERO),
            ("limits.write_stall", self.write_stall, moment),
            ("limits.packet_time", self.packet_time, moment),
            ("limits.cancel_window", self.cancel_window, Duration::ZERO),
            ("limits.linger", self.linger, Duration::ZERO),
            ("limits.accept_pause", self.accept_pause, moment),
            ("limits.reconnect_pause", self.reconnect_pause, moment),
            ("limits.drain", self.drain, Duration::ZERO),
        ] {
            if time < least || time > MAX_TIME {
                return Err(Error::InvalidOption {
                    option: option.into(),
                    value: format!("{time:?}"),
                    reason: format!("must be between {least:?} and {MAX_TIME:?}"),
                });
            }
        }
        Ok(())
    }
}

fn within(option: &str, value: usize, least: usize, most: usize) -> Result<(), Error> {
    let reason = if value < least {
        format!("must be at least {least}")
    } else if value > most {
        format!("must be at most {most}")
    } else {
        return Ok(());
    };
    Err(Error::InvalidOption { option: option.into(), value: value.to_string(), reason })
}

#[cfg(test)]
mod tests;
