//! 11 and 12: a real client that cannot be built.

use std::time::Duration;

use cluster_client::{Builder, ClusterEvent, Error, Outcome, Role, RolePreference};
use futures::future::join;

use crate::sample::{
    Mode, Store, StoreError, StoreProxy, Team, close_all, entry, next_event, soon, until_role,
};

both_modes!(b11_start_fails_with_the_error_of_the_real_client, b11_closing_twice_is_closing_once,);

/// The error says which channel, and what the factory said.
#[track_caller]
fn assert_is_the_factorys(error: &Error) {
    let channel = "Store".to_owned();
    let message = StoreError::mock().to_string();
    assert_eq!(*error, Error::RealClient { channel, message });
    assert_eq!(error.outcome(), Outcome::NotExecuted);
}

async fn b11_start_fails_with_the_error_of_the_real_client(mode: Mode) {
    let team = Team::new(mode);
    team.set_broken(true);
    let (one, other) = join(team.start(team.builder()), team.start(team.builder())).await;
    assert_is_the_factorys(&one.err().unwrap());
    assert_is_the_factorys(&other.err().unwrap());

    // Who comes later has a new try.
    team.set_broken(false);
    let later = team.join().await;
    assert_eq!(later.version().await, Ok(1));
    close_all([&later]).await;
}

/// The leader leaves with its error; who has waited for it is told before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b11_a_member_that_only_follows_hears_the_error_too() {
    let team = Team::new(Mode::Cluster);
    let slow = |builder: Builder<StoreProxy>| {
        builder.start(async |_| {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Err::<Store, _>(StoreError::mock())
        })
    };
    let follower = team.builder().role(RolePreference::Follower);
    let (one, other) = soon(join(slow(team.builder()), slow(follower))).await;
    assert_is_the_factorys(&one.err().unwrap());
    assert_is_the_factorys(&other.err().unwrap());
}

async fn b11_closing_twice_is_closing_once(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    close_all([&leader, &follower]).await;
    close_all([&leader, &follower]).await;
    assert_eq!(team.log.count("destroyed"), 1);
    for closed in [&leader, &follower] {
        assert_eq!(closed.version().await, Err(Error::Closed));
        assert_eq!(closed.echo("hello").await, Err(StoreError::Cluster(Error::Closed)));
    }
}

/// A leader that has taken over and cannot build its real client, and its follower.
async fn failing_leader() -> (Team, StoreProxy, StoreProxy) {
    let (team, first, leader) = Team::of_two(Mode::Cluster).await;
    let follower = team.start(team.builder().role(RolePreference::Follower)).await.unwrap();
    team.set_broken(true);
    soon(first.membership().close()).await;
    (team, leader, follower)
}

#[tokio::test]
async fn b11_calls_on_all_members_fail_with_the_error_of_the_real_client() {
    let (team, leader, follower) = failing_leader().await;
    assert_is_the_factorys(&soon(leader.version()).await.unwrap_err());
    assert_is_the_factorys(&soon(follower.version()).await.unwrap_err());
    let late = team.start(team.builder().role(RolePreference::Follower)).await;
    assert_is_the_factorys(&late.err().unwrap());

    // Later calls try again.
    team.set_broken(false);
    assert_eq!(soon(follower.version()).await, Ok(2));
    assert_eq!(soon(leader.version()).await, Ok(2));
    assert_eq!(leader.membership().role(), Role::Leader);
    close_all([&leader, &follower]).await;
}

#[tokio::test]
async fn b12_a_oneway_call_to_a_failing_client_waits_for_it() {
    let (team, leader, follower) = failing_leader().await;
    assert_is_the_factorys(&soon(leader.version()).await.unwrap_err());
    for member in [&leader, &follower] {
        member.un_publish(entry("foo", "bar")).await.unwrap();
    }
    assert_is_the_factorys(&soon(leader.version()).await.unwrap_err());
    assert_eq!(team.log.count("unpublish bar"), 0);

    team.set_broken(false);
    assert_eq!(soon(leader.version()).await, Ok(2));
    team.log.until("unpublish bar", 2).await;
    until_role(follower.membership(), Role::Follower).await;
    close_all([&leader, &follower]).await;
    assert_eq!(team.log.count("unpublish bar"), 2);
}

#[tokio::test]
async fn b12_a_oneway_call_that_was_never_sent_is_an_event() {
    let (_team, leader, follower) = failing_leader().await;
    for member in [&leader, &follower] {
        let mut events = member.membership().events();
        member.un_publish(entry("foo", "bar")).await.unwrap();
        soon(member.membership().close()).await;
        let error = next_event(&mut events, |event| match event {
            ClusterEvent::OnewayFailed { method, error, .. } => Some((method, error)),
            _ => None,
        });
        assert_eq!(error.await, ("un_publish".to_owned(), Error::Closed));
        assert_eq!(member.un_publish(entry("foo", "bar")).await, Err(Error::Closed));
    }
}
