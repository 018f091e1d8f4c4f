//! 28, 31, 33, 35 and 41: `edge_case.test.js`, `event.test.js` and the first half of `index.test.js`.

use std::time::Duration;

use cluster_client::{ClusterEvent, Error, RolePreference};
use serde_json::json;

use crate::cast::{Build, Kind, Scene};
use crate::listener::Listener;
use crate::{live, soon};

roles! {
    b28_leader, b28_follower: a_listener_that_changes_its_value_changes_no_other;
    b31_leader, b31_follower: eleven_listeners_of_one_key;
    b35_leader, b35_follower: subscribers_see_the_providers_of_all;
}

async fn a_listener_that_changes_its_value_changes_no_other(kind: Kind) {
    let (scene, leader, follower) = Scene::cast(kind).await;
    leader.publish("foo", "bar").await;
    leader.round_trip().await;
    let node = if kind == Kind::Rust { &follower } else { &leader };
    let mut spoiler = Listener::node(node.node(), "spoil", "foo");
    spoiler.hears(&["bar"]).await;
    for member in [&leader, &scene.join(Kind::Node).await, &scene.join(Kind::Rust).await] {
        member.listen("foo").await.hears(&["bar"]).await;
    }
}

async fn eleven_listeners_of_one_key(kind: Kind) {
    let (_scene, leader, follower) = Scene::cast(kind).await;
    let mut listeners = Vec::new();
    for _ in 0..11 {
        listeners.push(follower.listen("foo").await);
    }
    leader.publish("foo", "bar").await;
    for listener in &mut listeners {
        listener.hears(&["bar"]).await;
    }
    assert_eq!(follower.count().await, (1, 1));
}

async fn subscribers_see_the_providers_of_all(kind: Kind) {
    let (_scene, leader, follower) = Scene::cast(kind).await;
    let mut listeners = [leader.listen("foo").await, follower.listen("foo").await];
    leader.publish("foo", "host:299").await;
    // In this order also where publishing is one-way.
    for listener in &mut listeners {
        listener.hears(&["host:299"]).await;
    }
    follower.publish("foo", "host:300").await;
    for listener in &mut listeners {
        listener.hears(&["host:299", "host:300"]).await;
    }
    follower.listen("foo").await.hears(&["host:299", "host:300"]).await;
}

#[test]
fn b33_leader() {
    live(async {
        let (scene, _leader, _follower) = Scene::cast(Kind::Rust).await;
        let (node, joined) = scene.try_node("Registry", json!({ "isLeader": true }));
        let message = format!(
            "create \"Registry\" leader failed, the port:{} is occupied by other",
            scene.port
        );
        assert_eq!(joined.unwrap_err().message, message);
        node.close();
    });
}

#[test]
fn b33_follower() {
    live(async {
        let (scene, leader, _follower) = Scene::cast(Kind::Node).await;
        let builder = Scene::builder().role(RolePreference::Leader);
        let error = scene.start(builder, Build::default()).await.unwrap_err();
        assert!(matches!(error, Error::PortOccupied { .. }), "{error:?}");
        assert!(leader.leads());
    });
}

/// A Node follower may be silent for thirty of the leader's intervals, as long as a Node leader of the defaults allows.
#[test]
fn b41_leader() {
    live(async {
        let scene = Scene::new();
        let builder = Scene::builder().heartbeat_interval(Duration::from_millis(50));
        let leader = scene.start(builder, Build::default()).await.unwrap();
        let mut events = leader.membership().events();
        let silent = scene.node("Registry", json!({ "heartbeatInterval": 30_000 }));
        let alive = scene.node("Registry", json!({ "heartbeatInterval": 500 }));
        while !matches!(soon(events.next()).await, Some(ClusterEvent::FollowerLeft { .. })) {}
        silent.event(0, "lost", |_| Some(()));
        silent.event(0, "role", |line| (line["leads"] == false).then_some(()));
        assert!(alive.node.all(0, |line| (line["event"] == "lost").then_some(())).is_empty());
    });
}

#[test]
fn b41_follower() {
    live(async {
        let scene = Scene::new();
        let leader = scene.node("Registry", json!({ "heartbeatInterval": 500 }));
        let start = |interval| {
            let builder = Scene::follower().heartbeat_interval(interval);
            scene.start(builder, Build::default())
        };
        let silent = start(Duration::from_secs(30)).await.unwrap();
        let alive = start(Duration::from_millis(100)).await.unwrap();
        let (mut of_silent, mut of_alive) =
            (silent.membership().events(), alive.membership().events());
        let message = leader.emitted(0, "ClusterClientNoResponseError");
        assert!(message.contains("exceeding maxIdleTime 1500ms"), "{message}");
        let lost = |event: &_| matches!(event, ClusterEvent::LeaderLost { .. });
        while !lost(&soon(of_silent.next()).await.unwrap()) {}
        soon(alive.membership().close()).await;
        while let Some(event) = soon(of_alive.next()).await {
            assert!(!lost(&event), "{event:?}");
        }
    });
}
