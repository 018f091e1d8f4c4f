//! Errors of the other kind's methods: name, message, code and stack.

use std::io;

use cluster_client::Error;
use serde_json::json;
use support::backend::{Backend, BackendProxy};
use support::free_port;

use crate::node::Node;
use crate::scene::{Scene, event};
use crate::store::{AnyError, Interop, InteropProxy, StoreError};
use crate::{live, soon};

#[test]
fn an_error_of_a_node_leader_is_a_node_error_in_rust() {
    live(async {
        let (_scene, _leader, rust, _node) = Scene::led_by_node().await;
        for (kind, expected) in [
            ("plain", ("Error", "mock error", None)),
            ("coded", ("Error", "no such key: k", Some("NOT_FOUND"))),
            ("named", ("RegistryError", "registry is down", Some("503"))),
            ("type", ("TypeError", "not a function", None)),
        ] {
            let error = rust.fail(kind).await.unwrap_err();
            let StoreError::Cluster(Error::NodeError { method, name, message, code, stack }) =
                &error
            else {
                panic!("{error:?}")
            };
            assert_eq!((name.as_str(), message.as_str(), code.as_deref()), expected);
            assert_eq!(method, "fail");
            assert!(stack.as_deref().unwrap_or_default().contains("interop.js"), "{stack:?}");
        }
    });
}

#[test]
fn an_error_type_that_can_be_read_from_those_of_node_is_typed() {
    live(async {
        let (_scene, _leader, rust, _node) = Scene::led_by_node().await;
        let AnyError { name, message, code, stack } = rust.fail_typed("named").await.unwrap_err();
        assert_eq!((name.as_str(), message.as_str()), ("RegistryError", "registry is down"));
        assert_eq!(code, Some(503.into()));
        assert!(stack.unwrap().contains("interop.js"));

        let AnyError { name, code, .. } = rust.fail_typed("type").await.unwrap_err();
        assert_eq!((name.as_str(), code), ("TypeError", None));
    });
}

#[test]
fn an_error_of_a_rust_leader_has_a_name_a_message_a_code_and_a_stack_in_node() {
    live(async {
        let (_scene, _leader, node, rust) = Scene::led_by_rust().await;
        for (method, kind, name, message, code) in [
            ("fail", "coded", "StoreError", "no such key: k", json!("NotFound")),
            ("fail", "down", "StoreError", "the store is down", json!("Down")),
            ("failTyped", "typed", "AnyError", "typed", json!("E_STORED")),
        ] {
            let error = node.call(method, &[json!(kind)]).unwrap_err();
            let said = (error.name.as_str(), error.message.as_str(), &error.code);
            assert_eq!(said, (name, message, &code), "{error:?}");
            assert!(error.stack.starts_with(&format!("{name}: {message}")), "{error:?}");
        }
        // Among ours it is the value that it was.
        let error = rust.fail("coded").await.unwrap_err();
        assert_eq!(error, StoreError::NotFound("k".to_owned()));
    });
}

#[test]
fn a_real_client_of_a_rust_leader_that_cannot_be_built_is_an_error_in_node() {
    live(async {
        let scene = Scene::new();
        let leader = scene.rust().await;
        let builder = InteropProxy::builder().port(scene.port).node_compat();
        let next = builder.start(|_| async { Err::<Interop, _>(io::Error::other("closed today")) });
        let next = soon(next).await.unwrap();
        let mut events = next.membership().events();
        soon(leader.membership().close()).await;
        event(&mut events, "RealClient").await;

        let setup = json!({ "options": scene.options(json!({})) });
        let (_node, error) = Node::spawn().try_join("Interop", setup);
        let error = error.unwrap_err();
        assert_eq!(error.code, "REAL_CLIENT", "{error:?}");
        assert!(error.message.contains("closed today"), "{error:?}");
    });
}

#[test]
fn a_real_client_of_a_node_leader_that_cannot_be_built_is_an_error_in_rust() {
    live(async {
        let (port, nobody) = (free_port(), free_port());
        let options = json!({ "port": port, "isLeader": true });
        let node = Node::spawn();
        let (_leader, result) =
            node.try_join("Backend", json!({ "ledger": nobody, "options": options }));
        assert_eq!(result.unwrap_err().code, "ECONNREFUSED");

        let builder = BackendProxy::builder().port(port).node_compat();
        let start = builder.start(|_| async { Err::<Backend, _>(io::Error::other("Node leads")) });
        let error = soon(start).await.unwrap_err();
        assert!(
            matches!(&error, Error::RealClient { message, .. } if message.contains("ECONNREFUSED")),
            "{error:?}"
        );
    });
}
