//! Leaders that misbehave towards their follower, by a script.

use std::time::Duration;

use cluster_client::{Builder, Error, LeaderContext, Limits, Outcome, Role, RolePreference};
use cluster_protocol::{
    ChannelState, ConnObject, HEARTBEAT, HEARTBEAT_RES, Kind, RESULT_OK, Welcome,
};
use support::free_port;
use tokio::net::TcpListener;

use crate::attacker::{Attacker, broken_headers, packet};
use crate::scene::{Victim, VictimProxy};

/// The bound of the follower that is told too much.
const MAX_DATA: usize = 1 << 20;

/// Whatever the leader answers a call with, the call ends with a typed error and the follower takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_leaves_a_leader_that_breaks_the_protocol() {
    let mut violations: Vec<(&str, Vec<u8>)> = vec![
        ("noise", b"HTTP/1.1 500 Internal Server Error\r\n\r\n".to_vec()),
        ("no JSON", packet(Kind::Response, 2, b"result", b"")),
        ("a result of a call to come", packet(Kind::Response, 1 << 60, RESULT_OK.as_bytes(), b"1")),
        (
            "an over-long result",
            packet(Kind::Response, 2, RESULT_OK.as_bytes(), &[b'x'; MAX_DATA + 1]),
        ),
        ("no channel state", packet(Kind::Request, 2, br#"{"type":"channel_state"}"#, b"")),
    ];
    violations.extend(broken_headers());
    let (welcome, interface) = a_real_welcome().await;
    for (what, bytes) in violations {
        let leader = Scripted::listen(free_port()).await;
        let limits = Limits { max_data: MAX_DATA, ..Limits::default() };
        let (proxy, mut connection) =
            leader.follower(builder(leader.port).limits(limits), &welcome, &interface).await;
        assert_eq!(proxy.membership().role(), Role::Follower);

        let calling = proxy.clone();
        let lost = tokio::spawn(async move { calling.echo("lost".to_owned()).await });
        connection.next().await.unwrap();
        drop(leader);
        connection.try_send(&bytes).await;
        connection.closed_within(Duration::from_secs(2), what).await;
        let lost = lost.await.unwrap().unwrap_err();
        assert!(matches!(lost, Error::Disconnected { outcome: Outcome::Unknown, .. }), "{lost:?}");
        assert_eq!(proxy.echo("found".to_owned()).await, Ok("found".to_owned()), "{what}");
        assert_eq!(proxy.membership().role(), Role::Leader);
    }
}

/// Answers that come too late, or are not understood here yet, are no violation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_ignores_what_is_merely_odd() {
    let (welcome, interface) = a_real_welcome().await;
    let leader = Scripted::listen(free_port()).await;
    let (proxy, mut connection) = leader.follower(builder(leader.port), &welcome, &interface).await;
    let odd = [
        packet(Kind::Response, 2, RESULT_OK.as_bytes(), b"nobody waits"),
        packet(Kind::Request, 2, br#"{"type":"of_the_future"}"#, b"data"),
        packet(Kind::Request, 2, br#"{"type":"subscribe_result","key":"never subscribed"}"#, b"1"),
        packet(
            Kind::Request,
            2,
            br#"{"type":"publication_taken","method":"m","key":"k","call":1}"#,
            b"",
        ),
    ];
    for bytes in odd {
        connection.send(&bytes).await;
    }
    let calling = proxy.clone();
    let call = tokio::spawn(async move { calling.echo("x".to_owned()).await });
    let id = connection.next().await.unwrap().id;
    connection.send(&packet(Kind::Response, id, RESULT_OK.as_bytes(), b"not an echo")).await;
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Executed);
    assert_eq!(proxy.membership().role(), Role::Follower);
}

/// A leader that was fenced off must not be believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_refuses_a_leader_of_a_lower_epoch() {
    let (welcome, interface) = a_real_welcome().await;
    let leader = Scripted::listen(free_port()).await;
    let only_follower = builder(leader.port).role(RolePreference::Follower);
    let only_follower = only_follower.response_timeout(Duration::from_millis(500));
    let (proxy, connection) = leader.follower(only_follower, &welcome, &interface).await;
    let mut roles = proxy.membership().role_changes();
    drop(connection);
    while roles.next().await != Some(Role::Electing) {}

    let lower = Welcome { epoch: welcome.epoch - 1, ..welcome };
    let answering = tokio::spawn(async move {
        loop {
            leader.welcome(&lower, &interface).await;
        }
    });
    let error = proxy.echo("x".to_owned()).await.unwrap_err();
    answering.abort();
    let Error::NoLeader { last: Some(last), .. } = &error else { panic!("{error:?}") };
    assert!(last.contains("epoch"), "{last}");
    assert_eq!(proxy.membership().role(), Role::Electing);
}

