//! What a follower's packets ask for. Packets of known methods are recognised by their bytes, without parsing.

use cluster_protocol::{
    ConnObject, DecodeError, FrameLimits, HEADER_LEN, HEARTBEAT, HEARTBEAT_RES, Header, Kind,
    Packet, write_packet,
};

use serde_json::value::RawValue;

use super::large::SMALL;
use crate::node::NodeInterface;
use crate::runtime::transport::ReadHalf;
use crate::service::{self, MethodInfo};
use crate::session::payload::Payload;

pub(super) enum Incoming {
    Invoke {
        method: usize,
        oneway: bool,
        attempt: Attempt,
        /// So many arguments were left out, which a Node process may do: they are undefined.
        absent: u32,
    },
    UnknownMethod {
        name: String,
        oneway: bool,
    },
    Subscribe {
        method: usize,
        key: String,
        restore: bool,
    },
    Unsubscribe {
        key: String,
    },
    /// A Node process subscribes.
    NodeSubscribe {
        key: String,
        reg: Option<Box<RawValue>>,
    },
    /// A Node process waits for the answer to its registration, and asks again.
    NodeRegister,
    /// What the follower has taken back by itself.
    Release {
        method: usize,
        key: String,
    },
    Cancel,
    Heartbeat,
    Answer,
    /// Something that a newer follower may say.
    Ignored,
}

/// What a call says that is sent again.
#[derive(Clone, Copy, Default)]
pub(super) struct Attempt {
    /// Its number, since it was sent first.
    pub(super) call: Option<u64>,
    /// It publishes again what was published to the leader before.
    pub(super) restores: bool,
}

impl Incoming {
    /// Whether it counts among the calls of a connection.
    pub(super) fn is_call(&self) -> bool {
        matches!(
            self,
            Self::Invoke { .. }
                | Self::UnknownMethod { .. }
                | Self::Subscribe { .. }
                | Self::NodeSubscribe { .. }
        )
    }
}

/// Reads the connection object of a packet. `node`: that of a Node process.
///
/// # Errors
///
/// What is no connection object ends the connection; an unknown type does not.
pub(super) fn read(
    packet: &Packet<'_>,
    methods: &[MethodInfo],
    node: Option<&NodeInterface>,
) -> Result<Incoming, DecodeError> {
    if packet.header.kind == Kind::Response {
        return Ok(Incoming::Answer);
    }
    if let Some(method) = methods.iter().position(|method| method.conn.as_bytes() == packet.conn) {
        let oneway =
            methods.get(method).is_some_and(|info| matches!(info.kind, service::Kind::Oneway));
        let attempt = Attempt::default();
        return Ok(Incoming::Invoke { method, oneway, attempt, absent: 0 });
    }
    if packet.conn == HEARTBEAT.as_bytes() {
        return Ok(Incoming::Heartbeat);
    }
    let find = |name: &str| {
        let named = methods.iter().position(|method| method.name == name);
        named.or_else(|| node?.alias(name))
    };
    Ok(match ConnObject::parse(packet.conn) {
        Ok(ConnObject::Invoke { method, arg_length, oneway, call, restore }) => match find(&method)
        {
            Some(method) => {
                let absent = node.map_or(0, |node| node.absent(method, arg_length));
                let attempt = Attempt { call, restores: restore };
                Incoming::Invoke { method, oneway, attempt, absent }
            }
            None => Incoming::UnknownMethod { name: method.into_owned(), oneway },
        },
        Ok(ConnObject::Subscribe { key, method: Some(method), restore, .. }) => match find(&method)
        {
            Some(method) => Incoming::Subscribe { method, key: key.into_owned(), restore },
            None => Incoming::UnknownMethod { name: method.into_owned(), oneway: false },
        },
        Ok(ConnObject::Subscribe { key, reg, method: None, .. }) if node.is_some() => {
            Incoming::NodeSubscribe { key: key.into_owned(), reg: reg.map(ToOwned::to_owned) }
        }
        Ok(ConnObject::RegisterChannel { .. }) if node.is_some() => Incoming::NodeRegister,
        Ok(ConnObject::UnSubscribe { key, .. }) => Incoming::Unsubscribe { key: key.into_owned() },
        Ok(ConnObject::PublicationReleased { method, key }) => match find(&method) {
            Some(method) => Incoming::Release { method, key: key.into_owned() },
            None => Incoming::Ignored,
        },
        Ok(ConnObject::Cancel) => Incoming::Cancel,
        Ok(ConnObject::Heartbeat) => Incoming::Heartbeat,
        Ok(_) | Err(DecodeError::UnknownType { .. } | DecodeError::Field { .. }) => {
            Incoming::Ignored
        }
        Err(error) => return Err(error),
    })
}

/// Takes a packet that was parsed off the buffer and returns its data.
pub(super) fn take_data(read: &mut ReadHalf, header: &Header) -> Payload {
    let start = HEADER_LEN + header.conn_len as usize;
    let end = header.packet_len();
    if end - start <= SMALL {
        let payload = Payload::copy(read.buffered().get(start..end).unwrap_or_default());
        read.consume(end);
        payload
    } else {
        Payload::from(read.take(end).slice(start..))
    }
}

pub(super) fn heartbeat_answer(id: u64) -> Vec<u8> {
    let mut packet = Vec::new();
    let conn = HEARTBEAT_RES.as_bytes();
    let written =
        write_packet(&mut packet, Kind::Response, id, 0, conn, &FrameLimits::default(), |_| Ok(()));
    // A short constant is within the default limits, and the id came over the wire.
    debug_assert!(written.is_ok());
    packet
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use cluster_protocol::{Parse, parse};
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::runtime::host::Stream;
    use crate::runtime::transport::split;

    /// Of a packet with so much data: whether the data lies in the read buffer, which lives as long then.
    async fn keeps_the_buffer(len: usize) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut read, _write) = split(Stream::Tcp(listener.accept().await.unwrap().0)).unwrap();
        let (mut packet, limits) = (Vec::new(), FrameLimits::default());
        let data = vec![7; len];
        write_packet(&mut packet, Kind::Request, 1, 0, b"{}", &limits, |out| {
            out.extend_from_slice(&data);
            Ok(())
        })
        .unwrap();
        peer.write_all(&packet).await.unwrap();
        while read.buffered().len() < packet.len() {
            assert_ne!(poll_fn(|cx| read.poll_read(cx)).await.unwrap(), 0);
        }
        let Parse::Complete(Packet { header, .. }) = parse(read.buffered(), &limits).unwrap()
        else {
            panic!("it is whole")
        };
        let there = read.buffered().as_ptr_range();
        let taken = take_data(&mut read, &header);
        assert_eq!(&*taken, data);
        there.contains(&taken.as_ptr())
    }

    #[tokio::test]
    async fn what_is_small_against_the_read_buffer_does_not_keep_it() {
        for len in [1, 5_000, SMALL] {
            assert!(!keeps_the_buffer(len).await, "{len}");
        }
        assert!(keeps_the_buffer(SMALL + 1).await);
    }
}
