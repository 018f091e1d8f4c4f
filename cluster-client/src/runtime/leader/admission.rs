//! The leader's side of a handshake: the first packet says which channel a connection is for.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cluster_protocol::{
    ChannelState, Codec, ConnObject, DecodeError, FrameLimits, HEADER_LEN, Hello, Kind, Parse,
    Welcome, parse, write_packet,
};

use super::follower::{Connected, Follower};
use super::node;
use super::roster::NotAdmitted;
use super::{Leadership, State, serving};
use crate::context::{Caller, InstanceId};
use crate::error::Error;
use crate::limits::Limits;
use crate::runtime::PROTOCOL_VERSION;
use crate::runtime::host::Stream;
use crate::runtime::port::PortOwner;
use crate::runtime::transport::{self, ReadHalf, WriteHalf};
use crate::session::topics::SubscriberId;

/// Takes a connection as far as the task that serves it, or closes it.
pub(crate) async fn admit(stream: Stream, owner: Arc<PortOwner>, limits: Limits) {
    let Ok((read, write)) = transport::split(stream) else { return };
    let mut newcomer = Newcomer::new(read, &limits);
    let patience = limits.handshake_timeout;
    let first = match tokio::time::timeout(patience, newcomer.next_packet()).await {
        Ok(Ok(Some(first))) => first,
        // Probes connect and close, scanners send what they like: nothing is owed to them.
        Ok(Ok(None)) => return,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection was closed in its handshake");
            return;
        }
        Err(_) => {
            tracing::debug!(?patience, "a connection was closed: it did not register in time");
            return;
        }
    };
    if let Err(error) = answer(first, newcomer, write, &owner).await {
        tracing::debug!(%error, "a connection was lost in its handshake");
    }
}

pub(super) struct Register {
    pub(super) id: u64,
    pub(super) channel: String,
    from: From,
}

/// Who registers.
enum From {
    Rust(Hello),
    /// What it says of itself is not understood.
    Newer(String),
    Node,
}

/// A connection that has not registered.
pub(super) struct Newcomer {
    pub(super) read: ReadHalf,
    packet: FrameLimits,
    /// So many bytes it may still send.
    left: usize,
}

impl Newcomer {
    fn new(read: ReadHalf, limits: &Limits) -> Self {
        let conn_object = limits.handshake_packet_bytes.saturating_sub(HEADER_LEN);
        Self { read, packet: FrameLimits { conn_object, data: 0 }, left: limits.handshake_bytes }
    }

