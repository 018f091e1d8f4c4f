//! The follower's side of a handshake: connect to the port's owner and register for the channel.

use std::future::poll_fn;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use cluster_protocol::{
    ChannelState, ConnObject, DecodeError, Hello, Kind, Parse, Welcome, parse, write_packet,
};

use super::PROTOCOL_VERSION;
use super::host::address;
use super::patience;
use super::transport::{self, ReadHalf, WriteHalf};
use crate::clock;
use crate::context::InstanceId;
use crate::error::Error;
use crate::member::Member;
use crate::node::{self, Peer};

/// Registered; the leader is there or about to be.
pub(crate) struct Registered {
    pub(crate) read: ReadHalf,
    pub(crate) write: WriteHalf,
    /// Who leads.
    pub(crate) leader: Peer,
    pub(crate) welcome: Welcome,
    pub(crate) data: Vec<u8>,
}

/// Why there is no leader to follow.
#[derive(Clone, Debug)]
pub(crate) enum Obstacle {
    /// Nobody listens.
    Nobody(io::ErrorKind),
    /// The owner of the port closed the connection without an answer: it may be on its way out.
    Closed(String),
    /// It said something that no leader says.
    Foreign(String),
    /// It accepted the connection and said nothing.
    Silent(Duration),
    /// The same, where that is what a Node process does whose channel is not there yet. It may also be a Rust leader
    /// that is stopped: who says nothing does not say who it is.
    NodeSilent(Duration),
    /// It does not run the channel.
    NotServed(Welcome),
    /// It is closing.
    GoingAway,
    /// It does not take this process.
    Refused(String),
    /// A leader with a higher epoch is known.
    Stale { epoch: u64, seen: u64 },
    /// The leader is there, its real client is not yet.
    Starting,
}

impl Obstacle {
    /// Whether to go on trying cannot help.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Foreign(_) | Self::Silent(_) | Self::Refused(_))
    }

    /// What `start`, or a call, fails with when this is what stood in its way to the end.
    pub(crate) fn into_error(self, channel: &str, port: u16, waited: Duration) -> Error {
        let endpoint = address(port).to_string();
        let last = match self {
            Self::Foreign(detail) => return Error::ForeignPort { endpoint, detail },
            Self::Silent(waited) => return Error::HandshakeTimeout { endpoint, waited },
            Self::Refused(reason) => return Error::Refused { endpoint, reason },
            Self::NotServed(Welcome { pid, channels, .. }) => {
                return Error::ChannelNotServed {
                    channel: channel.to_owned(),
                    endpoint,
                    owner_pid: pid,
                    channels,
                };
            }
            Self::Nobody(kind) => format!("nobody listens there ({kind})"),
            Self::Closed(reason) => format!("the port's owner closed the connection ({reason})"),
            Self::GoingAway => "the leader is going away".to_owned(),
            Self::Stale { epoch, seen } => {
                format!("the leader has epoch {epoch}, and {seen} has been seen")
            }
            Self::Starting => "the leader is still building its real client".to_owned(),
            Self::NodeSilent(waited) => format!(
                "the port's owner said nothing for {waited:.1?}: it is stopped, or a Node process whose real client \
                 is not ready or that does not run channel `{channel}`"
            ),
        };
        Error::NoLeader { endpoint, waited, last: Some(last) }
    }
}

/// Connects and registers, within `connect_timeout`.
pub(crate) async fn join(member: &Member) -> Result<Registered, Obstacle> {
    let connect_timeout = member.options.connect_timeout;
    match patience::wait(connect_timeout, register(member)).await {
        Ok(result) => result,
        Err(_) if member.node.is_some() => Err(Obstacle::NodeSilent(connect_timeout)),
        Err(_) => Err(Obstacle::Silent(connect_timeout)),
    }
}

async fn register(member: &Member) -> Result<Registered, Obstacle> {
    let stream = member.options.host.connect(member.options.port).await;
    let stream = stream.map_err(|error| Obstacle::Nobody(error.kind()))?;
    let (mut read, write) = transport::split(stream).map_err(closed)?;
    let (leader, welcome, data) = ask(&mut read, &write, member).await?;
    match welcome.state {
        ChannelState::Starting | ChannelState::Ready | ChannelState::Failed => {}
        ChannelState::NotServed => return Err(Obstacle::NotServed(welcome)),
        ChannelState::GoingAway => return Err(Obstacle::GoingAway),
        ChannelState::Refused => return Err(Obstacle::Refused(message(&data))),
    }
    let seen = member.highest_epoch();
    // A Node leader has no epoch.
    if leader == Peer::Rust && welcome.epoch < seen {
        return Err(Obstacle::Stale { epoch: welcome.epoch, seen });
    }
    Ok(Registered { read, write, leader, welcome, data })
}

