//! A Rust process whose port Node processes find before their channel is there.

use cluster_client::Limits;
use support::free_port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::recorded::Wire;
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
