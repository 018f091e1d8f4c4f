//! Members that serve themselves while their leader is silent: `Builder::standalone_after`, on the network in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod oneways;
mod registry;
mod starting;
mod waiting;

use std::future::Future;
use std::time::Duration;

use cluster_client::testing::{Network, Process};
use cluster_client::{
    ClusterEvent, Error, Event, Events, Outcome, Role, RoleChanges, Subscription,
};
use tokio::time::Instant;

use crate::registry::{RegistryProxy, Server, Value};

/// Three heartbeat intervals, the least that can be set.
pub(crate) const AFTER: Duration = Duration::from_secs(6);

/// A process with a member that stands alone if need be.
pub(crate) async fn member(network: &Network, server: &Server) -> (Process, RegistryProxy) {
    let process = network.process();
    let member = start(&process, server, Some(AFTER)).await.unwrap();
    (process, member)
}

pub(crate) async fn start(
    process: &Process,
    server: &Server,
    after: Option<Duration>,
) -> Result<RegistryProxy, Error> {
    let mut builder = RegistryProxy::builder().process(process);
    if let Some(after) = after {
        builder = builder.standalone_after(after);
    }
    let (server, process) = (server.clone(), process.clone());
    builder
        .start(move |cx| {
            let client = server.connect(&process, &cx);
            async { client }
        })
        .await
}

/// The outcome of `future`, which has to come within a minute.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it comes soon")
}

pub(crate) async fn until(member: &RegistryProxy, role: Role) {
    let mut roles = member.membership().role_changes();
    soon(async { while roles.next().await.expect("the member is open") != role {} }).await;
}

/// All roles that the stream has without waiting.
async fn rest(mut roles: RoleChanges) -> Vec<Role> {
    let mut rest = Vec::new();
    while let Ok(Some(role)) = tokio::time::timeout(Duration::ZERO, roles.next()).await {
        rest.push(role);
    }
    rest
}

pub(crate) async fn next(watching: &mut Subscription<Value>) -> Event<Value> {
    soon(watching.next_event()).await.expect("it goes on")
}

