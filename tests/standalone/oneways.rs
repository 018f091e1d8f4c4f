//! One-way calls of a member that has no leader: each is told at its deadline, and waits no longer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster_client::testing::{Network, Process};
use cluster_client::{ClusterEvent, Events, Outcome, Role};
use tokio::time::{Instant, sleep};

use crate::registry::{RegistryProxy, Server};
use crate::{AFTER, event, member, start, until};

/// The timeouts of `note` and `note_soon`.
const NOTE: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_secs(3);

/// The next failure: how many calls of which method, and how long after `began`.
async fn failure(events: &mut Events, began: Instant) -> (String, u64, Duration) {
    let failed = event(events, |event| match event {
        ClusterEvent::OnewayFailed { method, calls, error } => {
            assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
            Some((method, calls))
        }
        _ => None,
    });
    let (method, calls) = failed.await;
    (method, calls, began.elapsed())
}

fn assert_due(failure: (String, u64, Duration), method: &str, calls: u64, due: Duration) {
    let (told, number, after) = failure;
    assert_eq!((told.as_str(), number), (method, calls), "after {after:?}");
    assert!(due <= after && after < due + Duration::from_millis(10), "{method} after {after:?}");
}

fn waiting(process: &Process) -> (usize, usize) {
    let load = process.load();
    (load.waiting_calls, load.waiting_bytes)
}

/// A leader that is stopped, and a member that it has let go, so that it finds the port held and nobody answering.
async fn orphaned(
    network: &Network,
    server: &Server,
    after: Option<Duration>,
) -> (Process, RegistryProxy, Process, RegistryProxy) {
    let (leader, led) = member(network, server).await;
    let own = network.process();
    let orphan = start(&own, server, after).await.unwrap();
    leader.stop();
    network.cut(&leader, &own);
    until(&orphan, Role::Electing).await;
    network.heal();
    (leader, led, own, orphan)
}

#[tokio::test(start_paused = true)]
async fn each_is_told_at_its_deadline_while_nobody_leads() {
    for (seed, after) in [(31, None), (32, Some(AFTER * 10))] {
        let (network, server) = (Network::new(seed), Server::default());
        let (leader, _led, own, orphan) = orphaned(&network, &server, after).await;
        let mut events = orphan.membership().events();
        let began = Instant::now();
        orphan.note(1).unwrap();
        orphan.note(2).unwrap();
        sleep(Duration::from_secs(1)).await;
        // Later than the others, and due before them.
        orphan.note_soon(3).unwrap();
        assert_eq!(waiting(&own).0, 3);

        let due = Duration::from_secs(1) + SOON;
        assert_due(failure(&mut events, began).await, "note_soon", 1, due);
        assert_eq!(waiting(&own).0, 2);
        assert_due(failure(&mut events, began).await, "note", 2, NOTE);
        assert_eq!(waiting(&own), (0, 0));
        assert_eq!(orphan.membership().role(), Role::Electing);

        // The next leader gets what waits still, and nothing else.
        orphan.note(4).unwrap();
        leader.resume();
        until(&orphan, Role::Follower).await;
        orphan.whose().await.unwrap();
        assert_eq!(server.book().noted, [(4, leader.id())]);
        assert_eq!(waiting(&own), (0, 0));
    }
}

/// The room that they took is free for others.
#[tokio::test(start_paused = true)]
async fn what_was_told_is_in_the_way_of_no_other() {
    let (network, server) = (Network::new(33), Server::default());
    let (_leader, _led, own, orphan) = orphaned(&network, &server, None).await;
    let mut events = orphan.membership().events();
    for _ in 0..2 {
        let began = Instant::now();
        for number in 0..1024 {
            orphan.note_soon(number).unwrap();
        }
        orphan.note_soon(1024).unwrap_err();
        assert_due(failure(&mut events, began).await, "note_soon", 1024, SOON);
        assert_eq!(waiting(&own), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn each_is_told_at_its_deadline_while_no_real_client_can_be_built() {
    let (network, server) = (Network::new(34), Server::default());
    let (leader, _led) = member(&network, &server).await;
    let (own, next) = member(&network, &server).await;
    let mut events = next.membership().events();
    server.turns_away.store(true, Ordering::Relaxed);
    leader.kill();
    event(&mut events, |event| matches!(event, ClusterEvent::RealClient(_)).then_some(())).await;
    let began = Instant::now();
    next.note_soon(1).unwrap();
    assert_due(failure(&mut events, began).await, "note_soon", 1, SOON);
    assert_eq!(waiting(&own), (0, 0));

    next.note(2).unwrap();
    server.turns_away.store(false, Ordering::Relaxed);
    until(&next, Role::Leader).await;
    next.whose().await.unwrap();
    assert_eq!(server.book().noted, [(2, own.id())]);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_of_their_process_all_that_are_due_are_told_once() {
    let (network, server) = (Network::new(35), Server::default());
    let (leader, _led, own, orphan) = orphaned(&network, &server, None).await;
    let mut events = orphan.membership().events();
    let began = Instant::now();
    orphan.note(1).unwrap();
    orphan.note(2).unwrap();
    orphan.note_soon(3).unwrap();
    own.stop();
    sleep(NOTE * 3).await;
    assert_eq!(waiting(&own).0, 3);
    own.resume();
    assert_due(failure(&mut events, began).await, "note", 2, NOTE * 3);
    assert_due(failure(&mut events, began).await, "note_soon", 1, NOTE * 3);
    assert_eq!(waiting(&own), (0, 0));

    leader.resume();
    until(&orphan, Role::Follower).await;
    orphan.whose().await.unwrap();
    assert_eq!(server.book().noted, []);
    let again = tokio::time::timeout(NOTE, failure(&mut events, began)).await;
    assert!(again.is_err(), "{again:?}");
}
