//! Peers that fall silent, and peers that only seem to, at short intervals.

use std::time::{Duration, Instant};

use cluster_client::{Role, Value};
use rustix::process::Signal;
use serde_json::json;
use support::process::Group;
use support::report::Setup;

use crate::node::Node;
use crate::scene::{Scene, event, node_post, node_reg};
use crate::store::reg;
use crate::{MEMBER, alone, live, soon};

#[test]
fn a_mute_node_leader_is_reported_and_goes_on_later() {
    live(async {
        let scene = Scene::with_heartbeat(200);
        let node = scene.node();
        let rust = scene.rust().await;
        let mut events = rust.membership().events();

        node.node.signal(Signal::STOP);
        event(&mut events, "LeaderUnresponsive").await;
        node.node.signal(Signal::CONT);
        event(&mut events, "Leader").await;
        assert_eq!(rust.add(1.0, 1.0).await, Ok(2.0));
    });
}

#[test]
fn a_mute_node_follower_is_dropped_and_comes_back() {
    live(async {
        let scene = Scene::with_heartbeat(100);
        let leader = scene.rust().await;
        let node = scene.node();
        let mut events = leader.membership().events();

        node.node.signal(Signal::STOP);
        let from = node.node.now();
        event(&mut events, "FollowerLeft").await;
        node.node.signal(Signal::CONT);
        event(&mut events, "FollowerJoined").await;
        node.event(from, "role", |line| (line["leads"] == false).then_some(()));
        assert_eq!(node.call("add", &[json!(1), json!(1)]).unwrap(), 2);
    });
}

#[test]
fn a_mute_rust_leader_is_left_by_node_and_joined_again() {
    let _alone = alone();
    let mut group = Group::new(MEMBER);
    group.setup.heartbeat_interval = Duration::from_millis(200);
    group.setup.node_compat = true;
    let leader = group.spawn();
    assert!(leader.started());
    let options =
        json!({ "port": group.setup.port, "heartbeatInterval": 200, "responseTimeout": 500 });
    let node = Node::spawn().join("Backend", options);

    leader.signal(Signal::STOP);
    let from = node.node.now();
    node.emitted(from, "ServerNoResponseError");
    node.event(from, "lost", |_| Some(()));
    leader.signal(Signal::CONT);
    node.event(from, "role", |line| (line["leads"] == false).then_some(()));
    node.call("work", &[json!("after")]).unwrap();
    assert!(group.ledger.book().executions.contains_key("after"));
}

#[test]
fn a_mute_rust_follower_is_dropped_by_node_and_comes_back() {
    let _alone = alone();
    let mut group = Group::new(MEMBER);
    group.setup.heartbeat_interval = Duration::from_millis(200);
    group.setup.node_compat = true;
    let options = json!({ "port": group.setup.port, "heartbeatInterval": 200 });
    let setup = json!({ "ledger": group.ledger.port(), "options": options });
    let (leader, result) = Node::spawn().try_join("Backend", setup);
    result.unwrap();
    let follower = group.spawn_as(&Setup { follower_only: true, ..group.setup.clone() });
    assert!(!follower.started());

    follower.signal(Signal::STOP);
    leader.emitted(0, "ClusterClientNoResponseError");
    follower.signal(Signal::CONT);
    follower.wait_for_event(0, "LeaderLost");
    let from = follower.reports().len();
    follower.wait_for_event(from.saturating_sub(1), "BecameFollower");
    assert!(follower.call("work-after").result.is_ok());
}

/// D1: a call pending holds up Node's heartbeats, and its leader throws out whoever sends none.
#[test]
fn a_long_call_costs_nobody_the_connection() {
    live(async {
        let scene = Scene::with_heartbeat(100);
        let leader = scene.node();
        let rust = scene.rust().await;
        assert_eq!(rust.slow(1_500).await, Ok(1_500));
        assert_eq!(kicked(&leader), 0);
        assert_eq!(rust.membership().role(), Role::Follower);

        let scene = Scene::with_heartbeat(100);
        let leader = scene.rust().await;
        let mut events = leader.membership().events();
        let node = scene.node_with(json!({ "responseTimeout": 10_000 }));
        event(&mut events, "FollowerJoined").await;
        assert_eq!(node.call("slow", &[json!(3_000)]).unwrap(), 3_000);
        assert_eq!(node.node.all(0, |line| (line["event"] == "lost").then_some(())), []);
    });
}

/// What is sent to Node as an answer is no sign of life to it, and what comes from it is one to us: pings are needed
/// all the same.
#[test]
fn constant_pushes_do_not_cost_a_rust_follower_its_connection() {
    live(async {
        let scene = Scene::with_heartbeat(100);
        let leader = scene.node();
        let rust = scene.rust().await;
        let mut news = rust.watch(reg("ticks")).await.unwrap();
        let began = Instant::now();
        let mut number = 0;
        while began.elapsed() < Duration::from_millis(1_500) {
            number += 1;
            leader.send("publish", &node_post("ticks", number));
            let news = soon(news.next()).await.unwrap();
            assert_eq!(news.0, Value::from(number));
        }
        assert_eq!(kicked(&leader), 0, "after {number} pushes");
        assert!(number > 20, "{number} pushes");
    });
}

#[test]
fn constant_pushes_do_not_cost_a_node_follower_its_connection() {
    live(async {
        let scene = Scene::with_heartbeat(100);
        let leader = scene.rust().await;
        let node = scene.node();
        node.subscribe("all", &node_reg("ticks"));
        let began = Instant::now();
        let mut number = 0;
        while began.elapsed() < Duration::from_millis(2_500) {
            number += 1;
            let from = node.node.now();
            leader.announce(crate::store::post("ticks", number)).await.unwrap();
            node.hears(from, "all", &json!(number));
        }
        assert_eq!(node.node.all(0, |line| (line["event"] == "lost").then_some(())), []);
    });
}

/// How many connections the Node leader has closed for their silence.
fn kicked(leader: &crate::node::Peer) -> usize {
    let kicked = |line: &serde_json::Value| {
        (line["error"]["name"] == "ClusterClientNoResponseError").then_some(())
    };
    leader.node.all(0, kicked).len()
}
