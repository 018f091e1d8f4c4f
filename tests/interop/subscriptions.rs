//! Subscriptions and publications, each way.

use cluster_client::{Event, Subscription};
use serde_json::{Value as Json, json};

use crate::scene::{Scene, node_post, node_reg};
use crate::store::{News, post, reg};
use crate::{live, soon};

#[test]
fn node_followers_subscribe_and_publish_at_a_rust_leader() {
    live(async {
        let (scene, leader, node, rust) = Scene::led_by_rust().await;
        let other = scene.node();
        let prices = node_reg("prices");
        node.subscribe("first", &prices);
        node.subscribe("second", &prices);
        other.subscribe("other", &prices);
        let mut news = rust.watch(reg("prices")).await.unwrap();

        node.send("publish", &node_post("prices", 1));
        for (peer, listener) in [(&node, "first"), (&node, "second"), (&other, "other")] {
            peer.hears(0, listener, &json!(1));
        }
        assert_eq!(next(&mut news).await, Some(1.0));

        rust.announce(post("prices", 2)).await.unwrap();
        node.hears(0, "first", &json!(2));
        other.hears(0, "other", &json!(2));
        assert_eq!(next(&mut news).await, Some(2.0));

        // A late listener of the same process, of another one, and of ours.
        node.subscribe("late", &prices);
        node.hears(0, "late", &json!(2));
        let third = scene.node();
        third.subscribe("later", &prices);
        third.hears(0, "later", &json!(2));
        let mut late = leader.watch(reg("prices")).await.unwrap();
        assert_eq!(next(&mut late).await, Some(2.0));
        assert_eq!(scene.ran.count("watch"), 1);
    });
}

#[test]
fn rust_followers_subscribe_and_publish_at_a_node_leader() {
    live(async {
        let (scene, leader, rust, node) = Scene::led_by_node().await;
        let prices = node_reg("prices");
        let mut first = rust.watch(reg("prices")).await.unwrap();
        let mut second = rust.watch(reg("prices")).await.unwrap();
        leader.subscribe("leader", &prices);
        node.subscribe("other", &prices);

        rust.announce(post("prices", 1)).await.unwrap();
        assert_eq!(leader.ran(0, "publish"), json!([node_post("prices", 1)]));
        for (peer, listener) in [(&leader, "leader"), (&node, "other")] {
            peer.hears(0, listener, &json!(1));
        }
        assert_eq!((next(&mut first).await, next(&mut second).await), (Some(1.0), Some(1.0)));

        node.send("publish", &node_post("prices", 2));
        assert_eq!((next(&mut first).await, next(&mut second).await), (Some(2.0), Some(2.0)));

        let mut late = rust.watch(reg("prices")).await.unwrap();
        assert_eq!(next(&mut late).await, Some(2.0));
        let other = scene.rust().await;
        let mut later = other.watch(reg("prices")).await.unwrap();
        assert_eq!(next(&mut later).await, Some(2.0));
    });
}

#[test]
fn a_node_follower_unsubscribes_from_a_rust_leader() {
    live(async {
        let (scene, leader, node, _rust) = Scene::led_by_rust().await;
        let prices = node_reg("prices");
        for listener in ["first", "second"] {
            node.subscribe(listener, &prices);
        }
        leader.announce(post("prices", 1)).await.unwrap();
        node.hears(0, "first", &json!(1));
        node.hears(0, "second", &json!(1));

        node.unsubscribe(Some("first"), &prices);
        leader.announce(post("prices", 2)).await.unwrap();
        node.hears(0, "second", &json!(2));

        node.unsubscribe(None, &prices);
        // A Node leader would never do so.
        scene.ran.until("unwatch", "prices").await;
        leader.announce(post("prices", 3)).await.unwrap();
        // The leader answers in order, so a push would have come before this.
        node.call("nothing", &[]).unwrap();
        assert_eq!(node.heard(0, "first"), [json!(1)]);
        assert_eq!(node.heard(0, "second"), [json!(1), json!(2)]);

        // And once more.
        let from = node.node.now();
        node.subscribe("third", &prices);
        node.hears(from, "third", &json!(3));
    });
}

#[test]
fn a_rust_follower_unsubscribes_from_a_node_leader() {
    live(async {
        let (_scene, leader, rust, _node) = Scene::led_by_node().await;
        let mut news = rust.watch(reg("prices")).await.unwrap();
        leader.send("publish", &node_post("prices", 1));
        assert_eq!(next(&mut news).await, Some(1.0));
        drop(news);
        leader.send("publish", &node_post("prices", 2));
        rust.nothing().await.unwrap();

        let mut news = rust.watch(reg("prices")).await.unwrap();
        assert_eq!(next(&mut news).await, Some(2.0));
        leader.send("publish", &node_post("prices", 3));
        assert_eq!(next(&mut news).await, Some(3.0));
    });
}

/// Whose keys are told apart by more than their text: order of members, numbers, what JSON leaves out.
#[test]
fn keys_of_any_shape_find_their_way_back() {
    live(async {
        let (_scene, leader, node, _rust) = Scene::led_by_rust().await;
        let id = |more: [(&str, Json); 2]| {
            let id = ("dataId", json!("k"));
            crate::scene::object([more[0].clone(), id, more[1].clone()])
        };
        let regs = [
            id([("b", json!(1.0)), ("a", json!(1e21))]),
            id([("10", json!("x")), ("9", json!(1e-7))]),
            id([("u", json!({ "$": "undefined" })), ("n", json!({ "$": "nan" }))]),
            id([("d", json!({ "$": "date", "ms": 0 })), ("s", json!("\u{1}\u{2028}🦀\"\\"))]),
        ];
        for (at, reg) in regs.iter().enumerate() {
            node.subscribe(&at.to_string(), reg);
        }
        leader.announce(post("k", 1)).await.unwrap();
        for at in 0..regs.len() {
            node.hears(0, &at.to_string(), &json!(1));
        }
    });
}

/// The number that comes next.
async fn next(news: &mut Subscription<News>) -> Option<f64> {
    loop {
        match soon(news.next_event()).await? {
            Event::Value(News(cluster_client::Value::Number(number))) => return Some(number),
            Event::Value(other) => panic!("{other:?}"),
            Event::Resynced | Event::Missed(_) => {}
        }
    }
}
