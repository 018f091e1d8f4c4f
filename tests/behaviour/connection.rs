//! 23 to 27: what a peer on a raw socket can do to a leader, and that it does nothing to the others.

use std::time::Duration;

use cluster_client::{ClusterEvent, Codec, Events, Limits, Role};
use cluster_protocol::{
    ConnObject, EncodeArguments, FrameLimits, HEARTBEAT, HEARTBEAT_RES, Header, Hello, Kind, Parse,
    parse, write_packet,
};
use futures::FutureExt;
use futures::future::join3;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sample::{Mode, StoreProxy, Team, close_all, next_event, soon};

/// A leader, a follower that must not be disturbed, and what both are told.
struct Bystanders {
    team: Team,
    leader: StoreProxy,
    follower: StoreProxy,
    leaders_events: Events,
    followers_events: Events,
}

impl Bystanders {
    async fn start(heartbeat: Duration, limits: Limits) -> Self {
        let team = Team::new(Mode::Cluster);
        let builder = || team.builder().heartbeat_interval(heartbeat).limits(limits.clone());
        let leader = team.start(builder()).await.unwrap();
        let follower = team.start(builder()).await.unwrap();
        let mut leaders_events = leader.membership().events();
        let followers_events = follower.membership().events();
        // The follower's own arrival may be told after its start.
        while leaders_events.next().now_or_never().is_some() {}
        Self { team, leader, follower, leaders_events, followers_events }
    }

    async fn calm() -> Self {
        Self::start(Duration::from_secs(2), Limits::default()).await
    }

    /// Why the only follower that has left did so.
    async fn left(&mut self) -> String {
        let follower = self.follower.membership().instance();
        next_event(&mut self.leaders_events, |event| match event {
            ClusterEvent::FollowerLeft { instance, reason, .. } => {
                assert_ne!(instance, follower, "{reason}");
                assert_eq!(instance.to_string(), PEER_INSTANCE);
                Some(reason)
            }
            _ => None,
        })
        .await
    }

    /// Nothing has happened to the others.
    async fn are_undisturbed(mut self) {
        assert_eq!(self.leader.echo("hello").await.unwrap(), "hello");
        assert_eq!(self.follower.echo("hello").await.unwrap(), "hello");
        assert_eq!(self.followers_events.next().now_or_never(), None);
        assert_eq!(self.follower.membership().role(), Role::Follower);
        assert_eq!(self.team.log.count("connect"), 1);
        close_all([&self.leader, &self.follower]).await;
    }
}

const PEER_INSTANCE: &str = "00000000000000000000000000000bad";
const FRAME: FrameLimits = FrameLimits { conn_object: 64 << 10, data: 8 << 20 };

/// Speaks the protocol by hand.
struct Peer {
    stream: TcpStream,
    buf: Vec<u8>,
}

impl Peer {
    async fn connect(port: u16) -> Self {
        let stream = soon(TcpStream::connect(("127.0.0.1", port))).await.unwrap();
        Self { stream, buf: Vec::new() }
    }

