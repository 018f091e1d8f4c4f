//! A Rust process whose port Node processes find before their channel is there.

use std::time::Duration;

use cluster_client::Limits;
use support::free_port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::recorded::{Wire, recorded};
use crate::registry::{Registry, RegistryProxy};

async fn leader(port: u16, channel: &str, limits: Limits) -> RegistryProxy {
    RegistryProxy::builder()
        .port(port)
        .name(channel)
        .limits(limits)
        .node_compat()
        .start(async |_| Ok::<_, &str>(Registry::new().0))
        .await
        .unwrap()
}

async fn registering(port: u16) -> Wire {
    let mut node = Wire::connect(port).await;
    node.replay("register_channel").await;
    // A stranger that comes later is turned away: the registration has been read.
    let mut stranger = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stranger.write_all(b"GET").await.unwrap();
    assert!(!matches!(stranger.read(&mut [0]).await, Ok(1..)));
    node
}

#[tokio::test]
async fn who_waits_for_a_channel_is_let_in_when_it_appears() {
    let port = free_port();
    let _other = leader(port, "Other", Limits::default()).await;
    let mut node = registering(port).await;
    let _registry = leader(port, "RegistryClient", Limits::default()).await;
    // It asks only once.
    node.next().await.is("register_channel_res ok");
}

/// It would connect again at once, and so would the next one, without end.
#[tokio::test]
async fn who_waits_for_a_channel_is_not_hung_up_on_for_whoever_comes_next() {
    let port = free_port();
    let limits = Limits { pending_handshakes: 2, followers: 4, ..Limits::default() };
    let _other = leader(port, "Other", limits.clone()).await;
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(registering(port).await);
    }
    // One more than may wait is told so.
    let refused = registering(port).await.next().await;
    assert_eq!(refused.conn, recorded("register_channel_res ok").conn);
    let refused = String::from_utf8_lossy(&refused.data).into_owned();
    assert!(refused.contains("FULL"), "{refused}");
    let _registry = leader(port, "RegistryClient", limits).await;
    for node in &mut waiting {
        node.next().await.is("register_channel_res ok");
    }
}

#[tokio::test]
async fn who_is_refused_is_not_hung_up_on_whatever_it_says_next() {
    let port = free_port();
    let limits = Limits { followers: 1, pending_handshakes: 2, ..Limits::default() };
    let _leader = leader(port, "RegistryClient", limits).await;
    let mut follower = registering(port).await;
    follower.next().await.is("register_channel_res ok");
    let mut refused = registering(port).await;
    let answer = String::from_utf8_lossy(&refused.next().await.data).into_owned();
    assert!(answer.contains("limits.followers"), "{answer}");
    refused.replay("subscribe").await;
    drop(registering(port).await);
    let hung_up = timeout(Duration::from_millis(200), refused.closed()).await;
    assert!(hung_up.is_err());
}
