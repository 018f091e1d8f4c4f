//! The bounds that keep a member's memory and work finite, whatever its peers do.

use std::time::Duration;

use cluster_protocol::FrameLimits;

use crate::Error;
use crate::session::publications::Bounds;

/// Bounds on memory and work. Each has a default; set only those that differ:
///
/// ```
/// use cluster_client::Limits;
///
/// let limits = Limits { max_data: 64 << 20, ..Limits::default() };
/// assert_eq!(limits.followers, 512);
/// ```
///
/// What is over a bound fails at once with a typed error ([`Error::Busy`], [`Error::Encode`],
/// [`Error::TooManySubscriptions`], [`Error::Refused`]); nothing queues without end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a packet's application object: the arguments, a result, an event. Default 8 MiB, as in tokio's
    /// `LengthDelimitedCodec`. The same in all members, or what one sends the other may refuse.
    pub max_data: usize,
    /// Bytes of a packet's connection object (JSON). Default 64 KiB. The same in all members.
    pub max_conn_object: usize,
    /// Followers of one leader. Default 512; one more is refused with [`Error::Refused`]. As many Node processes may also
    /// wait on the port for a channel to appear, or be held after they were refused.
    pub followers: usize,
    /// Connections that have not registered yet. Default 64, as in D-Bus; beyond it the oldest is closed. Where several
    /// channels of a process share a port, that of the one which took the port holds for all.
    pub pending_handshakes: usize,
    /// How long a connection may take to register. Default 5 s. For a shared port as in
    /// [`pending_handshakes`](Self::pending_handshakes).
    pub handshake_timeout: Duration,
    /// Calls that one follower may have running in the leader. Default 1,024.
    pub in_flight_per_follower: usize,
    /// Bytes of arguments that one follower may have in the leader. Default 16 MiB.
    pub in_flight_bytes_per_follower: usize,
    /// Calls that may run in the leader together, its own included. Default 8,192.
    pub in_flight: usize,
    /// Bytes of arguments of all these calls. Default 64 MiB. A leader's own calls hold arguments only where they are
    /// encoded.
    pub in_flight_bytes: usize,
    /// Calls of this process that wait for a leader. Default 1,024, each also bounded by its own deadline.
    pub waiting_calls: usize,
    /// Bytes of arguments of the calls that wait for a leader. Default 16 MiB.
    pub waiting_bytes: usize,
    /// Bytes that wait to be written to one peer. Default 8 MiB. Beyond it a member that calls gets [`Error::Busy`], and
    /// a leader drops pushed values: with "latest" only newer ones of a key are kept in any case, with "every" the oldest
    /// go and are announced as `Missed`. Nobody is disconnected for it.
    pub outbound_bytes: usize,
    /// Keys that one follower, or the leader's own process, may be subscribed to. Default 1,024.
    pub subscriptions_per_follower: usize,
    /// Keys that all members together may be subscribed to. Default 65,536.
    pub subscriptions: usize,
    /// Keys that one member may have published, and that the leader keeps for one follower. Default 4,096.
    pub publications_per_follower: usize,
    /// Bytes of the arguments of these publications: a member keeps them to publish them again, a leader to take them
    /// back. Default 16 MiB.
    pub publication_bytes_per_follower: usize,
    /// Values retained for late and slow subscribers: in the leader of all keys of the channel together, in a follower and
    /// for each handle of one key. At least the newest value stays. Default 65,536.
    pub retained_items: usize,
    /// Bytes of the values retained for late and slow subscribers of one key. The leader keeps the values of its real
    /// client as they are, and these do not count. At least the newest value stays. Default 256 MiB.
    pub retained_bytes: usize,
    /// How long the upstream of a key is kept after its last subscriber left. Default 1 s.
    pub linger: Duration,
    /// How long a closing leader waits for the calls it has accepted, and then once more for the real client's `#[close]`.
    /// Default 5 s. Calls that take longer are cut off.
    pub drain: Duration,
    /// Packets handled for one connection before the others get their turn. Default 256.
    pub frames_per_turn: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_data: 8 << 20,
            max_conn_object: 64 << 10,
            followers: 512,
            pending_handshakes: 64,
            handshake_timeout: Duration::from_secs(5),
            in_flight_per_follower: 1024,
            in_flight_bytes_per_follower: 16 << 20,
            in_flight: 8192,
            in_flight_bytes: 64 << 20,
            waiting_calls: 1024,
            waiting_bytes: 16 << 20,
            outbound_bytes: 8 << 20,
            subscriptions_per_follower: 1024,
            subscriptions: 65_536,
            publications_per_follower: 4096,
            publication_bytes_per_follower: 16 << 20,
            retained_items: 65_536,
            retained_bytes: 256 << 20,
            linger: Duration::from_secs(1),
            drain: Duration::from_secs(5),
            frames_per_turn: 256,
        }
    }
}

/// The packet header has room for lengths up to this: they are signed on the wire.
const MAX_LENGTH: usize = i32::MAX as usize;

/// Long enough for anything, and short enough to be added to a point in time.
const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60 * 365);

/// Room for the description of a few thousand methods.
const INTERFACE: usize = 1 << 20;

/// The least that the library's own connection objects need.
const MIN_CONN_OBJECT: usize = 1 << 10;

impl Limits {
    /// Those of one member's publications.
    pub(crate) fn publications(&self) -> Bounds {
        Bounds { keys: self.publications_per_follower, bytes: self.publication_bytes_per_follower }
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
        within("limits.max_data", self.max_data, 1, MAX_LENGTH)?;
        within("limits.max_conn_object", self.max_conn_object, MIN_CONN_OBJECT, MAX_LENGTH)?;
        for (option, value) in [
            ("limits.pending_handshakes", self.pending_handshakes),
            ("limits.in_flight_per_follower", self.in_flight_per_follower),
            ("limits.in_flight_bytes_per_follower", self.in_flight_bytes_per_follower),
            ("limits.in_flight", self.in_flight),
            ("limits.in_flight_bytes", self.in_flight_bytes),
            ("limits.outbound_bytes", self.outbound_bytes),
            ("limits.retained_items", self.retained_items),
            ("limits.retained_bytes", self.retained_bytes),
            ("limits.frames_per_turn", self.frames_per_turn),
        ] {
            within(option, value, 1, usize::MAX)?;
        }
        for (option, time, least) in [
            ("limits.handshake_timeout", self.handshake_timeout, Duration::from_millis(1)),
            ("limits.linger", self.linger, Duration::ZERO),
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
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Limits::default().validate(), Ok(()));
    }

    #[test]
    fn a_bound_of_nothing_or_beyond_the_header_is_named() {
        let option = |limits: Limits| match limits.validate() {
            Err(Error::InvalidOption { option, .. }) => option,
            other => panic!("{other:?}"),
        };
        assert_eq!(option(Limits { max_data: 0, ..Limits::default() }), "limits.max_data");
        assert_eq!(option(Limits { max_data: 1 << 31, ..Limits::default() }), "limits.max_data");
        assert_eq!(
            option(Limits { max_conn_object: 10, ..Limits::default() }),
            "limits.max_conn_object"
        );
        assert_eq!(option(Limits { linger: Duration::MAX, ..Limits::default() }), "limits.linger");
        assert_eq!(
            option(Limits { handshake_timeout: Duration::ZERO, ..Limits::default() }),
            "limits.handshake_timeout"
        );
        assert_eq!(
            option(Limits { frames_per_turn: 0, ..Limits::default() }),
            "limits.frames_per_turn"
        );
    }
}