    /// Its next packet; `None` at its end. Cancel safe: what has come stays in `read`.
    pub(super) async fn next_packet(&mut self) -> io::Result<Option<Register>> {
        loop {
            if let Some((register, len)) = self.buffered()? {
                self.left =
                    self.left.checked_sub(len).ok_or_else(|| invalid("it says too much"))?;
                self.read.consume(len);
                return Ok(Some(register));
            }
            if poll_fn(|cx| self.read.poll_read(cx)).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Whether it has closed the connection, as far as can be seen without waiting.
    async fn has_hung_up(&mut self) -> bool {
        let read = &mut self.read;
        poll_fn(|cx| Poll::Ready(matches!(read.poll_read(cx), Poll::Ready(Ok(0) | Err(_))))).await
    }

    /// The packet that has come, and its length.
    fn buffered(&self) -> io::Result<Option<(Register, usize)>> {
        let Parse::Complete(packet) = parse(self.read.buffered(), &self.packet).map_err(invalid)?
        else {
            return Ok(None);
        };
        let id = packet.header.id;
        let register = match ConnObject::parse(packet.conn) {
            Ok(ConnObject::RegisterChannel { channel_name, rs }) => Register {
                id,
                channel: channel_name.into_owned(),
                from: rs.map_or(From::Node, From::Rust),
            },
            // Most likely a codec that this program was built without: it can be told.
            Err(error @ DecodeError::Field { .. }) => {
                Register { id, channel: String::new(), from: From::Newer(error.to_string()) }
            }
            Ok(_) => return Err(invalid("the first packet does not register")),
            Err(error) => return Err(invalid(error)),
        };
        Ok(Some((register, packet.header.packet_len())))
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

async fn answer(
    register: Register,
    mut newcomer: Newcomer,
    write: WriteHalf,
    owner: &Arc<PortOwner>,
) -> io::Result<()> {
    let id = register.id;
    let hello = match register.from {
        From::Node => return node::admission::admit(register, newcomer, write, owner).await,
        From::Rust(hello) if hello.version == PROTOCOL_VERSION => hello,
        From::Rust(hello) => {
            let reason = format!(
                "this leader speaks protocol version {PROTOCOL_VERSION}, not {}",
                hello.version
            );
            return refuse(&write, id, ChannelState::Refused, owner, &reason).await;
        }
        From::Newer(reason) => {
            return refuse(&write, id, ChannelState::Refused, owner, &reason).await;
        }
    };
    let Some(leadership) = owner.channel(&register.channel) else {
        return refuse(&write, id, ChannelState::NotServed, owner, "").await;
    };
    if let Some(reason) = differing_codec(&leadership, hello.codec) {
        return refuse(&write, id, ChannelState::Refused, owner, reason).await;
    }
    if hello.epoch > leadership.terms.epoch {
        // Somebody has led after this leader was elected: its real client may be fenced off already.
        tracing::warn!(
            channel = leadership.channel(),
            mine = leadership.terms.epoch,
            seen = hello.epoch,
            "a higher epoch is known, stepping down"
        );
        leadership.outdone(hello.epoch);
        return refuse(&write, id, ChannelState::GoingAway, owner, "").await;
    }
    if newcomer.has_hung_up().await {
        // It may have connected again since, and would take its own place.
        return Ok(());
    }
    let caller = Caller { pid: hello.pid, instance: InstanceId(hello.instance), local: false };
    let peer = Connected { caller, codec: hello.codec, node: None };
    let follower = Follower::new(&leadership, SubscriberId::unique(), peer, write);
    let before = match leadership.fanout.add_follower(&follower) {
        Ok(before) => before,
        Err(NotAdmitted::ComeAgain) => {
            return refuse(follower.socket(), id, ChannelState::GoingAway, owner, "").await;
        }
        Err(NotAdmitted::Full) => {
            let reason = full(&leadership);
            return refuse(follower.socket(), id, ChannelState::Refused, owner, &reason).await;
        }
    };
    leadership.want_client();
    let state = leadership.state();
    let welcome = Welcome { channels: owner.channel_names(), ..leadership.welcome(&state) };
    follower.send(&packet(Kind::Response, id, welcome, &leadership.welcome_data(&state)));
    leadership.spawn(async move {
        if let Some(before) = before {
            before.superseded().await;
        }
        serving::serve(follower, newcomer.read, None).await;
    });
    Ok(())
}

/// A channel is shared with Node processes by all of its members or by none.
fn differing_codec(leadership: &Leadership, codec: Codec) -> Option<&'static str> {
    match (leadership.terms.node.is_some(), codec == Codec::SerializeJson) {
        (true, false) => Some(
            "the leader shares this channel with Node processes, and this process was started without \
             `node_compat()`",
        ),
        (false, true) => Some(
            "this process shares the channel with Node processes, and the leader was started without \
             `node_compat()`",
        ),
        _ => None,
    }
}

pub(super) fn full(leadership: &Leadership) -> String {
    format!("it has {} followers already (limits.followers)", leadership.terms.limits.followers)
}

/// Says no, and to whom this port belongs.
async fn refuse(
    write: &WriteHalf,
    id: u64,
    state: ChannelState,
    owner: &PortOwner,
    reason: &str,
) -> io::Result<()> {
    let welcome = Welcome {
        version: PROTOCOL_VERSION,
        instance: 0,
        pid: owner.host().pid(),
        epoch: 0,
        since: 0,
        state,
        channels: owner.channel_names(),
    };
    let packet = packet(Kind::Response, id, welcome, &failure_data(reason));
    transport::write_all(write, &packet).await?;
    write.shutdown();
    Ok(())
}

/// What the followers of a leader whose state has changed are told. They hear of it whatever comes next.
#[derive(Clone)]
pub(super) struct Told {
    /// For a Rust process.
    pub(super) packet: Bytes,
    /// For a Node process, which waits for the answer to its registration.
    pub(super) failure: Option<Error>,
}

impl Told {
    pub(super) fn new(leadership: &Leadership, state: &State) -> Self {
        let (welcome, data) = (leadership.welcome(state), leadership.welcome_data(state));
        let failure = match state {
            State::Failed(error) => Some(error.clone()),
            _ => None,
        };
        Self { packet: packet(Kind::Request, 0, welcome, &data).into(), failure }
    }
}

fn packet(kind: Kind, id: u64, welcome: Welcome, data: &[u8]) -> Vec<u8> {
    let conn = match kind {
        Kind::Response => ConnObject::RegisterChannelRes { rs: Some(welcome) },
        Kind::Request => ConnObject::ChannelState { rs: welcome },
    };
    let limits = FrameLimits { conn_object: i32::MAX as usize, data: i32::MAX as usize };
    let mut packet = Vec::new();
    let written = write_packet(&mut packet, kind, id, 0, &conn.to_bytes(), &limits, |out| {
        out.extend_from_slice(data);
        Ok(())
    });
    // Nothing in it comes near 2 GiB, and the id came over the wire.
    debug_assert!(written.is_ok());
    packet
}

fn failure_data(message: &str) -> Vec<u8> {
    serde_json::json!({ "success": false, "error": { "message": message } })
        .to_string()
        .into_bytes()
}

impl Leadership {
    fn welcome(&self, state: &State) -> Welcome {
        let info = self.info();
        Welcome {
            version: PROTOCOL_VERSION,
            instance: info.instance.0,
            pid: info.pid,
            epoch: info.epoch,
            since: unix_millis(info.since),
            state: match state {
                State::Starting | State::Restoring(_) => ChannelState::Starting,
                State::Ready(_) => ChannelState::Ready,
                State::Failed(_) => ChannelState::Failed,
                State::Draining | State::Closed => ChannelState::GoingAway,
            },
            channels: vec![self.channel().to_owned()],
        }
    }

    fn welcome_data(&self, state: &State) -> Vec<u8> {
        match state {
            State::Ready(_) => self.terms.interface.to_vec(),
            // The follower names the channel itself.
            State::Failed(Error::RealClient { message, .. }) => failure_data(message),
            State::Failed(error) => failure_data(&error.to_string()),
            State::Starting | State::Restoring(_) | State::Draining | State::Closed => {
                failure_data("")
            }
        }
    }
}

fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    fn registration(channel: &str, hello: Option<Hello>) -> Vec<u8> {
        let conn = ConnObject::RegisterChannel { channel_name: channel.into(), rs: hello };
        let (mut packet, conn) = (Vec::new(), conn.to_bytes());
        let limits = FrameLimits::default();
        write_packet(&mut packet, Kind::Request, 1, 0, &conn, &limits, |_| Ok(())).unwrap();
        packet
    }

    #[test]
    fn the_longest_registration_is_within_the_least_bound() {
        let hello = Hello {
            version: u32::MAX,
            instance: u128::MAX,
            pid: u32::MAX,
            codec: Codec::SerializeJson,
            epoch: u64::MAX,
        };
        let longest = registration(&"\"".repeat(256), Some(hello));
        assert!(longest.len() <= Limits::default().handshake_packet_bytes, "{}", longest.len());
    }

    #[tokio::test]
    async fn who_has_hung_up_behind_its_registration_is_seen_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stream = Stream::Tcp(listener.accept().await.unwrap().0);
        let mut newcomer = Newcomer::new(transport::split(stream).unwrap().0, &Limits::default());
        peer.write_all(&registration("channel", None)).await.unwrap();
        assert!(newcomer.next_packet().await.unwrap().is_some());
        assert!(!newcomer.has_hung_up().await);
        peer.shutdown().await.unwrap();
        // It is on its way, and nothing else is.
        assert!(newcomer.next_packet().await.unwrap().is_none());
        assert!(newcomer.has_hung_up().await);
    }

    #[tokio::test]
    async fn who_registers_again_and_again_is_heard_up_to_the_bound() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stream = Stream::Tcp(listener.accept().await.unwrap().0);
        let register = registration("channel", None);
        let limits = Limits { handshake_bytes: 3 * register.len() + 1, ..Limits::default() };
        let mut newcomer = Newcomer::new(transport::split(stream).unwrap().0, &limits);
        peer.write_all(&register.repeat(4)).await.unwrap();
        for _ in 0..3 {
            let register = newcomer.next_packet().await.unwrap().unwrap();
            assert_eq!(register.channel, "channel");
        }
        let error = newcomer.next_packet().await.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
