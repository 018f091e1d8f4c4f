//! The owner of the port is silent when a member starts.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster_client::testing::{Load, Network};
use cluster_client::{ClusterEvent, Error, Role};

use crate::registry::{RegistryProxy, Server};
use crate::{AFTER, event, member, soon, start, until};

#[tokio::test(start_paused = true)]
async fn who_starts_while_the_leader_is_stopped_serves_itself() {
    for ends in [false, true] {
        let (network, server) = (Network::new(11), Server::default());
        let (leader, led) = member(&network, &server).await;
        let epoch = led.membership().leader().unwrap().epoch;
        leader.stop();
        let (own, alone) = member(&network, &server).await;
        assert_eq!(alone.membership().role(), Role::Standalone);
        assert_eq!(alone.whose().await, Ok(own.id()));
        alone.register("name".into()).await.unwrap();
        assert_eq!(server.book().built.last(), Some(&(own.id(), epoch, true)));
        // Longer than one attempt to join takes.
        tokio::time::sleep(Duration::from_secs(25)).await;
        assert_eq!(alone.membership().role(), Role::Standalone);

        let (role, serves) = if ends {
            leader.kill();
            (Role::Leader, own.id())
        } else {
            leader.resume();
            (Role::Follower, leader.id())
        };
        until(&alone, role).await;
        assert_eq!(alone.whose().await, Ok(serves));
        assert_eq!(server.book().names["name"], serves);
    }
}

/// Attempts that are shorter than the patience add up.
#[tokio::test(start_paused = true)]
async fn without_the_option_or_too_late_start_fails_as_ever() {
    let (network, server) = (Network::new(12), Server::default());
    let (leader, _led) = member(&network, &server).await;
    leader.stop();
    let failed = start(&network.process(), &server, None).await;
    assert!(matches!(failed, Err(Error::HandshakeTimeout { .. })), "{failed:?}");
    let late = start(&network.process(), &server, Some(AFTER * 10)).await;
    assert!(matches!(late, Err(Error::HandshakeTimeout { .. })), "{late:?}");
    let started = start(&network.process(), &server, Some(Duration::from_secs(15))).await;
    assert_eq!(started.unwrap().membership().role(), Role::Standalone);
}

/// However short the attempts are in comparison with the pauses between them.
#[tokio::test(start_paused = true)]
async fn many_short_attempts_are_one_silence() {
    let (network, server) = (Network::new(14), Server::default());
    let (leader, _led) = member(&network, &server).await;
    leader.stop();
    let (process, server) = (network.process(), server.clone());
    let started = RegistryProxy::builder()
        .process(&process)
        .heartbeat_interval(Duration::from_millis(50))
        .connect_timeout(Duration::from_millis(20))
        .standalone_after(Duration::from_secs(2))
        .start({
            let process = process.clone();
            move |cx| std::future::ready(server.connect(&process, &cx))
        })
        .await;
    assert_eq!(started.unwrap().membership().role(), Role::Standalone);
}

#[tokio::test(start_paused = true)]
async fn an_own_client_that_cannot_be_built_is_said_and_tried_again() {
    let (network, server) = (Network::new(13), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (own, alone) = member(&network, &server).await;
    let mut events = alone.membership().events();
    server.turns_away.store(true, Ordering::Relaxed);
    leader.stop();
    let failed = start(&network.process(), &server, Some(AFTER)).await;
    assert!(matches!(failed, Err(Error::RealClient { .. })), "{failed:?}");
    event(&mut events, |event| matches!(event, ClusterEvent::RealClient(_)).then_some(())).await;
    assert!(matches!(alone.whose().await, Err(Error::RealClient { .. })));
    server.turns_away.store(false, Ordering::Relaxed);
    assert_eq!(soon(alone.whose()).await, Ok(own.id()));
    leader.resume();
    until(&alone, Role::Follower).await;
    assert_eq!(alone.whose().await, Ok(leader.id()));
}

#[tokio::test(start_paused = true)]
async fn who_is_restarted_is_another_process_in_the_place_of_the_first() {
    let (network, server) = (Network::new(12), Server::default());
    let (first, led) = member(&network, &server).await;
    let (_second, follower) = member(&network, &server).await;
    let again = first.restart();
    assert_ne!(again.id(), first.id());
    until(&follower, Role::Leader).await;
    let serves = soon(follower.whose()).await.unwrap();
    assert_ne!(serves, again.id());
    let anew = soon(start(&again, &server, None)).await.unwrap();
    assert_eq!(anew.membership().role(), Role::Follower);
    assert_eq!(soon(anew.whose()).await, Ok(serves));
    drop(led);
    assert_eq!(first.load(), Load::default(), "nothing of it is left");
}