    /// Connects, registers as a follower and reads the answer.
    async fn register(port: u16) -> Self {
        let mut peer = Self::connect(port).await;
        let hello = Hello {
            version: 1,
            instance: u128::from_str_radix(PEER_INSTANCE, 16).unwrap(),
            pid: 1,
            codec: Codec::Json,
            epoch: 0,
        };
        let conn = ConnObject::RegisterChannel { channel_name: "Store".into(), rs: Some(hello) };
        let conn = String::from_utf8(conn.to_bytes()).unwrap();
        peer.request(1, 0, &conn, &[]).await;
        let (header, conn) = peer.next().await.expect("an answer");
        assert_eq!((header.kind, header.id), (Kind::Response, 1));
        assert!(conn.contains(r#""state":"ready""#), "{conn}");
        peer
    }

    async fn request(&mut self, id: u64, timeout: u32, conn: &str, data: &[u8]) {
        let mut packet = Vec::new();
        write_packet(&mut packet, Kind::Request, id, timeout, conn.as_bytes(), &FRAME, |out| {
            out.extend_from_slice(data);
            Ok(())
        })
        .unwrap();
        self.write(&packet).await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
    }

    /// Header, connection object and data of the next packet, as text. `None`: the leader has closed the connection.
    async fn packet(&mut self) -> Option<(Header, String, String)> {
        loop {
            if let Parse::Complete(packet) = parse(&self.buf, &FRAME).unwrap() {
                let header = packet.header;
                let [conn, data] = [packet.conn, packet.data]
                    .map(|part| String::from_utf8(part.to_vec()).unwrap());
                self.buf.drain(..header.packet_len());
                return Some((header, conn, data));
            }
            // A connection that is closed with something unread is reset.
            if soon(self.stream.read_buf(&mut self.buf)).await.unwrap_or(0) == 0 {
                assert_eq!(self.buf, b"", "half a packet");
                return None;
            }
        }
    }

    async fn next(&mut self) -> Option<(Header, String)> {
        self.packet().await.map(|(header, conn, _)| (header, conn))
    }

    /// Still served.
    async fn is_alive(&mut self, id: u64) {
        self.request(id, 0, HEARTBEAT, &[]).await;
        let (header, conn) = self.next().await.expect("an answer");
        assert_eq!((header.kind, header.id, conn.as_str()), (Kind::Response, id, HEARTBEAT_RES));
    }
}

fn invoke(method: &str, arguments: u32) -> String {
    let method = method.into();
    let conn = ConnObject::Invoke {
        method,
        arg_length: arguments,
        oneway: false,
        call: None,
        restore: false,
    };
    String::from_utf8(conn.to_bytes()).unwrap()
}

/// The answer to `echo("hello")`, made to travel.
fn hello() -> Vec<u8> {
    let mut data = Vec::new();
    ("hello",).encode(Codec::Json, &mut data).unwrap();
    data
}

#[tokio::test]
async fn b23_a_peer_that_never_registers_is_closed() {
    let handshake_timeout = Duration::from_millis(50);
    let limits = Limits { handshake_timeout, ..Limits::default() };
    let bystanders = Bystanders::start(Duration::from_secs(2), limits).await;
    let mut silent = Peer::connect(bystanders.team.port).await;
    // Half a header is no better than silence.
    let mut half = Peer::connect(bystanders.team.port).await;
    half.write(&[1, 0, 0]).await;
    assert_eq!(silent.next().await, None);
    assert_eq!(soon(half.stream.read(&mut [0; 8])).await.unwrap_or(0), 0);
    bystanders.are_undisturbed().await;
}

#[tokio::test]
async fn b23_a_follower_that_falls_silent_is_dropped() {
    let mut bystanders = Bystanders::start(Duration::from_millis(20), Limits::default()).await;
    let mut silent = Peer::register(bystanders.team.port).await;
    let reason = bystanders.left().await;
    assert!(reason.starts_with("it was silent for"), "{reason}");
    assert!(reason.ends_with("300.0ms are allowed"), "{reason}");
    assert_eq!(silent.next().await, None);
    bystanders.are_undisturbed().await;
}

#[tokio::test]
async fn b24_a_peer_that_closes_is_gone_with_its_calls() {
    let mut bystanders = Bystanders::calm().await;
    let log = bystanders.team.log.clone();
    let mut peer = Peer::register(bystanders.team.port).await;
    peer.request(7, 0, &invoke("hang", 0), &[]).await;
    log.until("hang", 1).await;
    assert_eq!(log.count("cut off"), 0);
    drop(peer);
    assert_eq!(bystanders.left().await, "it closed the connection");
    log.until("cut off", 1).await;
    bystanders.are_undisturbed().await;
}

#[tokio::test]
async fn b25_a_raw_request_is_taken_as_it_stands() {
    let bystanders = Bystanders::calm().await;
    let mut peer = Peer::register(bystanders.team.port).await;
    peer.request(1 << 40, 1000, &invoke("remaining", 0), &[]).await;
    let (header, conn, millis) = peer.packet().await.unwrap();
    assert_eq!((header.kind, header.id), (Kind::Response, 1 << 40));
    assert_eq!(conn, r#"{"type":"invoke_result","success":true}"#);
    let millis: u64 = millis.parse().unwrap();
    assert!((500..=1000).contains(&millis), "{millis}");

    // Without a timeout there is no deadline.
    peer.request(3, 0, &invoke("remaining", 0), &[]).await;
    assert_eq!(peer.packet().await.unwrap().2, "null");
    // What is not known here is left alone, fields and messages alike.
    peer.request(4, 1000, r#"{"type":"foo","bar":[1,{}]}"#, b"data").await;
    let conn = r#"{"foo":"bar","type":"invoke","method":"echo","argLength":1,"oneway":false}"#;
    peer.request(5, 1000, conn, &hello()).await;
    let (header, _, text) = peer.packet().await.unwrap();
    assert_eq!((header.id, text.as_str()), (5, r#""hello""#));
    peer.is_alive(6).await;
    bystanders.are_undisturbed().await;
}

/// What does not exist, is not exported, or is not to be called over the wire, is that call's error.
#[tokio::test]
async fn b25_only_the_methods_of_the_interface_can_be_called() {
    let bystanders = Bystanders::calm().await;
    let mut peer = Peer::register(bystanders.team.port).await;
    for (id, method) in
        (2..).zip(["nothing", "connect", "change", "destroy", "subscribe", "__proto__"])
    {
        peer.request(id, 1000, &invoke(method, 0), &[]).await;
        let (header, conn) = peer.next().await.unwrap();
        assert_eq!(header.id, id, "{method}");
        let unknown = r#"{"type":"invoke_result","success":false,"failure":"unknown_method"}"#;
        assert_eq!(conn, unknown, "{method}");
    }
    for data in [&b""[..], b"\0", b"\0\0\0\x05\"hel", b"\0\0\0\x02{}", b"\xff\xff\xff\xff\"hello\""]
    {
        peer.request(9, 1000, &invoke("echo", 1), data).await;
        let (_, conn) = peer.next().await.unwrap();
        assert!(conn.contains(r#""failure":"bad_arguments""#), "{data:?}: {conn}");
    }
    assert_eq!(bystanders.team.log.count("destroyed"), 0);
    peer.is_alive(10).await;
    bystanders.are_undisturbed().await;
}

#[tokio::test]
async fn b26_closing_twice_at_once_is_closing_once() {
    let team = Team::new(Mode::Cluster);
    let leader = team.join().await;
    let mut peer = Peer::register(team.port).await;
    peer.request(7, 0, &invoke("wait", 0), &[]).await;
    team.log.until("wait", 1).await;
    let membership = leader.membership();
    let seen = async {
        let mut seen = Vec::new();
        while let Some((_, conn, data)) = peer.packet().await {
            seen.push(conn + &data);
            team.log.add("go on");
        }
        seen
    };
    let (seen, (), ()) = soon(join3(seen, membership.close(), membership.close())).await;
    // The call that was accepted is finished before the end.
    let result = r#"{"type":"invoke_result","success":true}null"#;
    assert_eq!(seen, [r#"{"type":"going_away","accepted":1}"#, result]);
    assert_eq!(team.log.count("destroyed"), 1);
}

#[tokio::test]
async fn b27_invalid_json_closes_the_connection_it_came_on() {
    let invalid = b"\x01\0\0\0\0\0\0\0\0\0\0\x01\0\0\x03\xe8\0\0\0\x0d\0\0\0\0{\"foo\":\"bar\"|";
    let mut bystanders = Bystanders::calm().await;
    // Before it has registered …
    let mut stranger = Peer::connect(bystanders.team.port).await;
    stranger.write(invalid).await;
    assert_eq!(stranger.next().await, None);
    // … and after: what came before it is answered, what comes after it is not looked at.
    let mut peer = Peer::register(bystanders.team.port).await;
    peer.is_alive(2).await;
    peer.write(&[&invalid[..], b"GET / HTTP/1.1\r\n\r\n"].concat()).await;
    assert_eq!(peer.next().await, None);
    let reason = bystanders.left().await;
    assert!(reason.starts_with("it broke the protocol"), "{reason}");
    bystanders.are_undisturbed().await;
}
