use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::*;

fn member() -> (Arc<Status>, Membership) {
    let status = Arc::new(Status::new("Registry".into(), 7777, InstanceId(1)));
    (Arc::clone(&status), Membership::new(status))
}

fn leader() -> LeaderInfo {
    LeaderInfo { pid: 7, instance: InstanceId(2), epoch: 3, since: SystemTime::UNIX_EPOCH }
}

/// What a stream has to say without waiting; `None` at the end tells that it has ended.
fn ready<S: Stream + Unpin>(stream: &mut S) -> Vec<Option<S::Item>> {
    let mut cx = Context::from_waker(Waker::noop());
    let mut items = Vec::new();
    while let Poll::Ready(item) = Pin::new(&mut *stream).poll_next(&mut cx) {
        let ended = item.is_none();
        items.push(item);
        if ended {
            break;
        }
    }
    items
}

#[test]
fn the_present_role_comes_first_and_closed_last() {
    let (status, membership) = member();
    status.set_role(Role::Follower, Some(leader()));
    let mut roles = membership.role_changes();
    assert_eq!(ready(&mut roles), [Some(Role::Follower)]);
    assert_eq!(membership.leader(), Some(leader()));

    status.set_role(Role::Follower, Some(leader()));
    assert_eq!(ready(&mut roles), [], "the same role again is no change");

    status.finish_close();
    assert_eq!(ready(&mut roles), [Some(Role::Closed), None]);
    assert_eq!((membership.role(), membership.leader()), (Role::Closed, None));
    assert_eq!(ready(&mut membership.role_changes()), [Some(Role::Closed), None]);
}

#[test]
fn a_slow_reader_of_roles_gets_the_newest() {
    let (status, membership) = member();
    let mut roles = membership.role_changes();
    for role in [Role::Follower, Role::Electing, Role::Leader] {
        status.set_role(role, None);
    }
    assert_eq!(ready(&mut roles), [Some(Role::Leader)]);
}

#[test]
fn nothing_reopens_a_closed_member() {
    let (status, membership) = member();
    let mut events = membership.events();
    status.finish_close();
    status.set_role(Role::Leader, Some(leader()));
    status.emit(ClusterEvent::LeaderResponsive);
    status.finish_close();

    assert_eq!((membership.role(), membership.leader()), (Role::Closed, None));
    assert_eq!(ready(&mut events), [Some(ClusterEvent::Closed), None]);
    assert_eq!(ready(&mut membership.events()), [None]);
}

#[test]
fn a_slow_listener_is_told_what_it_missed_and_the_others_are_not_affected() {
    let (status, membership) = member();
    let (mut slow, mut quick) = (membership.events(), membership.events());
    for epoch in 0..300 {
        status.emit(ClusterEvent::BecameLeader { epoch });
        assert_eq!(ready(&mut quick), [Some(ClusterEvent::BecameLeader { epoch })]);
    }

    let told = ready(&mut slow);
    assert_eq!(told[0], Some(ClusterEvent::Missed(44)));
    assert_eq!(told[1], Some(ClusterEvent::BecameLeader { epoch: 44 }));
    assert_eq!(told.len(), 257);
}

#[test]
fn streams_end_with_a_member_that_was_never_closed() {
    let (status, membership) = member();
    let mut roles = membership.role_changes();
    drop((status, membership));
    assert_eq!(ready(&mut roles), [Some(Role::Closed), None]);
}

#[tokio::test]
async fn a_waiting_listener_is_woken() {
    let (status, membership) = member();
    let mut events = membership.events();
    let mut next = pin!(events.next());
    assert!(poll_once(next.as_mut()).is_pending());
    status.emit(ClusterEvent::LeaderResponsive);
    assert_eq!(next.await, Some(ClusterEvent::LeaderResponsive));
}

#[tokio::test]
async fn close_asks_and_waits_until_it_is_done() {
    let (status, membership) = member();
    let mut close = pin!(membership.close());
    let mut requested = pin!(status.close_requested());
    assert!(poll_once(requested.as_mut()).is_pending());
    assert!(poll_once(close.as_mut()).is_pending());
    requested.await;

    status.finish_close();
    status.request_close();
    close.await;
    membership.close().await;
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