async fn event<T>(events: &mut Events, wanted: impl Fn(ClusterEvent) -> Option<T>) -> T {
    soon(async {
        loop {
            if let Some(found) = wanted(events.next().await.expect("the member is open")) {
                return found;
            }
        }
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_follower_of_a_silent_leader_serves_itself_until_the_leader_answers() {
    let (network, server) = (Network::new(1), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (own, alone) = member(&network, &server).await;
    let patient = start(&network.process(), &server, None).await.unwrap();
    let epoch = alone.membership().leader().unwrap().epoch;
    let mut events = alone.membership().events();
    alone.register("name".into()).await.unwrap();
    let mut watching = alone.watch().await.unwrap();
    assert_eq!(next(&mut watching).await, Event::Value(Value(0, leader.id())));

    leader.stop();
    let stopped = Instant::now();
    until(&alone, Role::Standalone).await;
    let waited = stopped.elapsed();
    assert!(
        AFTER - Duration::from_secs(1) < waited && waited < AFTER + Duration::from_secs(1),
        "{waited:?}"
    );
    let told = event(&mut events, |event| match event {
        ClusterEvent::Standalone { epoch } => Some(epoch),
        _ => None,
    });
    assert_eq!(told.await, epoch, "it does not outdo the leader");
    assert_eq!(server.book().built.last(), Some(&(own.id(), epoch, true)));
    assert!(alone.as_leader().is_none() && alone.as_follower().is_none());
    assert_eq!(alone.membership().leader(), None);
    assert_eq!(alone.whose().await, Ok(own.id()));
    assert_eq!(next(&mut watching).await, Event::Resynced);
    assert_eq!(next(&mut watching).await, Event::Value(Value(0, own.id())));
    let value = server.push();
    assert_eq!(next(&mut watching).await, Event::Value(Value(value, own.id())));
    assert_eq!(server.book().names["name"], own.id());
    // Who has not asked for it waits.
    assert_eq!(patient.membership().role(), Role::Follower);
    assert_eq!(patient.whose().await.map_err(|error| error.outcome()), Err(Outcome::Unknown));

    leader.resume();
    until(&alone, Role::Follower).await;
    assert_eq!(alone.membership().leader().unwrap().epoch, epoch);
    assert_eq!(alone.whose().await, Ok(leader.id()));
    assert_eq!(*server.open.borrow(), [leader.id()]);
    assert_eq!(
        server.book().names.get("name"),
        Some(&leader.id()),
        "it was made again there, and last"
    );
    assert_eq!(server.book().taken_back, 0);
    assert_eq!(next(&mut watching).await, Event::Resynced);
    assert_eq!(next(&mut watching).await, Event::Value(Value(value, leader.id())));
    let value = server.push();
    assert_eq!(next(&mut watching).await, Event::Value(Value(value, leader.id())));
    assert_eq!(patient.whose().await, Ok(leader.id()));
}

#[tokio::test(start_paused = true)]
async fn one_of_those_that_stand_alone_takes_over_when_the_leader_dies() {
    let (network, server) = (Network::new(2), Server::default());
    let (leader, led) = member(&network, &server).await;
    let epoch = led.membership().leader().unwrap().epoch;
    let members = [member(&network, &server).await, member(&network, &server).await];
    for (process, member) in &members {
        member.register(process.id().to_string()).await.unwrap();
    }
    leader.stop();
    for (process, member) in &members {
        until(member, Role::Standalone).await;
        assert_eq!(member.whose().await, Ok(process.id()));
    }
    leader.kill();
    let leads = |member: &RegistryProxy| member.membership().role() == Role::Leader;
    let roles = async {
        for (_, member) in &members {
            let mut roles = member.membership().role_changes();
            while !matches!(roles.next().await.unwrap(), Role::Leader | Role::Follower) {}
        }
    };
    soon(roles).await;
    assert_eq!(members.iter().filter(|(_, member)| leads(member)).count(), 1);
    let (new, _) = members.iter().find(|(_, member)| leads(member)).unwrap();
    for (_, member) in &members {
        assert_eq!(soon(member.whose()).await, Ok(new.id()));
        assert!(member.membership().leader().unwrap().epoch > epoch);
    }
    assert_eq!(server.names().len(), 2, "all is published again");
    // The one that was killed never closes its client.
    assert_eq!(*server.open.borrow(), [leader.id(), new.id()]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_whole_machine_is_no_reason() {
    let (network, server) = (Network::new(3), Server::default());
    let (first, leader) = member(&network, &server).await;
    let (second, follower) = member(&network, &server).await;
    let roles = follower.membership().role_changes();
    for late in [0, 5] {
        first.stop();
        second.stop();
        tokio::time::sleep(AFTER * 10).await;
        // Whichever goes on first.
        second.resume();
        tokio::time::sleep(Duration::from_secs(late)).await;
        first.resume();
        tokio::time::sleep(AFTER * 2).await;
        assert_eq!(follower.whose().await, Ok(first.id()));
    }
    assert_eq!(rest(roles).await, [Role::Follower]);
    assert_eq!(leader.membership().role(), Role::Leader);
    assert_eq!(server.book().built.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_closes_while_it_stands_alone_takes_back_what_it_published() {
    let (network, server) = (Network::new(4), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (_own, alone) = member(&network, &server).await;
    let (_other, other) = member(&network, &server).await;
    alone.register("alone".into()).await.unwrap();
    other.register("other".into()).await.unwrap();
    leader.stop();
    until(&alone, Role::Standalone).await;
    until(&other, Role::Standalone).await;
    soon(alone.membership().close()).await;
    assert_eq!(alone.membership().role(), Role::Closed);
    assert_eq!(alone.whose().await, Err(Error::Closed));
    assert_eq!(server.names(), ["other"]);
    leader.resume();
    until(&other, Role::Follower).await;
    assert_eq!(server.names(), ["other"]);
    assert_eq!(*server.open.borrow(), [leader.id()]);
}