/// A Node process does not answer while it does not run the channel, and is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Says hello until there is an answer.
async fn ask(
    read: &mut ReadHalf,
    write: &WriteHalf,
    member: &Member,
) -> Result<(Peer, Welcome, Vec<u8>), Obstacle> {
    let since = clock::now();
    for id in 1.. {
        transport::write_all(write, &hello(member, id)?).await.map_err(closed)?;
        if member.node.is_none() {
            break;
        }
        if let Ok(answer) = tokio::time::timeout(ASK_AGAIN, answer(read, member)).await {
            return answer;
        }
        member.set_obstacle(Obstacle::NodeSilent(clock::now() - since));
    }
    answer(read, member).await
}

fn hello(member: &Member, id: u64) -> Result<Vec<u8>, Obstacle> {
    let conn = ConnObject::RegisterChannel {
        channel_name: member.channel.as_ref().into(),
        rs: Some(Hello {
            version: PROTOCOL_VERSION,
            instance: member.instance().0,
            pid: member.options.host.pid(),
            codec: member.codec(),
            epoch: member.highest_epoch(),
        }),
    };
    let mut packet = Vec::new();
    write_packet(
        &mut packet,
        Kind::Request,
        id,
        0,
        &conn.to_bytes(),
        &member.frame_limits(),
        |_| Ok(()),
    )
    .map_err(|error| Obstacle::Refused(error.to_string()))?;
    Ok(packet)
}

/// Cancel safe: what has come stays in `read`.
async fn answer(
    read: &mut ReadHalf,
    member: &Member,
) -> Result<(Peer, Welcome, Vec<u8>), Obstacle> {
    let limits = member.options.limits.inbound();
    loop {
        match parse(read.buffered(), &limits) {
            Err(
                error @ (DecodeError::DataTooLong { .. } | DecodeError::ConnObjectTooLong { .. }),
            ) => {
                return Err(Obstacle::Refused(format!(
                    "its welcome is over this process's limits: {error}"
                )));
            }
            Err(_) => return Err(Obstacle::Foreign(shown(read.buffered()))),
            Ok(Parse::Complete(packet)) => {
                let (leader, welcome, data) = match ConnObject::parse(packet.conn) {
                    Ok(ConnObject::RegisterChannelRes { rs: Some(welcome) }) => {
                        (Peer::Rust, welcome, packet.data.to_vec())
                    }
                    Ok(ConnObject::RegisterChannelRes { rs: None }) => {
                        let (welcome, data) = node_answer(packet.data, member)?;
                        (Peer::Node, welcome, data)
                    }
                    _ => return Err(Obstacle::Foreign(shown(packet.conn))),
                };
                let len = packet.header.packet_len();
                read.consume(len);
                return Ok((leader, welcome, data));
            }
            Ok(Parse::Incomplete { .. }) => {}
        }
        match poll_fn(|cx| read.poll_read(cx)).await {
            Ok(0) if read.buffered().is_empty() => {
                return Err(Obstacle::Closed("without an answer".to_owned()));
            }
            Ok(0) => return Err(Obstacle::Closed("in the middle of its answer".to_owned())),
            Ok(_) => {}
            Err(error) => return Err(closed(error)),
        }
    }
}

/// A Node leader's answer in the words of a Rust one. It does not say who it is.
fn node_answer(data: &[u8], member: &Member) -> Result<(Welcome, Vec<u8>), Obstacle> {
    if member.node.is_none() {
        return Err(Obstacle::Refused(
            "it is a Node process; share the channel with Node processes by `node_compat()` in all Rust \
             members"
                .to_owned(),
        ));
    }
    let Some((state, message)) = node::answer::read(data) else {
        return Err(Obstacle::Foreign(shown(data)));
    };
    let since = member.options.host.wall_clock().duration_since(UNIX_EPOCH).unwrap_or_default();
    let welcome = Welcome {
        version: PROTOCOL_VERSION,
        instance: InstanceId::random().0,
        pid: 0,
        epoch: 0,
        since: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        state,
        channels: vec![member.channel.to_string()],
    };
    let error = serde_json::json!({ "error": { "message": message } });
    Ok((welcome, error.to_string().into_bytes()))
}

fn closed(error: io::Error) -> Obstacle {
    Obstacle::Closed(error.to_string())
}

/// The first bytes of somebody who is no leader, for an error message.
fn shown(bytes: &[u8]) -> String {
    let first = bytes.get(..bytes.len().min(32)).unwrap_or_default();
    format!("it answered {:?}", String::from_utf8_lossy(first))
}

/// The message in the data of an answer that says no.
pub(crate) fn message(data: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Answer {
        error: Problem,
    }
    #[derive(serde::Deserialize)]
    struct Problem {
        message: String,
    }
    match serde_json::from_slice::<Answer>(data) {
        Ok(answer) => answer.error.message,
        Err(_) => "it did not say why".to_owned(),
    }
}
