//! Calls, one-way calls and their ends, each way.

use std::slice;
use std::time::Duration;

use cluster_client::{Error, Value};
use serde_json::json;

use crate::live;
use crate::scene::{Scene, object};
use crate::store::StoreError;

#[test]
fn a_node_follower_calls_a_rust_leader() {
    live(async {
        let (scene, _leader, node, _rust) = Scene::led_by_rust().await;
        let list = json!([1, "two", { "$": "bytes", "hex": "0003" }]);
        assert_eq!(node.call("echo", slice::from_ref(&list)).unwrap(), list);
        assert_eq!(node.call("add", &[json!(1), json!(0.5)]).unwrap(), json!(1.5));
        assert_eq!(node.call("nothing", &[]).unwrap(), json!({ "$": "undefined" }));

        let callback = json!({ "method": "callback", "args": [list] });
        assert_eq!(node.ask("callBack", callback).unwrap(), list);

        node.send("tell", &json!("one way"));
        scene.ran.until("tell", "one way").await;
    });
}

#[test]
fn a_rust_follower_calls_a_node_leader() {
    live(async {
        let (_scene, leader, rust, _node) = Scene::led_by_node().await;
        let list = Value::Array(vec![1.into(), "two".into(), Value::Undefined, Value::Null]);
        assert_eq!(rust.echo(list.clone()).await, Ok(list));
        assert_eq!(rust.add(1.0, 0.5).await, Ok(1.5));
        assert_eq!(rust.nothing().await, Ok(()));
        assert_eq!(rust.callback("of Node".into()).await, Ok("of Node".into()));

        rust.tell("one way".into()).await.unwrap();
        assert_eq!(leader.ran(0, "tell"), json!(["one way"]));
    });
}

#[test]
fn a_call_that_is_never_answered_ends_in_time() {
    live(async {
        let (_scene, _leader, node, _rust) = Scene::led_by_rust().await;
        let error = node.call("neverAnswers", &[]).unwrap_err();
        // Both sides count the same 3 s.
        let by_node = error.name == "ResponseTimeoutError";
        assert!(by_node || error.code == "TIMED_OUT", "{error:?}");

        let (_scene, _leader, rust, _node) = Scene::led_by_node().await;
        let error = rust.never_answers().await.unwrap_err();
        assert!(
            matches!(&error, Error::DeadlineExceeded { timeout, .. } if *timeout == Duration::from_millis(300)),
            "{error:?}"
        );
    });
}

/// What would be an uncaught exception in a Node leader, and a time-out in its follower.
#[test]
fn a_call_that_cannot_run_is_an_error_of_a_rust_leader() {
    live(async {
        let (_scene, leader, node, rust) = Scene::led_by_rust().await;
        for (method, args, code, message) in [
            ("breaks", &[][..], "PANICKED", "thrown, not returned"),
            ("onlyInNode", &[], "UNKNOWN_METHOD", "onlyInNode"),
            ("add", &[json!("x"), json!(1)], "BAD_ARGUMENTS", "add"),
            ("add", &[], "BAD_ARGUMENTS", "add"),
        ] {
            let error = node.call(method, args).unwrap_err();
            assert_eq!(error.code, code, "{error:?}");
            assert!(error.message.contains(message), "{error:?}");
        }
        assert_eq!(node.call("add", &[json!(1), json!(1)]).unwrap(), 2);
        assert_eq!(rust.add(1.0, 1.0).await, Ok(2.0));
        assert_eq!(leader.add(1.0, 1.0).await, Ok(2.0));
    });
}

/// A struct here is an object there, by the names of serde.
#[test]
fn structs_are_objects() {
    live(async {
        let (_scene, _leader, node, _rust) = Scene::led_by_rust().await;
        let error = node.call("fail", &[object([("kind", json!(1))])]).unwrap_err();
        assert_eq!(error.code, "BAD_ARGUMENTS", "{error:?}");

        let (_scene, _leader, rust, _node) = Scene::led_by_node().await;
        let error = rust.fail("plain").await.unwrap_err();
        assert!(matches!(error, StoreError::Cluster(Error::NodeError { .. })), "{error:?}");
    });
}
