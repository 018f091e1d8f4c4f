//! The packets of `tests/vectors`, and a connection that speaks them.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use cluster_protocol::{FrameLimits, Kind, Parse, parse, set_id};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything takes: to wait for it is to fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A packet as Node sent it.
#[derive(Deserialize)]
pub(crate) struct Recorded {
    name: String,
    hex: String,
    pub(crate) id: u64,
    pub(crate) conn: String,
    data_hex: Option<String>,
}

impl Recorded {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        unhex(&self.hex)
    }

    pub(crate) fn data(&self) -> Vec<u8> {
        self.data_hex.as_deref().map(unhex).unwrap_or_default()
    }

    /// As the answer to a request of another id than in the recording.
    pub(crate) fn to(&self, id: u64) -> Vec<u8> {
        let mut bytes = self.bytes();
        set_id(&mut bytes, id);
        bytes
    }
}

/// The packet of this name.
pub(crate) fn recorded(name: &str) -> Recorded {
    #[derive(Deserialize)]
    struct Vectors {
        packets: Vec<Recorded>,
    }
    let vectors: Vectors =
        serde_json::from_str(include_str!("../vectors/node-3.7.0.json")).unwrap();
    vectors.packets.into_iter().find(|packet| packet.name == name).unwrap()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A packet that has come.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    pub(crate) conn: String,
    pub(crate) data: Vec<u8>,
}

impl Came {
    /// It is the recorded one, whatever its id.
    pub(crate) fn is(&self, name: &str) {
        let expected = recorded(name);
        assert_eq!(self.conn, expected.conn, "{name}");
        let text = |data: &[u8]| String::from_utf8_lossy(data).into_owned();
        assert_eq!(text(&self.data), text(&expected.data()), "{name}");
    }
}

/// What Node would be connected by.
pub(crate) struct Wire {
    stream: TcpStream,
    received: BytesMut,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, received: BytesMut::new() }
    }

    pub(crate) async fn connect(port: u16) -> Self {
        Self::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap())
    }

    /// As soon as somebody listens.
    pub(crate) async fn connect_soon(port: u16) -> Self {
        let connected = async {
            loop {
                match TcpStream::connect(("127.0.0.1", port)).await {
                    Ok(stream) => break Self::new(stream),
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        timeout(PATIENCE, connected).await.unwrap()
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.unwrap().unwrap();
    }

    /// Sends it as it was recorded.
    pub(crate) async fn replay(&mut self, name: &str) -> u64 {
        let packet = recorded(name);
        self.send(&packet.bytes()).await;
        packet.id
    }

    /// The next packet but heartbeats.
    pub(crate) async fn next(&mut self) -> Came {
        let next = async {
            loop {
                let came = self.any().await;
                if came.conn != cluster_protocol::HEARTBEAT {
                    return came;
                }
            }
        };
        timeout(PATIENCE, next).await.expect("nothing but heartbeats came")
    }

    pub(crate) async fn any(&mut self) -> Came {
        loop {
            if let Parse::Complete(packet) = parse(&self.received, &FrameLimits::default()).unwrap()
            {
                let came = Came {
                    kind: packet.header.kind,
                    id: packet.header.id,
                    conn: String::from_utf8(packet.conn.to_vec()).unwrap(),
                    data: packet.data.to_vec(),
                };
                let len = packet.header.packet_len();
                self.received.advance(len);
                return came;
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
            assert_ne!(read.expect("no packet came").unwrap(), 0, "the connection is closed");
        }
    }

    /// Waits until the other end has closed the connection, without having said anything more.
    pub(crate) async fn closed(&mut self) {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
        assert_eq!(read.expect("the connection is open").unwrap_or(0), 0, "something more came");
    }
}
