//! 1 to 15: `async.test.js` and `client.test.js`.

use cluster_client::Error;
use serde_json::json;

use crate::cast::{Build, Kind, SLOW, Scene};
use crate::listener::Listener;
use crate::member::{Member, mock_error, node_provider, provider};
use crate::soon;

roles! {
    b01_leader, b01_follower: members_wait_for_a_slow_real_client;
    b03_leader, b03_follower: each_listener_gets_the_first_value;
    b04_leader, b04_follower: a_later_subscriber_gets_the_value_there_is;
    b05_leader, b05_follower: a_later_listener_gets_the_value_there_is;
    b06_leader, b06_follower: a_publication_reaches_all;
    b07_leader, b07_follower: a_one_way_call_reaches_the_real_client;
    b08_leader, b08_follower: one_listener_unsubscribes;
    b09_leader, b09_follower: all_listeners_unsubscribe;
    b10_leader, b10_follower: a_publication_before_any_subscription;
    b13_leader, b13_follower: one_leads;
    b14_leader, b14_follower: members_share_one_real_client;
}

/// Longer than the follower waits for an answer to its registration.
async fn members_wait_for_a_slow_real_client(leader: Kind) {
    let scene = Scene::new();
    let (leader, follower) = match leader {
        Kind::Rust => {
            let leader = scene.start(Scene::builder(), SLOW);
            let options = json!({ "responseTimeout": 100, "isLeader": false });
            let (follower, id) = scene.begin_node("Registry", options);
            let leader = Member::Rust(leader.await.unwrap());
            follower.node.answer(id).unwrap();
            (leader, Member::Node(follower))
        }
        Kind::Node => {
            let (leader, id) =
                scene.begin_node("Slow", json!({ "responseTimeout": 100, "isLeader": true }));
            let follower = scene.start(Scene::follower(), Build::default()).await.unwrap();
            leader.node.answer(id).unwrap();
            (Member::Node(leader), Member::Rust(follower))
        }
    };
    for member in [&follower, &leader] {
        assert_eq!(member.get("hello").await, Ok("hello".to_owned()));
    }
    follower.close().await;
    leader.close().await;
}

async fn each_listener_gets_the_first_value(leader: Kind) {
    let (_scene, _leader, follower) = Scene::cast(leader).await;
    for _ in 0..2 {
        follower.listen("foo").await.hears(&[]).await;
    }
}

async fn a_later_subscriber_gets_the_value_there_is(leader: Kind) {
    let (_scene, leader, follower) = Scene::cast(leader).await;
    leader.listen("foo").await.hears(&[]).await;
    let (mut first, mut second) = (follower.listen("foo").await, follower.listen("foo").await);
    first.hears(&[]).await;
    second.hears(&[]).await;
    assert_eq!(follower.count().await, (1, 1));
}

async fn a_later_listener_gets_the_value_there_is(leader: Kind) {
    let (_scene, _leader, follower) = Scene::cast(leader).await;
    let mut first = follower.listen("foo").await;
    first.hears(&[]).await;
    let mut later = follower.listen("foo").await;
    later.hears(&[]).await;
    follower.round_trip().await;
    first.has_heard_all().await;
    later.has_heard_all().await;
}

/// One listener in each member, which have heard the first value.
async fn listen(leader: &Member, follower: &Member) -> [Listener; 2] {
    let mut listeners = [leader.listen("foo").await, follower.listen("foo").await];
    all_hear(&mut listeners, &[]).await;
    listeners
}

async fn all_hear(listeners: &mut [Listener], list: &[&str]) {
    for listener in listeners {
        listener.hears(list).await;
    }
}

async fn a_publication_reaches_all(leader: Kind) {
    let (_scene, leader, follower) = Scene::cast(leader).await;
    let mut listeners = listen(&leader, &follower).await;
    follower.publish("foo", "bar").await;
    all_hear(&mut listeners, &["bar"]).await;
    leader.publish("foo", "baz").await;
    all_hear(&mut listeners, &["bar", "baz"]).await;
}

async fn a_one_way_call_reaches_the_real_client(leader: Kind) {
    let (_scene, leader, follower) = Scene::cast(leader).await;
    let mut listeners = listen(&leader, &follower).await;
    follower.publish("foo", "bar").await;
    all_hear(&mut listeners, &["bar"]).await;
    follower.unpublish("foo", "bar").await;
    all_hear(&mut listeners, &[]).await;
}

async fn one_listener_unsubscribes(leader: Kind) {
    let (_scene, leader, follower) = Scene::cast(leader).await;
    let [mut of_leader, mut of_follower] = listen(&leader, &follower).await;
    let more = [leader.listen("foo").await, follower.listen("foo").await];
    let gone = more.map(Listener::unsubscribe);
    follower.publish("foo", "bar").await;
    of_leader.hears(&["bar"]).await;
    of_follower.hears(&["bar"]).await;
    follower.round_trip().await;
    gone.iter().for_each(|listener| listener.has_heard_nothing());
}

