//! 28 to 31: subscribers that misuse what they get, a real client that complains, many handles.

use cluster_client::{CloseReason, ClusterEvent, Role};

use crate::sample::{
    Mode, StoreError, Team, close_all, entry, next_event, soon, until_role, values,
};

both_modes!(
    b28_each_handle_has_a_value_of_its_own,
    b29_a_reader_that_panics_takes_nobody_with_it,
    b30_an_error_of_a_publication_is_its_publishers,
    b31_many_handles_of_one_member_share_one_subscription,
);

async fn b28_each_handle_has_a_value_of_its_own(mode: Mode) {
    let (_team, leader, follower) = Team::of_two(mode).await;
    leader.publish(entry("foo", "bar")).await.unwrap();
    for member in [&leader, &follower] {
        let mut first = member.subscribe("foo".into()).await.unwrap();
        let mut second = member.subscribe("foo".into()).await.unwrap();
        let mut value = soon(first.next()).await.unwrap();
        value.0.push("xxx".into());
        assert_eq!(soon(second.next()).await, values(["bar"]));
        // Nor is it the retained one.
        let mut later = member.subscribe("foo".into()).await.unwrap();
        assert_eq!(soon(later.next()).await, values(["bar"]));
    }
    close_all([&leader, &follower]).await;
}

async fn b29_a_reader_that_panics_takes_nobody_with_it(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    for (member, value) in [(&leader, "one"), (&follower, "other")] {
        let mut panicking = member.subscribe(value.into()).await.unwrap();
        let mut calm = member.subscribe(value.into()).await.unwrap();
        let reader = tokio::spawn(async move {
            panicking.next().await;
            panic!("mock error");
        });
        let panic = soon(reader).await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref(), Some(&"mock error"));

        assert_eq!(soon(calm.next()).await, values([]));
        member.publish(entry(value, "bar")).await.unwrap();
        assert_eq!(soon(calm.next()).await, values(["bar"]));
        // Its handle has gone with it.
        drop(calm);
        team.log.until(&format!("unsubscribe {value}"), 1).await;
    }
    assert_eq!(leader.membership().role(), Role::Leader);
    assert_eq!(follower.membership().role(), Role::Follower);
    close_all([&leader, &follower]).await;
}

async fn b30_an_error_of_a_publication_is_its_publishers(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    for publisher in [&leader, &follower] {
        assert_eq!(publisher.publish(entry("foo", "")).await, Err(StoreError::EmptyEntry));
    }
    // Where nobody waits for the error it is an event: of whoever runs the call.
    for caller in [&leader, &follower] {
        let runs = if mode == Mode::Single { caller } else { &leader };
        let mut events = runs.membership().events();
        caller.un_publish(entry("foo", "")).await.unwrap();
        let failed = next_event(&mut events, |event| match event {
            ClusterEvent::OnewayFailed { method, .. } => Some(method),
            _ => None,
        });
        assert_eq!(failed.await, "un_publish");
    }
    close_all([&leader, &follower]).await;
    assert_eq!(team.log.count("publish "), 2);
}

/// What was never published is not published again.
#[tokio::test]
async fn b30_a_publication_that_failed_is_not_remembered() {
    let (team, leader, follower) = Team::of_two(Mode::Cluster).await;
    follower.publish(entry("foo", "bar")).await.unwrap();
    assert_eq!(follower.publish(entry("foo", "")).await, Err(StoreError::EmptyEntry));
    soon(leader.membership().close()).await;
    until_role(follower.membership(), Role::Leader).await;
    assert_eq!((team.log.count("publish bar"), team.log.count("publish ")), (2, 1));
    close_all([&follower]).await;
}

async fn b31_many_handles_of_one_member_share_one_subscription(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    for (member, key) in [(&leader, "one"), (&follower, "other")] {
        let mut handles = Vec::new();
        for _ in 0..11 {
            let mut handle = member.subscribe(key.into()).await.unwrap();
            assert_eq!(soon(handle.next()).await, values([]));
            handles.push(handle);
        }
        member.publish(entry(key, "bar")).await.unwrap();
        for handle in &mut handles {
            assert_eq!(soon(handle.next()).await, values(["bar"]));
        }
        assert_eq!(team.log.count(&format!("subscribe {key}")), 1);

        soon(member.membership().close()).await;
        for handle in &mut handles {
            assert_eq!(soon(handle.next()).await, None);
            assert_eq!(handle.close_reason(), Some(CloseReason::Closed));
        }
        if key == "one" && mode == Mode::Cluster {
            until_role(follower.membership(), Role::Leader).await;
        }
    }
}
