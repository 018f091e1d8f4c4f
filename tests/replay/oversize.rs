//! What a Node process says and would say again on its next connection, which it makes at once if it is hung up on.

use std::time::Duration;

use cluster_client::{ClusterEvent, Error, Events, Limits};
use cluster_protocol::{FrameLimits, Kind, write_packet};
use support::free_port;
use tokio::time::timeout;

use crate::recorded::{Wire, recorded};
use crate::registry::{Registry, RegistryProxy};

const LIMITS: FrameLimits = FrameLimits { conn_object: 16 << 20, data: 16 << 20 };

async fn leader() -> (RegistryProxy, Events, Wire) {
    let port = free_port();
    let limits = Limits { max_data: 1 << 20, ..Limits::default() };
    let leader = RegistryProxy::builder()
        .port(port)
        .limits(limits)
        .node_compat()
        .start(async |_| Ok::<_, &str>(Registry::new().0))
        .await
        .unwrap();
    let mut node = Wire::connect(port).await;
    node.replay("register_channel").await;
    node.next().await.is("register_channel_res ok");
    let events = leader.membership().events();
    (leader, events, node)
}

fn packet(kind: Kind, id: u64, conn: &str, data: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    write_packet(&mut packet, kind, id, 3000, conn.as_bytes(), &LIMITS, |out| {
        out.extend_from_slice(data);
        Ok(())
    })
    .unwrap();
    packet
}

async fn is_served(node: &mut Wire) {
    let id = node.replay("invoke no args").await;
    let answer = node.next().await;
    assert_eq!(answer.id, id);
    answer.is("invoke_result ok");
}

async fn is_refused(node: &mut Wire, id: u64) {
    let answer = node.next().await;
    assert_eq!((answer.id, &*answer.conn), (id, &*recorded("invoke_result error").conn));
    let error = String::from_utf8_lossy(&answer.data);
    assert!(error.contains("TOO_LARGE"), "{error}");
}

#[tokio::test]
async fn a_call_with_too_much_data_fails_alone() {
    let (_leader, mut events, mut node) = leader().await;
    let data = vec![0; 3 << 20];
    let call = |oneway: bool| {
        format!(r#"{{"type":"invoke","method":"getData","argLength":1,"oneway":{oneway}}}"#)
    };
    node.send(&packet(Kind::Request, 70, &call(false), &data)).await;
    is_refused(&mut node, 70).await;
    is_served(&mut node).await;

    // Nobody waits for an answer, and nobody but the leader can tell of it.
    let publication = recorded("publish (invoke oneway)").conn;
    node.send(&packet(Kind::Request, 71, &publication, &data)).await;
    node.send(&packet(Kind::Response, 72, r#"{"type":"subscribe_result_res"}"#, &data)).await;
    is_served(&mut node).await;
    let Some(ClusterEvent::OnewayFailed { method, error, .. }) = events.next().await else {
        panic!()
    };
    assert_eq!(method, "register");
    let message = "data of 3145728 bytes is over the limit of 1048576 (limits.max_data)";
    assert_eq!(error, Error::BadArguments { method, message: message.to_owned() });
}

#[tokio::test]
async fn a_subscription_with_too_long_a_key_fails_alone() {
    let (_leader, mut events, mut node) = leader().await;
    let subscribe = format!(r#"{{"type":"subscribe","key":"foo{}","reg":1}}"#, "x".repeat(1 << 20));
    let subscribe = packet(Kind::Request, 70, &subscribe, b"");
    // However it is cut.
    for half in [subscribe.get(..40).unwrap(), subscribe.get(40..).unwrap()] {
        node.send(half).await;
        tokio::task::yield_now().await;
    }
    is_refused(&mut node, 70).await;
    is_served(&mut node).await;
    let Some(ClusterEvent::SubscriptionFailed { key, error }) = events.next().await else {
        panic!()
    };
    assert!(key.starts_with(r#"{"type":"subscribe","key":"foox"#) && key.len() < 1000, "{key}");
    assert!(error.to_string().contains("(limits.max_conn_object)"), "{error}");
}

#[tokio::test]
async fn who_breaks_the_protocol_is_not_listened_to_and_not_hung_up_on() {
    let (_leader, _events, mut node) = leader().await;
    node.send(&packet(Kind::Request, 70, "no JSON", b"")).await;
    node.replay("invoke no args").await;
    // Nor is it answered.
    assert!(timeout(Duration::from_millis(200), node.closed()).await.is_err(), "hung up on");
}
