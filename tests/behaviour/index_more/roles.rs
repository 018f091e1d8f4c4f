//! 52 and 53: another leader, and none.

use std::time::{Duration, Instant};

use cluster_client::{Error, Role, RolePreference};
use support::free_port;

use crate::samples::{Hosts, Log, RegistryProxy, member, next_is, role, soon, start};

/// Before the original would look again.
const AT_ONCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn b52_the_next_leader_has_the_publications_and_the_subscriptions() {
    let (port, log) = (free_port(), Log::default());
    let first = member(port, &log).await;
    let members = [member(port, &log).await, member(port, &log).await];
    let leads = |member: &&RegistryProxy| member.membership().role() == Role::Leader;
    assert_eq!(members.iter().chain([&first]).filter(leads).count(), 1);

    soon(members[0].register("s".into(), "one".into())).await.unwrap();
    let mut watching = soon(members[1].watch("s".into())).await.unwrap();
    next_is(&mut watching, &Hosts(vec!["one".into()])).await;
    let before = first.membership().leader().unwrap().epoch;

    soon(first.membership().close()).await;
    // The calls wait for whoever leads next.
    let again = member(port, &log).await;
    soon(again.register("s".into(), "two".into())).await.unwrap();
    next_is(&mut watching, &Hosts(vec!["one".into(), "two".into()])).await;
    let mut later = soon(again.watch("s".into())).await.unwrap();
    next_is(&mut later, &Hosts(vec!["one".into(), "two".into()])).await;

    assert_eq!(members.iter().chain([&again]).filter(leads).count(), 1);
    assert!(again.membership().leader().unwrap().epoch > before);
    assert_eq!((log.count("built"), log.count("closed")), (2, 1));
}

#[tokio::test]
async fn b53_without_a_leader_a_follower_gives_up_and_says_what_it_tried() {
    let (port, log) = (free_port(), Log::default());
    let waited = Duration::from_millis(200);
    let follower =
        RegistryProxy::builder().port(port).role(RolePreference::Follower).max_wait_time(waited);
    let begun = Instant::now();
    let error = start(follower, &log).await.unwrap_err();
    assert!(begun.elapsed() < AT_ONCE, "after {:?}", begun.elapsed());
    let endpoint = format!("127.0.0.1:{port}");
    let last = "nobody listens there (connection refused)".to_owned();
    assert_eq!(error, Error::NoLeader { endpoint, waited, last: Some(last) });
    assert_eq!(log.count("built"), 0);
    // Nobody has been put in the way of a leader.
    let leader = member(port, &log).await;
    role(leader.membership(), Role::Leader).await;
}

/// D15: it does not look for one every 3 s only, nor does it give up when it has found one.
#[tokio::test]
async fn b53_a_follower_joins_as_soon_as_there_is_a_leader() {
    let (port, log) = (free_port(), Log::default());
    let follower = RegistryProxy::builder().port(port).role(RolePreference::Follower);
    let mut joining = tokio::spawn({
        let log = log.clone();
        async move { start(follower, &log).await }
    });
    let waits = tokio::time::timeout(Duration::from_millis(300), &mut joining).await;
    assert!(waits.is_err(), "nobody leads");
    let leader = member(port, &log).await;
    let begun = Instant::now();
    let follower = soon(joining).await.unwrap().unwrap();
    assert!(begun.elapsed() < AT_ONCE, "after {:?}", begun.elapsed());
    assert_eq!(soon(follower.get("123")).await, Ok("123".to_owned()));
    assert_eq!(leader.membership().role(), Role::Leader);
}
