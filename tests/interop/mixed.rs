//! Both kinds at one Rust leader: among ours everything is as if Node were not there.

use cluster_client::{ClusterEvent, Event, Role};
use serde_json::json;

use crate::scene::{Scene, event, node_reg, until_role};
use crate::store::{News, StoreError, Tick, post, reg};
use crate::{live, soon};

#[test]
fn rust_followers_have_typed_errors_and_are_told_what_they_missed() {
    live(async {
        let (_scene, leader, node, rust) = Scene::led_by_rust().await;
        let typed = Err(StoreError::NotFound("k".to_owned()));
        assert_eq!(rust.fail("coded").await, typed);
        assert_eq!(leader.fail("coded").await, typed);
        assert_eq!(node.call("fail", &[json!("coded")]).unwrap_err().code, "NotFound");

        // Four are kept for a slow reader.
        let mut ticks = rust.ticks().await.unwrap();
        leader.tick(0, 100).await.unwrap();
        let (mut values, mut missed) = (0, 0);
        while values + missed < 100 {
            match soon(ticks.next_event()).await.unwrap() {
                Event::Value(Tick(_)) => values += 1,
                Event::Missed(count) => missed += count as usize,
                other => panic!("{other:?}"),
            }
        }
        assert!(missed > 0 && values > 0, "{values} values, {missed} missed");
    });
}

/// The leader closes under calls of both kinds: those of ours are carried over to the next one.
#[test]
fn a_rust_leader_that_closes_hands_over_the_calls_of_rust_followers() {
    live(async {
        let (scene, leader, node, rust) = Scene::led_by_rust().await;
        node.subscribe("all", &node_reg("prices"));
        let mut news = rust.watch(reg("prices")).await.unwrap();
        leader.announce(post("prices", 1)).await.unwrap();
        assert_eq!(soon(news.next_event()).await, Some(Event::Value(News(1.into()))));
        node.hears(0, "all", &json!(1));
        let mut events = rust.membership().events();

        let from = node.node.now();
        let accepted = tokio::spawn({
            let rust = rust.clone();
            async move { rust.slow(500).await }
        });
        scene.ran.until("slow", 500).await;
        let closing = leader.membership().close();
        let carried = async {
            event(&mut events, "LeaderLost").await;
            rust.add(1.0, 2.0).await
        };
        let ((), carried) = tokio::join!(soon(closing), soon(carried));
        assert_eq!(accepted.await.unwrap(), Ok(500), "it had been accepted");
        assert_eq!(carried, Ok(3.0), "it was sent to the next leader");
        node.event(from, "lost", |_| Some(()));

        // Whichever of the two leads now.
        loop {
            match soon(news.next_event()).await.unwrap() {
                Event::Resynced => break,
                Event::Value(value) => assert_eq!(value, News(1.into())),
                other => panic!("{other:?}"),
            }
        }
        node.event(from, "role", |_| Some(()));
        rust.announce(post("prices", 2)).await.unwrap();
        node.hears(from, "all", &json!(2));
    });
}

#[test]
fn a_leader_tells_of_both_kinds_of_followers() {
    live(async {
        let scene = Scene::new();
        let leader = scene.rust().await;
        let mut events = leader.membership().events();
        let node = scene.node();
        event(&mut events, "FollowerJoined").await;
        let rust = scene.rust().await;
        event(&mut events, "FollowerJoined").await;
        node.node.kill();
        event(&mut events, "FollowerLeft").await;
        rust.membership().close().await;
        event(&mut events, "FollowerLeft").await;

        until_role(&leader, Role::Leader).await;
        leader.membership().close().await;
        loop {
            match soon(events.next()).await {
                Some(ClusterEvent::Closed) => break,
                event => assert!(event.is_some(), "the end says so"),
            }
        }
    });
}
