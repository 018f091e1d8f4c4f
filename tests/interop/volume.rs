//! Much at once: long values, and subscribers that do not read.

use cluster_client::{Buffer, Value};
use rustix::process::Signal;
use serde_json::json;

use crate::live;
use crate::scene::{Scene, node_reg};
use crate::store::post;

/// Well below the 8 MiB that a packet may have, with what is escaped three times as long.
const LONG: usize = 1 << 19;

#[test]
fn long_values_go_each_way() {
    live(async {
        let (_scene, _leader, node, _rust) = Scene::led_by_rust().await;
        let text = json!("a|b ^".repeat(LONG));
        assert!(node.call("echo", std::slice::from_ref(&text)).unwrap() == text);
        let bytes = json!({ "$": "bytes", "hex": "00ff".repeat(LONG / 8) });
        assert!(node.call("echo", std::slice::from_ref(&bytes)).unwrap() == bytes);

        let (_scene, _leader, rust, _node) = Scene::led_by_node().await;
        let text = Value::from("a|b ^".repeat(LONG));
        assert!(rust.echo(text.clone()).await.unwrap() == text);
        let bytes = Value::from(Buffer([0, 255].repeat(LONG / 8)));
        assert!(rust.echo(bytes.clone()).await.unwrap() == bytes);
    });
}

/// D19: a leader keeps the newest value for whoever does not read, and nobody else waits.
#[test]
fn a_node_subscriber_that_is_stopped_holds_up_nobody() {
    live(async {
        let (scene, leader, node, _rust) = Scene::led_by_rust().await;
        let other = scene.node();
        for subscriber in [&node, &other] {
            subscriber.subscribe("all", &node_reg("long"));
            subscriber.call("nothing", &[]).unwrap();
        }
        let value = |number: u32| format!("{number} {}", "x".repeat(LONG / 2));

        node.node.signal(Signal::STOP);
        let from = other.node.now();
        for number in 0..100 {
            leader.announce(post("long", value(number))).await.unwrap();
        }
        other.hears(from, "all", &json!(value(99)));
        node.node.signal(Signal::CONT);
        node.hears(0, "all", &json!(value(99)));
        assert!(node.heard(0, "all").len() < 100, "all of them were kept for it");
    });
}
