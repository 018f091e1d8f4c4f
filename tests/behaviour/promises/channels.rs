//! Several channels on one port.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cluster_client::{Error, Role, RolePreference};
use support::free_port;

use crate::samples::{Log, RegistryProxy, role, soon, start};

fn named(port: u16, name: &str) -> cluster_client::Builder<RegistryProxy> {
    RegistryProxy::builder().port(port).name(name)
}

#[tokio::test]
async fn closing_one_channel_hands_all_of_them_over_and_no_call_is_lost() {
    let (port, log) = (free_port(), Log::default());
    let leaders = [
        start(named(port, "one"), &log).await.unwrap(),
        start(named(port, "two"), &log).await.unwrap(),
    ];
    let followers = [
        start(named(port, "one"), &log).await.unwrap(),
        start(named(port, "two"), &log).await.unwrap(),
    ];
    let two = leaders[1].membership().leader().unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = tokio::task::JoinSet::new();
    for proxy in [&followers[0], &followers[1], &leaders[1]] {
        let (proxy, stop) = (proxy.clone(), Arc::clone(&stop));
        callers.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(proxy.get("123").await, Ok("123".to_owned()));
                // In this process others have to come to their turn.
                tokio::task::yield_now().await;
            }
        });
    }
    soon(leaders[0].membership().close()).await;
    role(followers[0].membership(), Role::Leader).await;
    // The other channel has a leader of a later epoch, whichever of its members that is.
    let handed_over = async {
        loop {
            let leader = followers[1].membership().leader();
            if leader.is_some_and(|leader| leader.epoch > two.epoch) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(handed_over).await;
    stop.store(true, Ordering::SeqCst);
    while let Some(called) = soon(callers.join_next()).await {
        called.unwrap();
    }
    assert_eq!((log.count("built"), log.count("closed")), (4, 2));
}

#[tokio::test]
async fn a_channel_that_the_owner_of_the_port_does_not_run_is_named_with_those_it_does() {
    let (port, log) = (free_port(), Log::default());
    let _one = start(named(port, "one"), &log).await.unwrap();
    let other = named(port, "other")
        .role(RolePreference::Follower)
        .max_wait_time(Duration::from_millis(100));
    let error = start(other, &log).await.unwrap_err();
    let not_served = Error::ChannelNotServed {
        channel: "other".into(),
        endpoint: format!("127.0.0.1:{port}"),
        owner_pid: std::process::id(),
        channels: vec!["one".into()],
    };
    assert_eq!(error, not_served);
}
