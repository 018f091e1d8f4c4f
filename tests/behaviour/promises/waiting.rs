//! Without a leader calls wait, within bounds.

use std::time::Duration;

use cluster_client::testing::Network;
use cluster_client::{Error, Limits, Outcome, Role, RolePreference};
use futures::poll;
use support::free_port;

use crate::samples::{Log, RegistryError, RegistryProxy, member, role, soon, start};

/// A member that has lost its leader and will not lead itself.
async fn orphan(port: u16, log: &Log, limits: Limits) -> RegistryProxy {
    let leader = member(port, log).await;
    let orphan = RegistryProxy::builder()
        .port(port)
        .role(RolePreference::Follower)
        .response_timeout(Duration::from_secs(5))
        .limits(limits);
    let orphan = start(orphan, log).await.unwrap();
    soon(leader.membership().close()).await;
    role(orphan.membership(), Role::Electing).await;
    orphan
}

fn busy(method: &str, limit: &str) -> Error {
    let error = Error::Busy { method: method.into(), limit: limit.into() };
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    error
}

#[tokio::test]
async fn one_way_calls_are_queued_and_sent_in_order() {
    let (port, log) = (free_port(), Log::default());
    let orphan = orphan(port, &log, Limits::default()).await;
    let lines = ["first", "second", "third"];
    for line in lines {
        orphan.note(line.into()).await.unwrap();
    }
    assert_eq!(log.count("first"), 0);
    let _leader = member(port, &log).await;
    for line in lines {
        log.until(line, 1).await;
    }
    assert!(log.is_in_order(&lines));
}

#[tokio::test]
async fn calls_wait_for_the_next_leader() {
    let (port, log) = (free_port(), Log::default());
    let orphan = orphan(port, &log, Limits::default()).await;
    let mut calls = [Box::pin(orphan.get("one")), Box::pin(orphan.get("two"))];
    for call in &mut calls {
        assert!(poll!(call).is_pending());
    }
    let _leader = member(port, &log).await;
    for (call, said) in calls.into_iter().zip(["one", "two"]) {
        assert_eq!(soon(call).await, Ok(said.to_owned()));
    }
}

#[tokio::test]
async fn no_more_calls_wait_than_the_limits_say() {
    let (port, log) = (free_port(), Log::default());
    let limits = Limits { waiting_calls: 1, ..Limits::default() };
    let orphan = orphan(port, &log, limits).await;
    let mut waits = Box::pin(orphan.get("one"));
    assert!(poll!(&mut waits).is_pending());
    let over = soon(orphan.get("two")).await.unwrap_err();
    assert_eq!(over, RegistryError::Cluster(busy("get", "limits.waiting_calls")));

    assert_eq!(orphan.note("first".into()).await, Ok(()));
    assert_eq!(orphan.note("second".into()).await, Err(busy("note", "limits.waiting_calls")));

    let _leader = member(port, &log).await;
    assert_eq!(soon(waits).await, Ok("one".to_owned()));
    log.until("first", 1).await;
    assert_eq!((log.count("get two"), log.count("second")), (0, 0));
}

#[tokio::test]
async fn no_more_bytes_wait_than_the_limits_say() {
    let limits = Limits { waiting_bytes: 64, ..Limits::default() };
    let orphan = orphan(free_port(), &Log::default(), limits).await;
    let over = soon(orphan.get(&"x".repeat(100))).await.unwrap_err();
    assert_eq!(over, RegistryError::Cluster(busy("get", "limits.waiting_bytes")));
    let over = soon(orphan.note("x".repeat(100))).await.unwrap_err();
    assert_eq!(over, busy("note", "limits.waiting_bytes"));
}

#[tokio::test]
async fn a_call_that_has_waited_for_its_whole_deadline_says_what_for() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let waited = Duration::from_millis(100);
    let orphan =
        RegistryProxy::builder().port(port).role(RolePreference::Follower).response_timeout(waited);
    let orphan = start(orphan, &log).await.unwrap();
    soon(leader.membership().close()).await;
    let error = soon(orphan.get("123")).await.unwrap_err();
    let RegistryError::Cluster(Error::NoLeader { waited: said, last, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(said, waited);
    assert!(last.is_some());
}

/// As of a process that was stopped while its leader died, and goes on when there is the next one.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_cut_off_is_not_sent_again_after_its_deadline() {
    for next in [Role::Leader, Role::Follower] {
        let (network, log) = (Network::new(2), Log::default());
        let [first, second, other] = [network.process(), network.process(), network.process()];
        let _led = start(RegistryProxy::builder().process(&first), &log).await.unwrap();
        let mut caller = RegistryProxy::builder().process(&other);
        if next == Role::Follower {
            caller = caller.role(RolePreference::Follower);
        }
        let caller = start(caller, &log).await.unwrap();
        let mut call = Box::pin(caller.get("late"));
        assert!(poll!(&mut call).is_pending());
        first.kill();
        let mut heir = None;
        if next == Role::Follower {
            role(caller.membership(), Role::Electing).await;
            heir = Some(start(RegistryProxy::builder().process(&second), &log).await.unwrap());
        }
        role(caller.membership(), next).await;
        tokio::time::advance(Duration::from_secs(60)).await;
        let RegistryError::Cluster(error) = soon(call).await.unwrap_err() else {
            panic!("it is not the real client's");
        };
        assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error:?}");
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(log.count("get late"), 0, "{next}");
        drop(heir);
    }
}

/// As of a process that was stopped as it waited.
#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_was_slept_through_does_not_run_at_the_leader_there_is_then() {
    let (network, log) = (Network::new(1), Log::default());
    let [first, second, other] = [network.process(), network.process(), network.process()];
    let _led = start(RegistryProxy::builder().process(&first), &log).await.unwrap();
    let orphan = RegistryProxy::builder().process(&other).role(RolePreference::Follower);
    let orphan = start(orphan, &log).await.unwrap();
    first.kill();
    role(orphan.membership(), Role::Electing).await;
    let mut call = Box::pin(orphan.get("late"));
    assert!(poll!(&mut call).is_pending());
    let _leads = start(RegistryProxy::builder().process(&second), &log).await.unwrap();
    soon(orphan.get("linked")).await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    let RegistryError::Cluster(error) = soon(call).await.unwrap_err() else {
        panic!("it is not the real client's");
    };
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert_eq!(log.count("get late"), 0);
}
