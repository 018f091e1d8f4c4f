//! 41: a follower that says nothing is dropped, one that has nothing to say is not.

use std::time::{Duration, Instant};

use cluster_client::{ClusterEvent, Error, Role};
use support::free_port;
use tokio::io::AsyncReadExt;

use crate::peers::{Raw, register};
use crate::samples::{Log, RegistryProxy, event, role, soon, start};

#[tokio::test]
async fn b41_a_silent_follower_is_dropped_and_one_with_heartbeats_stays() -> Result<(), Error> {
    let (port, log) = (free_port(), Log::default());
    let member =
        |beat| RegistryProxy::builder().port(port).heartbeat_interval(Duration::from_millis(beat));
    // It drops who is silent for fifteen intervals.
    let leader = start(member(20), &log).await?;
    let mut events = leader.membership().events();
    let alive = start(member(10), &log).await?;

    let connected = Instant::now();
    let mut silent: Raw = register(port, "Registry").await;
    let (instance, reason) = event(&mut events, |event| match event {
        ClusterEvent::FollowerLeft { instance, reason, .. } => Some((instance, reason)),
        _ => None,
    })
    .await;
    assert!(connected.elapsed() >= Duration::from_millis(300), "{:?}", connected.elapsed());
    assert_eq!(instance.to_string(), format!("{:032x}", silent.instance));
    assert!(reason.contains("silent"), "{reason}");
    // It is told nothing but the end.
    assert_eq!(soon(silent.stream.read_to_end(&mut silent.unread)).await.ok(), Some(0));

    assert_eq!(alive.membership().role(), Role::Follower);
    assert_eq!(soon(alive.get("123")).await.unwrap(), "123");
    soon(leader.membership().close()).await;
    role(alive.membership(), Role::Leader).await;
    Ok(())
}