/// What is being published by then must not be followed by what was published before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_says_twice_that_it_is_ready_is_asked_once() {
    let (welcome, interface) = a_real_welcome().await;
    let leader = Scripted::listen(free_port()).await;
    let (proxy, mut connection) = leader.follower(builder(leader.port), &welcome, &interface).await;
    let publishing = proxy.clone();
    let published = tokio::spawn(async move { publishing.publish("x".to_owned()).await });
    let id = connection.next().await.unwrap().id;
    connection.send(&packet(Kind::Response, id, RESULT_OK.as_bytes(), b"1")).await;
    assert_eq!(published.await.unwrap(), Ok(1));
    let ready = ConnObject::ChannelState { rs: welcome }.to_bytes();
    connection.send(&packet(Kind::Request, 2, &ready, &interface)).await;
    // It has been read when this one has been answered.
    connection.send(&packet(Kind::Request, 3, HEARTBEAT.as_bytes(), b"")).await;
    let next = connection.next().await.unwrap();
    assert_eq!((next.id, next.conn.as_str()), (3, HEARTBEAT_RES));
    let calling = proxy.clone();
    let call = tokio::spawn(async move { calling.echo("x".to_owned()).await });
    let asked = connection.next().await.unwrap();
    assert!(asked.conn.contains("echo"), "{}", asked.conn);
    connection.send(&packet(Kind::Response, asked.id, RESULT_OK.as_bytes(), b"\"x\"")).await;
    assert_eq!(call.await.unwrap(), Ok("x".to_owned()));
}

/// The one that is made last is the one that is made again, and the number by which the leader knows it is the highest.
#[tokio::test]
async fn publications_of_one_key_are_made_one_after_the_other() {
    let (welcome, interface) = a_real_welcome().await;
    let leader = Scripted::listen(free_port()).await;
    let (proxy, mut connection) = leader.follower(builder(leader.port), &welcome, &interface).await;
    let publish = |name: &str| {
        let (publishing, name) = (proxy.clone(), name.to_owned());
        tokio::spawn(async move { publishing.publish(name).await })
    };
    let done = |id| packet(Kind::Response, id, RESULT_OK.as_bytes(), b"1");
    let first = publish("x");
    let asked = connection.next().await.unwrap();
    let (second, other) = (publish("x"), publish("y"));
    let next = connection.next().await.unwrap();
    assert!(next.data.ends_with(b"\"y\""), "of another key");
    connection.send(&done(next.id)).await;
    assert_eq!(other.await.unwrap(), Ok(1));
    connection.send(&packet(Kind::Request, 3, HEARTBEAT.as_bytes(), b"")).await;
    assert_eq!(connection.next().await.unwrap().conn, HEARTBEAT_RES, "and nothing before that");

    connection.send(&done(asked.id)).await;
    assert_eq!(first.await.unwrap(), Ok(1));
    let asked = connection.next().await.unwrap();
    assert!(asked.data.ends_with(b"\"x\""));
    connection.send(&done(asked.id)).await;
    assert_eq!(second.await.unwrap(), Ok(1));
}

pub(crate) fn builder(port: u16) -> Builder<VictimProxy> {
    VictimProxy::builder().port(port).codec(cluster_client::Codec::Json)
}

async fn victim(_: LeaderContext) -> Result<Victim, Error> {
    Ok(Victim::default())
}

/// What a leader of this very program says of itself: a follower calls no method that the leader does not have.
pub(crate) async fn a_real_welcome() -> (Welcome, Vec<u8>) {
    let port = free_port();
    let leader = VictimProxy::builder().port(port).start(victim).await.unwrap();
    let (_, welcome, interface) = Attacker::welcomed(port, "Victim").await;
    assert_eq!(welcome.state, ChannelState::Ready);
    leader.membership().close().await;
    (welcome, interface)
}

pub(crate) struct Scripted {
    pub(crate) port: u16,
    listener: TcpListener,
}

impl Scripted {
    pub(crate) async fn listen(port: u16) -> Self {
        Self { port, listener: TcpListener::bind(("127.0.0.1", port)).await.unwrap() }
    }

    /// Lets a member join.
    pub(crate) async fn follower(
        &self,
        member: Builder<VictimProxy>,
        welcome: &Welcome,
        interface: &[u8],
    ) -> (VictimProxy, Attacker) {
        let (proxy, connection) =
            tokio::join!(member.start(victim), self.welcome(welcome, interface));
        (proxy.unwrap(), connection)
    }

    pub(crate) async fn welcome(&self, welcome: &Welcome, interface: &[u8]) -> Attacker {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut connection = Attacker::over(stream);
        let hello = connection.next().await.unwrap();
        let conn = ConnObject::RegisterChannelRes { rs: Some(welcome.clone()) }.to_bytes();
        connection.send(&packet(Kind::Response, hello.id, &conn, interface)).await;
        connection
    }
}
