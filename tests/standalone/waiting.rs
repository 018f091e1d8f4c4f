//! The calls that are under way when a member no longer waits for its leader, and when it follows again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster_client::testing::Network;
use cluster_client::{ClusterEvent, Error, Event, Limits, Outcome, Role};
use tokio::time::{Instant, sleep};

use crate::registry::{RegistryProxy, Server, Value};
use crate::{AFTER, event, member, next, soon, until};

#[tokio::test(start_paused = true)]
async fn what_the_leader_has_is_waited_for_and_what_may_run_twice_is_not() {
    let (network, server) = (Network::new(21), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (own, alone) = member(&network, &server).await;
    leader.stop();
    let (slow, again) = (alone.clone(), alone.clone());
    let slow = tokio::spawn(async move { slow.slow().await });
    let again = tokio::spawn(async move { again.slow_again().await });
    until(&alone, Role::Standalone).await;
    assert_eq!(again.await.unwrap(), Ok(own.id()));
    assert!(!slow.is_finished());
    leader.resume();
    assert_eq!(slow.await.unwrap(), Ok(leader.id()));
}

#[tokio::test(start_paused = true)]
async fn calls_of_the_own_client_are_finished_before_it_is_closed() {
    let (network, server) = (Network::new(22), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (own, alone) = member(&network, &server).await;
    leader.stop();
    until(&alone, Role::Standalone).await;
    let began = Instant::now();
    let slow = alone.clone();
    let slow = tokio::spawn(async move { slow.slow().await });
    tokio::task::yield_now().await;
    leader.resume();
    until(&alone, Role::Electing).await;
    // It waits for the leader, and is not the own client's any more.
    let next = alone.whose();
    assert_eq!(next.await, Ok(leader.id()));
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(slow.await.unwrap(), Ok(own.id()));
}

/// What is published is made again only when it is known that it still is.
#[tokio::test(start_paused = true)]
async fn what_the_leader_is_to_take_back_is_not_made_again_there() {
    let (network, server) = (Network::new(23), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (own, alone) = member(&network, &server).await;
    alone.register("name".into()).await.unwrap();
    leader.stop();
    let takes_back = alone.clone();
    let takes_back = tokio::spawn(async move { takes_back.deregister("name".into()).await });
    until(&alone, Role::Standalone).await;
    assert_eq!(alone.whose().await, Ok(own.id()));
    assert_eq!(server.book().names["name"], own.id());
    leader.resume();
    until(&alone, Role::Follower).await;
    assert_eq!(takes_back.await.unwrap(), Ok(()));
    assert_eq!(server.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_back_alone_is_taken_back_by_the_leader_too() {
    let (network, server) = (Network::new(24), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (_own, alone) = member(&network, &server).await;
    let (_other, other) = member(&network, &server).await;
    for name in ["goes", "stays", "taken over"] {
        alone.register(name.into()).await.unwrap();
    }
    other.register("taken over".into()).await.unwrap();
    leader.stop();
    until(&alone, Role::Standalone).await;
    until(&other, Role::Standalone).await;
    alone.deregister("goes".into()).await.unwrap();
    assert_eq!(server.book().taken_back, 1);
    leader.resume();
    until(&alone, Role::Follower).await;
    until(&other, Role::Follower).await;
    // It has its turn behind what the leader takes back.
    alone.register("goes".into()).await.unwrap();
    assert_eq!(server.book().taken_back, 2);
    assert_eq!(server.names(), ["goes", "stays", "taken over"]);
}

#[tokio::test(start_paused = true)]
async fn of_what_was_taken_back_alone_no_more_is_kept_than_may_be_published() {
    let (network, server) = (Network::new(25), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (process, client) = (network.process(), server.clone());
    let limits = Limits { publications_per_follower: 1, ..Limits::default() };
    let builder = RegistryProxy::builder().process(&process).standalone_after(AFTER).limits(limits);
    let own = process.clone();
    let alone = builder.start(move |cx| std::future::ready(client.connect(&own, &cx)));
    let alone = soon(alone).await.unwrap();
    leader.stop();
    until(&alone, Role::Standalone).await;
    let mut events = alone.membership().events();
    for name in ["one", "one", "two"] {
        alone.deregister(name.into()).await.unwrap();
    }
    let told = event(&mut events, |event| match event {
        ClusterEvent::PublicationFailed { method, error } => Some((method, error)),
        _ => None,
    });
    let (method, error) = told.await;
    assert_eq!((method.as_str(), error.outcome()), ("deregister", Outcome::NotExecuted));
    assert!(matches!(error, Error::Busy { limit, .. } if limit.contains("publications")));
    let told = tokio::time::timeout(Duration::from_secs(1), events.next()).await;
    assert!(told.is_err(), "only of the last: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn the_silent_leader_keeps_no_subscription_that_it_was_still_opening() {
    let (network, server) = (Network::new(26), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (process, client) = (network.process(), server.clone());
    let builder = RegistryProxy::builder().process(&process).standalone_after(AFTER);
    let builder = builder.response_timeout(AFTER * 10);
    let own = process.clone();
    let alone = builder.start(move |cx| std::future::ready(client.connect(&own, &cx)));
    let alone = soon(alone).await.unwrap();
    server.opens_slowly.store(true, Ordering::Relaxed);
    let watching = alone.clone();
    let watching = tokio::spawn(async move { watching.watch().await });
    sleep(Duration::from_millis(500)).await;
    assert_eq!(leader.load().upstreams, 1, "it is being opened");
    leader.stop();
    until(&alone, Role::Standalone).await;
    let mut watching = soon(watching).await.unwrap().unwrap();
    next(&mut watching).await;
    drop(watching);
    leader.resume();
    until(&alone, Role::Follower).await;
    // It lingers for a second.
    sleep(Duration::from_secs(5)).await;
    assert_eq!(leader.load().upstreams, 0);
}

#[tokio::test(start_paused = true)]
async fn who_serves_keeps_no_subscription_that_nobody_reads() {
    for role in [Role::Standalone, Role::Leader] {
        let (network, server) = (Network::new(28), Server::default());
        let (leader, _led) = member(&network, &server).await;
        let (own, serves) = member(&network, &server).await;
        let mut watching = serves.watch().await.unwrap();
        next(&mut watching).await;
        server.opens_slowly.store(true, Ordering::Relaxed);
        match role {
            Role::Leader => leader.kill(),
            _ => leader.stop(),
        }
        until(&serves, Role::Electing).await;
        sleep(Duration::from_millis(500)).await;
        assert_eq!(own.load().upstreams, 1, "{role}: it is being opened again");
        drop(watching);
        until(&serves, role).await;
        sleep(Duration::from_secs(5)).await;
        assert_eq!(own.load().upstreams, 0, "{role}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_older_subscription_is_not_the_next_ones() {
    let (network, server) = (Network::new(29), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (_own, follower) = member(&network, &server).await;
    let mut watching = follower.watch().await.unwrap();
    next(&mut watching).await;
    network.set_delay(Duration::from_millis(20)..Duration::from_millis(21));
    // Its end is on its way when somebody else begins to read.
    server.book().end_watches();
    sleep(Duration::from_millis(5)).await;
    drop(watching);
    let mut anew = soon(follower.watch()).await.unwrap();
    next(&mut anew).await;
    server.book().end_watches();
    while soon(anew.next_event()).await.is_some() {}
    sleep(Duration::from_secs(5)).await;
    assert_eq!(leader.load().upstreams, 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_published_in_one_role_is_made_again_in_the_next() {
    let (network, server) = (Network::new(30), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (own, follower) = member(&network, &server).await;
    let pinned = follower.as_follower().expect("it follows");
    let mut publishing = std::pin::pin!(pinned.register("name".into()));
    assert!(futures::poll!(&mut publishing).is_pending(), "it is on its way");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(server.book().names["name"], leader.id());
    // Nobody has looked at the answer yet.
    leader.kill();
    until(&follower, Role::Leader).await;
    assert_eq!(soon(publishing).await, Ok(()));
    assert_eq!(server.book().names["name"], own.id());
}

/// The leader answers in the moment in which it is given up, more or less, while something is published all the time.
#[tokio::test(start_paused = true)]
async fn a_silence_that_ends_as_it_is_noticed_leaves_no_subscription_behind() {
    let silence = {
        let (network, server) = (Network::new(27), Server::default());
        let (leader, _led) = member(&network, &server).await;
        let (_own, alone) = member(&network, &server).await;
        sleep(Duration::from_secs(1)).await;
        leader.stop();
        let stopped = Instant::now();
        until(&alone, Role::Standalone).await;
        stopped.elapsed()
    };
    let mut stood_alone = 0;
    for late in 0..16 {
        let (network, server) = (Network::new(27), Server::default());
        let (leader, _led) = member(&network, &server).await;
        let (process, alone) = member(&network, &server).await;
        let mut watching = alone.watch().await.unwrap();
        next(&mut watching).await;
        sleep(Duration::from_secs(1)).await;
        leader.stop();
        let stopped = Instant::now();
        let busy: Vec<_> =
            (0..2).map(|_| process.spawn(take_back_on_and_on(alone.clone()))).collect();
        let silence = silence + Duration::from_millis(late);
        tokio::time::sleep_until(stopped + silence - Duration::from_millis(8)).await;
        leader.resume();
        sleep(AFTER).await;
        stood_alone += usize::from(server.book().built.len() > 1);
        let value = server.push();
        soon(async {
            while next(&mut watching).await != Event::Value(Value(value, leader.id())) {}
        })
        .await;
        busy.iter().for_each(|task| task.abort());
    }
    assert!((1..16).contains(&stood_alone), "{stood_alone}: it was not about that moment");
}

/// Two of these overlap without an end.
async fn take_back_on_and_on(alone: RegistryProxy) {
    for number in 0.. {
        let _ = alone.deregister(number.to_string()).await;
        sleep(Duration::from_millis(300)).await;
    }
}
