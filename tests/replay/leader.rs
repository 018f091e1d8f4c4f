//! A Rust leader and the packets of a Node follower.

use std::sync::Mutex;

use cluster_client::Value;
use cluster_protocol::{Codec, Kind};
use support::free_port;
use tokio::sync::{mpsc, watch};

use crate::recorded::{Wire, recorded};
use crate::registry::{Published, Registry, RegistryProxy};

async fn leader() -> (RegistryProxy, mpsc::UnboundedReceiver<Published>, Wire) {
    let port = free_port();
    let (registry, seen) = Registry::new();
    let registry = Mutex::new(Some(registry));
    let leader = RegistryProxy::builder().port(port).node_compat();
    let leader = leader
        .start(move |_| {
            let registry = registry.lock().unwrap().take();
            async { registry.ok_or("it leads once") }
        })
        .await
        .unwrap();
    let mut node = Wire::connect(port).await;
    let id = node.replay("register_channel").await;
    let answer = node.next().await;
    assert_eq!((answer.kind, answer.id), (Kind::Response, id));
    answer.is("register_channel_res ok");
    (leader, seen, node)
}

#[tokio::test]
async fn calls_are_answered_as_node_answers_them() {
    let (_leader, _seen, mut node) = leader().await;
    let id = node.replay("invoke no args").await;
    let answer = node.next().await;
    assert_eq!((answer.kind, answer.id), (Kind::Response, id));
    answer.is("invoke_result ok");

    let id = node.replay("invoke two args").await;
    let answer = node.next().await;
    assert_eq!((answer.id, &*answer.conn), (id, &*recorded("invoke_result ok").conn));
    // The second argument of the call, just as it was encoded.
    assert!(recorded("invoke two args").data().ends_with(&answer.data));

    // One argument where the method takes two: the other is undefined as well.
    let id = node.replay("invoke undefined arg").await;
    let answer = node.next().await;
    assert_eq!(answer.id, id);
    answer.is("invoke_result undefined");

    let id = node.replay("heartbeat").await;
    let answer = node.next().await;
    assert_eq!((answer.kind, answer.id), (Kind::Response, id));
    answer.is("heartbeat_res");
}

#[tokio::test]
async fn an_error_has_the_four_fields_that_node_reads() {
    let (_leader, _seen, mut node) = leader().await;
    let mut call = recorded("invoke undefined arg").bytes();
    let undefined = call.len() - recorded("invoke undefined arg").data().len();
    // The same call with "x" for the argument.
    call.truncate(undefined);
    call.extend_from_slice(b"\0\0\0\x06x^^^^0");
    node.send(&call).await;
    let answer = node.next().await;
    assert_eq!(answer.conn, recorded("invoke_result error").conn);
    let fields = |data: &[u8]| match Codec::SerializeJson.decode(data).unwrap() {
        Value::Object(fields) => fields,
        other => panic!("{other:?}"),
    };
    let (found, node) = (fields(&answer.data), fields(&recorded("invoke_result error").data()));
    let names = |of: &cluster_client::Object| -> Vec<String> {
        of.iter().map(|(name, _)| name.to_owned()).collect()
    };
    assert_eq!(names(&found), names(&node), "the same fields in the same order");
    assert_eq!(found.get("name"), Some(&Value::from("RegistryError")));
    assert_eq!(found.get("message"), Some(&Value::from("no x at all")));
    assert_eq!(found.get("code"), Some(&Value::from("Nothing")));
    let Some(Value::String(stack)) = found.get("stack") else { panic!("{found:?}") };
    assert!(stack.starts_with("RegistryError: no x at all\n    at getData "), "{stack}");
}

#[tokio::test]
async fn a_subscription_is_pushed_under_the_key_that_came() {
    let (_leader, _seen, mut node) = leader().await;
    node.replay("subscribe").await;
    let push = node.next().await;
    assert_eq!(push.kind, Kind::Request);
    push.is("subscribe_result");
    node.send(&recorded("subscribe_result_res").to(push.id)).await;

    // Unsubscribed, and subscribed again: the retained value comes at once, and nothing has come in between.
    node.replay("unSubscribe").await;
    node.replay("subscribe").await;
    node.next().await.is("subscribe_result");
    let id = node.replay("heartbeat").await;
    assert_eq!(node.next().await.id, id, "no second push");
}

#[tokio::test]
async fn a_publication_means_the_only_method_that_publishes() {
    let (_leader, mut seen, mut node) = leader().await;
    node.replay("publish (invoke oneway)").await;
    let published = Published { data_id: "foo".into(), publish_data: "bar xx".into() };
    assert_eq!(seen.recv().await, Some(published));
    let id = node.replay("heartbeat").await;
    assert_eq!(node.next().await.id, id, "a publication is not answered");
}

/// The leader that fails is gone at once, and its followers are told all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_client_that_cannot_be_built_is_the_answer_to_a_registration() {
    for _ in 0..50 {
        let port = free_port();
        let (fail, failing) = watch::channel(false);
        let start = RegistryProxy::builder().port(port).node_compat().start(move |_| {
            let mut failing = failing.clone();
            async move {
                let _ = failing.wait_for(|fail| *fail).await;
                Err::<Registry, _>("mock error")
            }
        });
        let start = tokio::spawn(start);
        let mut node = Wire::connect_soon(port).await;
        let id = node.replay("register_channel").await;
        // It is in as soon as it is answered at all.
        let heartbeat = node.replay("heartbeat").await;
        assert_eq!(node.next().await.id, heartbeat);

        fail.send(true).unwrap();
        let answer = node.next().await;
        assert_eq!((answer.kind, answer.id), (Kind::Response, id));
        assert!(String::from_utf8_lossy(&answer.data).contains("mock+error"));
        assert!(start.await.unwrap().is_err());
    }
}

/// As a Node leader does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publications_begin_in_the_order_in_which_they_came() {
    let (_leader, mut seen, mut node) = leader().await;
    let recorded = recorded("publish (invoke oneway)").bytes();
    let at = recorded.windows(6).position(|bytes| bytes == b"bar+xx").unwrap();
    let mut packets = Vec::new();
    for number in 10..100 {
        let mut packet = recorded.clone();
        packet[7..12].copy_from_slice(&[0, 0, 0, 1, number]);
        packet[at + 4..at + 6].copy_from_slice(number.to_string().as_bytes());
        packets.extend_from_slice(&packet);
    }
    node.send(&packets).await;
    for number in 10..100 {
        assert_eq!(seen.recv().await.unwrap().publish_data, format!("bar {number}"));
    }
}
