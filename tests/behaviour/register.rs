//! 60 to 62: registrations that go wrong.

use cluster_client::{Error, Outcome, Role, RolePreference};
use support::free_port;

use crate::peers::{Fault, Relay};
use crate::samples::{Log, RegistryError, RegistryProxy, member, role, soon, start};

fn follower(relay: &Relay) -> cluster_client::Builder<RegistryProxy> {
    RegistryProxy::builder().port(relay.port).role(RolePreference::Follower)
}

#[tokio::test]
async fn b60_a_registration_that_did_not_arrive_is_made_again() {
    let (port, log) = (free_port(), Log::default());
    let _leader = member(port, &log).await;
    let mut relay = Relay::to(port, [Some(Fault::Register)]).await;
    let follower = start(follower(&relay), &log).await.unwrap();
    assert_eq!(soon(follower.get("123")).await, Ok("123".to_owned()));
    relay.until(2).await;
}

#[tokio::test]
async fn b61_an_answer_that_says_nothing_is_refused_and_a_running_member_registers_again() {
    let (port, log) = (free_port(), Log::default());
    let _leader = member(port, &log).await;
    let faults = [Some(Fault::Answer), None, Some(Fault::Answer)];
    let mut relay = Relay::to(port, faults).await;

    // To start against a leader that is none of ours would be to wait for nothing.
    let refused = start(follower(&relay), &log).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused:?}");
    relay.until(1).await;

    let follower = start(follower(&relay), &log).await.unwrap();
    relay.cut();
    relay.until(4).await;
    role(follower.membership(), Role::Follower).await;
    assert_eq!(soon(follower.get("123")).await, Ok("123".to_owned()));
}

#[tokio::test]
async fn b62_a_closed_follower_says_so_at_once() {
    let (port, log) = (free_port(), Log::default());
    let _leader = member(port, &log).await;
    let follower = member(port, &log).await;
    let read_before = soon(follower.watch("r".into())).await.unwrap();
    soon(follower.membership().close()).await;

    let closed = RegistryError::Cluster(Error::Closed);
    assert_eq!(soon(follower.watch("s".into())).await.unwrap_err(), closed);
    assert_eq!(soon(follower.watch("r".into())).await.unwrap_err(), closed);
    drop(read_before);
    assert_eq!(soon(follower.get("123")).await.unwrap_err(), closed);
    assert_eq!(soon(follower.register("s".into(), "h".into())).await.unwrap_err(), closed);
    assert_eq!(follower.note("line".into()).await, Err(Error::Closed));
    assert_eq!(Error::Closed.outcome(), Outcome::NotExecuted);
    assert_eq!((log.count("watch s"), log.count("line")), (0, 0));
}
