//! 23 to 27: a leader's connection to a follower, and its end.

use cluster_client::{ClusterEvent, Events};
use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cast::{Build, Kind, Scene};
use crate::{live, soon};
use std::time::Duration;

async fn event(events: &mut Events, wanted: impl Fn(&ClusterEvent) -> bool) {
    while !wanted(&soon(events.next()).await.expect("the member is open")) {}
}

fn joined(event: &ClusterEvent) -> bool {
    matches!(event, ClusterEvent::FollowerJoined { .. })
}

fn left(event: &ClusterEvent) -> bool {
    matches!(event, ClusterEvent::FollowerLeft { .. })
}

/// A push is not timed; who says nothing for too long is dropped.
#[test]
fn b23_leader() {
    live(async {
        let scene = Scene::new();
        let builder = Scene::builder().heartbeat_interval(Duration::from_millis(50));
        let leader = scene.start(builder, Build::default()).await.unwrap();
        let mut events = leader.membership().events();
        let node = scene.node("Registry", json!({ "heartbeatInterval": 50 }));
        event(&mut events, joined).await;
        node.node.signal(Signal::STOP);
        event(&mut events, left).await;
    });
}

#[test]
fn b23_follower() {
    live(async {
        let scene = Scene::new();
        let leader = scene.node("Registry", json!({}));
        let builder = Scene::follower().heartbeat_interval(Duration::from_millis(50));
        let follower = scene.start(builder, Build::default()).await.unwrap();
        let mut events = follower.membership().events();
        leader.node.signal(Signal::STOP);
        let unresponsive = |event: &_| matches!(event, ClusterEvent::LeaderUnresponsive { .. });
        event(&mut events, unresponsive).await;
        let error = soon(follower.slow(1)).await.unwrap_err();
        assert!(matches!(error, cluster_client::Error::DeadlineExceeded { .. }), "{error:?}");
    });
}

#[test]
fn b24_leader() {
    live(async {
        let scene = Scene::new();
        let leader = scene.rust().await;
        let mut events = leader.membership().events();
        let node = scene.node("Registry", json!({}));
        event(&mut events, joined).await;
        node.node.kill();
        event(&mut events, left).await;
    });
}

#[test]
fn b24_follower() {
    live(async {
        let (_scene, leader, follower) = Scene::cast(Kind::Node).await;
        let mut events = follower.rust().membership().events();
        leader.node().node.kill();
        event(&mut events, |event| matches!(event, ClusterEvent::LeaderLost { .. })).await;
        follower.takes_over().await;
    });
}

/// What is unknown does not get past the registration, and a Node follower beside it notices nothing.
#[test]
fn b25_leader() {
    raw("010000000000000000000001000003e80000000d00000000", br#"{"foo":"bar"}"#);
}

/// JSON with a character too many.
#[test]
fn b27_leader() {
    raw("010000000000000000000001000003e80000000d00000000", br#"{"foo":"bar"|"#);
}

/// The leader closes a connection that sends this.
fn raw(header: &str, conn: &[u8]) {
    live(async {
        let (scene, leader, follower) = Scene::cast(Kind::Rust).await;
        let mut packet: Vec<u8> = (0..header.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&header[at..at + 2], 16).unwrap())
            .collect();
        packet.extend_from_slice(conn);
        let mut stream = TcpStream::connect(("127.0.0.1", scene.port)).await.unwrap();
        stream.write_all(&packet).await.unwrap();
        assert_eq!(soon(stream.read(&mut [0; 100])).await.unwrap(), 0);
        assert_eq!(follower.get("id").await, Ok("id".to_owned()));
        assert!(leader.leads());
    });
}

#[test]
fn b26_leader() {
    live(async {
        let scene = Scene::new();
        let leader = scene.rust().await;
        let mut events = leader.membership().events();
        let node = scene.node("Registry", json!({}));
        event(&mut events, joined).await;
        node.ask("closeTwice", json!({})).unwrap();
        event(&mut events, left).await;
        // Nothing else leaves before the next one comes.
        let _next = scene.node("Registry", json!({}));
        assert!(joined(&soon(events.next()).await.unwrap()));
    });
}

#[test]
fn b26_follower() {
    live(async {
        let (scene, leader, follower) = Scene::cast(Kind::Node).await;
        let membership = follower.rust().membership();
        soon(async { tokio::join!(membership.close(), membership.close()) }).await;
        let next = scene.join(Kind::Rust).await;
        assert_eq!(next.get("id").await, Ok("id".to_owned()));
        let emitted = leader.node().node.all(0, |line| (line["event"] == "error").then_some(()));
        assert!(emitted.is_empty());
    });
}
