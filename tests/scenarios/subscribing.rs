//! 67 and 68: `subscribe.test.js`, first values that are late.

use std::time::Duration;

use cluster_client::ClusterEvent;
use serde_json::json;

use crate::cast::{Build, Scene};
use crate::listener::Listener;
use crate::live;
use crate::member::Member;
use crate::node::Peer;

/// How long the follower waits until it reports a subscription.
const TIMEOUT: u64 = 1_000;

#[test]
fn b67_leader() {
    live(async {
        let (_scene, _leader, node) = led_by_rust().await;
        let [mut soon, mut late] =
            ["500", "1500"].map(|key| Listener::node(&node, "subscribe", key));
        soon.hears(&["hello:500"]).await;
        late.hears(&["hello:1500"]).await;
        let reported = reported(&node);
        assert!(
            matches!(&reported[..], [one] if one.contains("subscribe timeout for")),
            "{reported:?}"
        );
        assert!(reported[0].contains("1500"));
    });
}

#[test]
fn b68_leader() {
    live(async {
        let (_scene, _leader, node) = led_by_rust().await;
        for key in ["500", "600"] {
            let mut listener = Listener::node(&node, "subscribe", key);
            listener.hears(&[&format!("hello:{key}")]).await;
        }
        assert_eq!(reported(&node), [""; 0]);
    });
}

async fn led_by_rust() -> (Scene, Member, Peer) {
    let scene = Scene::new();
    let leader = Member::Rust(scene.rust().await);
    let node = scene.node("Registry", json!({ "subscribeTimeout": TIMEOUT }));
    (scene, leader, node)
}

/// The messages of the errors that it has emitted.
fn reported(node: &Peer) -> Vec<String> {
    let message = |line: &serde_json::Value| {
        (line["event"] == "error").then(|| line["error"]["message"].as_str().unwrap().to_owned())
    };
    node.node.all(0, message)
}

#[test]
fn b67_follower() {
    live(async {
        let (follower, _leader, stalled) = led_by_node(&["500", "1500"], true).await;
        assert!(matches!(&stalled[..], [one] if one.contains("1500")), "{stalled:?}");
        drop(follower);
    });
}

#[test]
fn b68_follower() {
    live(async {
        let (follower, _leader, stalled) = led_by_node(&["500", "600"], false).await;
        assert_eq!(stalled, [""; 0]);
        drop(follower);
    });
}

/// Subscribes to these, at once or one after the other, and waits for their values; the keys that were reported.
async fn led_by_node(keys: &[&str], at_once: bool) -> (Member, Peer, Vec<String>) {
    let scene = Scene::new();
    let leader = scene.node("Late", json!({}));
    let builder = Scene::follower().subscribe_timeout(Duration::from_millis(TIMEOUT));
    let follower = Member::Rust(scene.start(builder, Build::default()).await.unwrap());
    let mut events = follower.rust().membership().events();
    let mut listeners = Vec::new();
    for key in keys {
        let mut listener = follower.listen(key).await;
        if !at_once {
            listener.hears(&[&format!("hello:{key}")]).await;
        }
        listeners.push((key, listener));
    }
    for (key, listener) in listeners.iter_mut().filter(|_| at_once) {
        listener.hears(&[&format!("hello:{key}")]).await;
    }
    follower.close().await;
    let mut stalled = Vec::new();
    while let Some(event) = crate::soon(events.next()).await {
        if let ClusterEvent::SubscriptionStalled { key, .. } = event {
            stalled.push(key);
        }
    }
    (follower, leader, stalled)
}
