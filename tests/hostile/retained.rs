//! Real clients whose events take much room. What a leader retains is bounded, whether a follower has it encoded or not.

use std::time::Duration;

use cluster_client::{Error, LeaderContext, Limits};
use support::free_port;
use tokio::time::timeout;

use crate::attacker::{Attacker, PATIENCE, request};
use crate::scene::{Scene, Victim, VictimProxy};

const SUBSCRIBE: &str = r#"{"type":"subscribe","key":"linesnull","method":"lines"}"#;

fn limits() -> Limits {
    // One tick fills it.
    Limits { retained_bytes: 1, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_is_added_while_too_much_is_retained() {
    let mut scene = Scene::with(limits(), Duration::from_secs(2)).await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    scene.untouched().await;
    attacker.send(&request(2, SUBSCRIBE, b"")).await;
    let answer = attacker.response(2).await;
    assert!(answer.conn.contains("too_many_subscriptions"), "{}", answer.conn);
    let refused = scene.followers[0].lines().await.err();
    assert_eq!(refused, Some(Error::TooManySubscriptions { limit: 1 }));
    let mut again = scene.followers[1].ticks().await.unwrap();
    assert!(timeout(PATIENCE, again.next()).await.expect("no tick").is_some());
    scene.untouched().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_encoded_counts_too() {
    let victim = Victim::default();
    let served = victim.clone();
    let leader = VictimProxy::builder().port(free_port()).limits(limits());
    let leader = leader
        .start(move |_: LeaderContext| std::future::ready(Ok::<_, Error>(served.clone())))
        .await
        .unwrap();
    let mut ticks = leader.ticks().await.unwrap();
    victim.tick(1);
    assert!(timeout(PATIENCE, ticks.next()).await.expect("no tick").is_some());
    let refused = leader.lines().await.err();
    assert_eq!(refused, Some(Error::TooManySubscriptions { limit: 1 }));
    drop(ticks);
    let room = async { while leader.lines().await.is_err() {} };
    timeout(PATIENCE, room).await.expect("what nobody is subscribed to is still retained");
}
