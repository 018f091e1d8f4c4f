//! Values that go to the other side and back: all of the vectors, and many more.

use std::slice;

use cluster_client::Value;
use fastrand::Rng;
use futures::StreamExt;
use serde_json::json;

use crate::scene::{Scene, node_post, node_reg};
use crate::store::{post, reg};
use crate::values::{read, vectors, write};
use crate::{live, random, soon};

const VALUES: usize = 10_000;
/// So many calls at once: a Node leader keeps Nagle's algorithm on, so a call alone waits for an acknowledgement.
const AT_ONCE: usize = 500;

#[test]
fn the_vectors_come_back_through_a_rust_leader() {
    live(async {
        let (_scene, _leader, node, _rust) = Scene::led_by_rust().await;
        for vector in vectors() {
            assert_eq!(node.call("echo", slice::from_ref(&vector)).unwrap(), vector);
        }
    });
}

#[test]
fn the_vectors_come_back_through_a_node_leader() {
    live(async {
        let (_scene, _leader, rust, _node) = Scene::led_by_node().await;
        for vector in vectors() {
            let back = rust.echo(read(&vector)).await.unwrap();
            assert_eq!(write(&back), vector);
        }
    });
}

#[test]
fn many_values_of_node_come_back_through_a_rust_leader() {
    live(async {
        let (_scene, _leader, node, _rust) = Scene::led_by_rust().await;
        let told = node.ask("echo", json!({ "seed": 3, "count": VALUES })).unwrap();
        assert_eq!(told["count"], 0, "of {VALUES} have changed, among them {:#}", told["changed"]);
        println!("{VALUES} values, {} bytes as JSON", told["bytes"]);
    });
}

#[test]
fn many_values_of_rust_come_back_through_a_node_leader() {
    live(async {
        let (_scene, _leader, rust, _node) = Scene::led_by_node().await;
        let mut random = Rng::with_seed(3);
        let values: Vec<Value> = (0..VALUES).map(|_| random::value(&mut random, 3)).collect();
        let echoed = futures::stream::iter(values.into_iter().map(|value| {
            let rust = &rust;
            async move {
                let back = rust.echo(value.clone()).await.unwrap_or_else(|error| {
                    panic!("{error}: {value:?}");
                });
                assert_eq!(back, value);
            }
        }));
        assert_eq!(echoed.buffer_unordered(AT_ONCE).count().await, VALUES);
    });
}

#[test]
fn pushed_values_arrive_as_they_were() {
    live(async {
        let (_scene, leader, node, _rust) = Scene::led_by_rust().await;
        node.subscribe("all", &node_reg("vectors"));
        for vector in vectors() {
            let from = node.node.now();
            leader.announce(post("vectors", read(&vector))).await.unwrap();
            node.hears(from, "all", &vector);
        }

        let (_scene, leader, rust, _node) = Scene::led_by_node().await;
        let mut news = rust.watch(reg("vectors")).await.unwrap();
        for vector in vectors() {
            leader.send("publish", &node_post("vectors", vector.clone()));
            let news = soon(news.next()).await.unwrap();
            assert_eq!(write(&news.0), vector);
        }
    });
}
