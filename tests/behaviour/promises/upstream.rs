//! The one subscription at the real client, behind those of all members.

use std::time::Duration;

use cluster_client::{CloseReason, Error, Event, Limits, Role, RolePreference};
use support::free_port;

use crate::samples::{Hosts, Log, RegistryProxy, member, next, next_is, role, soon, start};

#[tokio::test]
async fn it_is_opened_once_and_late_subscribers_have_the_last_value_at_once() {
    let (port, log) = (free_port(), Log::default());
    let members = [member(port, &log).await, member(port, &log).await];
    soon(members[1].register("s".into(), "h".into())).await.unwrap();
    for member in members.iter().chain(&members) {
        let mut watching = soon(member.watch("s".into())).await.unwrap();
        assert_eq!(next(&mut watching).await, Hosts(vec!["h".into()]));
        // Within the time that it lingers, nothing is asked again.
        drop(watching);
    }
    assert_eq!((log.count("watch s"), log.count("unwatch s")), (1, 0));
}

#[tokio::test]
async fn it_is_dropped_after_the_last_subscriber_has_left() {
    for single in [false, true] {
        let (port, log) = (free_port(), Log::default());
        let limits = Limits { linger: Duration::from_millis(30), ..Limits::default() };
        let builder =
            || RegistryProxy::builder().port(port).single_mode(single).limits(limits.clone());
        let members =
            [start(builder(), &log).await.unwrap(), start(builder(), &log).await.unwrap()];
        let here = soon(members[0].watch("s".into())).await.unwrap();
        let mut there = soon(members[1].watch("s".into())).await.unwrap();
        drop(here);
        soon(members[1].register("s".into(), "h".into())).await.unwrap();
        next_is(&mut there, &Hosts(vec!["h".into()])).await;
        drop(there);
        log.until("unwatch s", 1).await;

        let mut anew = soon(members[1].watch("s".into())).await.unwrap();
        assert_eq!(next(&mut anew).await, Hosts(vec!["h".into()]));
        assert_eq!(log.count("watch s"), 2);
    }
}

#[tokio::test]
async fn its_end_is_that_of_all_subscriptions_and_the_next_one_asks_anew() {
    for single in [false, true] {
        let (port, log) = (free_port(), Log::default());
        let builder = || RegistryProxy::builder().port(port).single_mode(single);
        let members =
            [start(builder(), &log).await.unwrap(), start(builder(), &log).await.unwrap()];
        let mut watching = Vec::new();
        for member in &members {
            let mut subscription = soon(member.watch("s".into())).await.unwrap();
            assert_eq!(next(&mut subscription).await, Hosts(vec![]));
            watching.push(subscription);
        }
        soon(members[1].end("s")).await.unwrap();
        for subscription in &mut watching {
            assert_eq!(soon(subscription.next()).await, None);
            assert_eq!(subscription.close_reason(), Some(CloseReason::Ended));
        }
        let mut anew = soon(members[1].watch("s".into())).await.unwrap();
        assert_eq!(next(&mut anew).await, Hosts(vec![]));
        assert_eq!(log.count("watch s"), 2);
    }
}

#[tokio::test]
async fn a_new_leader_opens_it_again_and_repeats_no_value() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let follower = member(port, &log).await;
    let mut watching = soon(follower.watch("s".into())).await.unwrap();
    assert_eq!(next(&mut watching).await, Hosts(vec![]));
    soon(leader.membership().close()).await;
    role(follower.membership(), Role::Leader).await;
    assert_eq!(soon(watching.next_event()).await, Some(Event::Resynced));
    soon(follower.register("s".into(), "h".into())).await.unwrap();
    let changed = Hosts(vec!["h".into()]);
    assert_eq!(soon(watching.next_event()).await, Some(Event::Value(changed)));
    assert_eq!(log.count("watch s"), 2);
}

/// A leader with smaller bounds than the one before.
#[tokio::test]
async fn what_the_next_leader_has_no_room_for_ends_and_says_so() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let limits = Limits { subscriptions_per_follower: 1, ..Limits::default() };
    let small = start(RegistryProxy::builder().port(port).limits(limits), &log).await.unwrap();
    let follows = RegistryProxy::builder().port(port).role(RolePreference::Follower);
    let follows = start(follows, &log).await.unwrap();
    let mut watching = Vec::new();
    for member in [&small, &follows] {
        watching.push(soon(member.watch("a".into())).await.unwrap());
        watching.push(soon(member.watch("b".into())).await.unwrap());
    }
    soon(leader.membership().close()).await;
    role(small.membership(), Role::Leader).await;
    role(follows.membership(), Role::Follower).await;
    for pair in watching.chunks_mut(2) {
        let [stays, ends] = pair else { unreachable!("in pairs") };
        soon(async { while ends.next_event().await.is_some() {} }).await;
        let reason = ends.close_reason();
        let Some(CloseReason::Failed(error)) = reason else { panic!("{reason:?}") };
        assert!(matches!(error, Error::TooManySubscriptions { .. }), "{error:?}");
        assert_eq!(stays.close_reason(), None);
    }
}