async fn all_listeners_unsubscribe(leader: Kind) {
    let (scene, leader, follower) = Scene::cast(leader).await;
    let gone = listen(&leader, &follower).await.map(Listener::unsubscribe);
    follower.round_trip().await;
    follower.publish("foo", "bar").await;
    follower.round_trip().await;
    gone.iter().for_each(|listener| listener.has_heard_nothing());
    // And it can be subscribed to again.
    follower.listen("foo").await.hears(&["bar"]).await;
    drop(scene);
}

async fn a_publication_before_any_subscription(leader: Kind) {
    let (_scene, leader, follower) = Scene::cast(leader).await;
    follower.publish("foo", "bar").await;
    follower.round_trip().await;
    follower.listen("foo").await.hears(&["bar"]).await;
    leader.listen("foo").await.hears(&["bar"]).await;
}

async fn one_leads(leader: Kind) {
    let (_scene, leader, follower) = Scene::cast(leader).await;
    assert!(leader.leads());
    assert!(!follower.leads());
}

async fn members_share_one_real_client(kind: Kind) {
    let (scene, leader, follower) = Scene::cast(kind).await;
    assert_eq!(follower.get("hello").await, Ok("hello".to_owned()));
    assert_eq!((leader.count().await.0, follower.count().await.0), (1, 1));
    follower.close().await;
    leader.close().await;

    // The next two, in the same processes.
    let again = match &leader {
        Member::Rust(_) => scene.join(Kind::Rust).await,
        Member::Node(old) => {
            let (leader, id) = scene.join_process(&old.node, "Registry", json!({}));
            old.node.answer(id).unwrap();
            Member::Node(leader)
        }
    };
    let follower = scene.join(kind.other()).await;
    assert!(again.leads() && !follower.leads());
    assert_eq!((again.count().await.0, follower.count().await.0), (2, 2));
}

/// Its message is that of the factory's error, its code says whose error it is.
#[test]
fn b11_leader() {
    crate::live(async {
        let (scene, _leader) = Scene::led_by_failing_rust().await;
        let (node, joined) = scene.try_node("Registry", json!({}));
        let called = node.call("get", &[json!("id")]);
        for failed in [joined.unwrap_err(), called.unwrap_err()] {
            assert_eq!((&*failed.message, failed.code), ("mock error", json!("REAL_CLIENT")));
        }
        node.close();
        node.close();
    });
}

#[test]
fn b11_follower() {
    crate::live(async {
        let scene = Scene::new();
        let (leader, id) = scene.begin_node("Failing", json!({ "isLeader": true }));
        let failed = scene.start(Scene::follower(), Build::default()).await;
        let message = failed.unwrap_err().to_string();
        assert!(message.contains("mock error (ERROR_CODE)"), "{message}");
        let failed = leader.node.answer(id).unwrap_err();
        assert_eq!((&*failed.message, failed.code), ("mock error", json!("ERROR_CODE")));
        let failed = leader.call("get", &[json!("id")]).unwrap_err();
        assert_eq!((&*failed.message, failed.code), ("mock error", json!("ERROR_CODE")));
        leader.close();
        leader.close();
    });
}

/// Before and after the real client has failed: nothing throws, nothing hangs.
#[test]
fn b12_leader() {
    crate::live(async {
        let (scene, _leader) = Scene::led_by_failing_rust().await;
        let (node, id) = scene.begin_node("Registry", json!({}));
        node.send("unPublish", &node_provider("foo", "bar"));
        assert_eq!(node.node.answer(id).unwrap_err().message, "mock error");
        node.send("unPublish", &node_provider("foo", "bar"));
        node.close();
    });
}

#[test]
fn b12_follower() {
    crate::live(async {
        let (_scene, _leader, follower) = Scene::led_by_failing_node().await;
        for _ in 0..2 {
            // It is queued, or the failure is known already.
            let sent = soon(follower.un_publish(provider("foo", "bar"))).await;
            assert!(matches!(sent, Ok(()) | Err(Error::RealClient { .. })), "{sent:?}");
        }
        soon(follower.membership().close()).await;
    });
}

/// A real client here emits no events; one in Node that emits 'close' makes its member a follower of itself (D13).
async fn a_real_client_that_breaks(leader: Kind) {
    let (_scene, leader, follower) = Scene::cast(leader).await;
    assert_eq!(leader.breaks().await, mock_error());
    assert_eq!(follower.breaks().await, mock_error());
    follower.close().await;
    leader.close().await;
}

roles! {
    b15_leader, b15_follower: a_real_client_that_breaks;
}
