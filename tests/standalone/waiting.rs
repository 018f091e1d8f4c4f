//! The calls that are under way when a member no longer waits for its leader, and when it follows again.

use std::time::Duration;

use cluster_client::Role;
use cluster_client::testing::Network;
use tokio::time::Instant;

use crate::registry::Server;
use crate::{member, until};

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
