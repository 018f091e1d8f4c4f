//! A raw connection to a leader's port.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use cluster_client::Codec;
use cluster_protocol::{
    ConnObject, FrameLimits, HEADER_LEN, Header, Hello, Kind, Parse, Welcome, parse, write_packet,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing that is waited for takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// All that a test wants to receive is shorter.
const LIMITS: FrameLimits = FrameLimits { conn_object: 1 << 20, data: 64 << 20 };

pub(crate) struct Attacker {
    pub(crate) stream: TcpStream,
    received: BytesMut,
}

/// A packet that has come.
pub(crate) struct Packet {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    pub(crate) conn: String,
    pub(crate) data: Vec<u8>,
}

impl Attacker {
    pub(crate) async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        Self::over(stream)
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream, received: BytesMut::new() }
    }

    /// A follower like any other, so far.
    pub(crate) async fn register(port: u16, channel: &str) -> Self {
        Self::welcomed(port, channel).await.0
    }

    /// The same, with what the leader has said of itself.
    pub(crate) async fn welcomed(port: u16, channel: &str) -> (Self, Welcome, Vec<u8>) {
        let mut attacker = Self::connect(port).await;
        attacker.send(&register(channel)).await;
        let packet = attacker.next().await.unwrap();
        let Ok(ConnObject::RegisterChannelRes { rs: Some(welcome) }) =
            ConnObject::parse(packet.conn.as_bytes())
        else {
            panic!("{}", packet.conn)
        };
        (attacker, welcome, packet.data)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.unwrap().unwrap();
    }

    /// As much of it as the leader takes before it closes the connection.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.unwrap().is_ok()
    }

    /// The next packet. `None`: the connection is closed.
    pub(crate) async fn next(&mut self) -> Option<Packet> {
        loop {
            if let Parse::Complete(packet) = parse(&self.received, &LIMITS).unwrap() {
                let (header, len) = (packet.header, packet.header.packet_len());
                let conn = String::from_utf8(packet.conn.to_vec()).unwrap();
                let data = packet.data.to_vec();
                self.received.advance(len);
                return Some(Packet { kind: header.kind, id: header.id, conn, data });
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
            if read.expect("neither a packet nor the end").unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The response to a request.
    pub(crate) async fn response(&mut self, id: u64) -> Packet {
        loop {
            let packet = self.next().await.expect("the connection is closed");
            if packet.kind == Kind::Response && packet.id == id {
                return packet;
            }
        }
    }

    /// Waits for the leader to close the connection.
    pub(crate) async fn closed(&mut self) {
        while self.next().await.is_some() {}
    }

    pub(crate) async fn closed_within(&mut self, limit: Duration, what: &str) {
        assert!(timeout(limit, self.closed()).await.is_ok(), "{what}: open after {limit:?}");
    }

    /// The call is refused, by this bound.
    pub(crate) async fn is_busy(&mut self, id: u64, limit: &str) {
        let answer = self.response(id).await;
        let message = String::from_utf8_lossy(&answer.data);
        assert!(
            answer.conn.contains("busy") && message.contains(limit),
            "{} {message}",
            answer.conn
        );
    }

    /// It is served as any other follower.
    pub(crate) async fn is_served(&mut self) {
        self.send(&call(0x7fff, "echo", &[b"\"still there\""])).await;
        let answer = self.response(0x7fff).await;
        assert_eq!(answer.conn, cluster_protocol::RESULT_OK);
        assert_eq!(answer.data, b"\"still there\"");
    }
}

/// The registration of a process that has never registered before.
pub(crate) fn register(channel: &str) -> Vec<u8> {
    static INSTANCES: AtomicU64 = AtomicU64::new(1);
    let instance = u128::from(INSTANCES.fetch_add(1, Ordering::Relaxed));
    let hello = Hello { version: 1, instance, pid: 1, codec: Codec::Json, epoch: 0 };
    let conn =
        ConnObject::RegisterChannel { channel_name: channel.into(), rs: Some(hello) }.to_bytes();
    packet(Kind::Request, 1, &conn, b"")
}

/// A call with arguments in JSON.
pub(crate) fn call(id: u64, method: &str, arguments: &[&[u8]]) -> Vec<u8> {
    let count = arguments.len();
    let conn =
        format!(r#"{{"type":"invoke","method":"{method}","argLength":{count},"oneway":false}}"#);
    request(id, &conn, &framed(arguments))
}

pub(crate) fn framed(arguments: &[&[u8]]) -> Vec<u8> {
    let mut data = Vec::new();
    for argument in arguments {
        data.extend_from_slice(&u32::try_from(argument.len()).unwrap().to_be_bytes());
        data.extend_from_slice(argument);
    }
    data
}

pub(crate) fn request(id: u64, conn: &str, data: &[u8]) -> Vec<u8> {
    packet(Kind::Request, id, conn.as_bytes(), data)
}

pub(crate) fn packet(kind: Kind, id: u64, conn: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_packet(&mut bytes, kind, id, 0, conn, &LIMITS, |out| {
        out.extend_from_slice(data);
        Ok(())
    })
    .unwrap();
    bytes
}

/// Headers that break a rule, with the rule.
pub(crate) fn broken_headers() -> Vec<(&'static str, Vec<u8>)> {
    let header = Header { kind: Kind::Request, id: 3, timeout: 1000, conn_len: 40, data_len: 9 };
    let good = header.encode();
    let with = |at: usize, bytes: &[u8]| {
        let mut broken: [u8; HEADER_LEN] = good;
        broken[at..at + bytes.len()].copy_from_slice(bytes);
        broken.to_vec()
    };
    vec![
        ("a wrong version", with(0, &[2])),
        ("a wrong kind", with(1, &[2])),
        ("reserved bytes that are used", with(2, &[0, 1])),
        ("a negative id", with(4, &[0xff; 8])),
        ("a negative timeout", with(12, &[0xff; 4])),
        ("a negative connection length", with(16, &[0xff; 4])),
        ("a negative data length", with(20, &[0x80, 0, 0, 0])),
        ("an over-long connection object", with(16, &[0x7f, 0xff, 0xff, 0xff])),
        ("over-long data", with(20, &[0x7f, 0xff, 0xff, 0xff])),
        ("no length at all", with(16, &[0; 8])),
    ]
}
