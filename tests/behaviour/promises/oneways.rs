//! One-way calls run once, or it is said that they may not have run.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use cluster_client::testing::{Network, Process};
use cluster_client::{ClusterEvent, Error, Events, Outcome, Role, cluster_client};

use crate::samples::{role, soon};

/// What the clients of all processes have noted.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<u64>>>);

#[cluster_client]
impl Notes {
    #[invoke(oneway, timeout = "30s")]
    async fn note(&self, n: u64) {
        self.0.lock().unwrap().push(n);
    }

    #[invoke]
    async fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

async fn join(network: &Network, notes: &Notes) -> (Process, NotesProxy) {
    let process = network.process();
    let proxy = start(&process, "notes", notes).await;
    (process, proxy)
}

async fn start(process: &Process, name: &str, notes: &Notes) -> NotesProxy {
    let notes = notes.clone();
    let start = NotesProxy::builder().process(process).name(name);
    let start = start.start(move |_| std::future::ready(Ok::<_, Error>(notes.clone())));
    soon(start).await.unwrap()
}

/// The one-way calls that failed before the member became leader: how many, and whether they ran.
async fn failed(events: &mut Events) -> Vec<(u64, Outcome)> {
    let mut failed = Vec::new();
    loop {
        match soon(events.next()).await.expect("the member is open") {
            ClusterEvent::OnewayFailed { calls, error, .. } => {
                failed.push((calls, error.outcome()));
            }
            ClusterEvent::BecameLeader { .. } => return failed,
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_leader_may_not_have_read_when_it_died_is_an_event() {
    let (network, notes) = (Network::new(1), Notes::default());
    let (leader, _led) = join(&network, &notes).await;
    let (_, follower) = join(&network, &notes).await;
    let mut events = follower.membership().events();
    follower.note(0).await.unwrap();
    assert_eq!(follower.count().await, Ok(1), "so it was read");
    leader.stop();
    for n in 1..=3 {
        follower.note(n).await.unwrap();
    }
    leader.kill();
    assert_eq!(failed(&mut events).await, [(3, Outcome::Unknown)]);
    assert_eq!(*notes.0.lock().unwrap(), [0]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_comes_to_know_that_they_were_read() {
    let (network, notes) = (Network::new(2), Notes::default());
    let (leader, _led) = join(&network, &notes).await;
    let (_, follower) = join(&network, &notes).await;
    let mut events = follower.membership().events();
    follower.note(1).await.unwrap();
    // Two heartbeat intervals, and some.
    tokio::time::sleep(Duration::from_secs(5)).await;
    leader.kill();
    assert_eq!(failed(&mut events).await, []);
    assert_eq!(*notes.0.lock().unwrap(), [1]);
}

/// Lets those run that are to run by now. Tokio's `yield_now` also waits for all that they wake.
async fn next_in_turn() {
    let mut has_waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn those_of_a_process_that_hands_over_run_at_the_next_leader() {
    for steps in 0..30 {
        let (network, notes) = (Network::new(3), Notes::default());
        let (process, leader) = join(&network, &notes).await;
        let other = start(&process, "other", &notes).await;
        let (second, follower) = join(&network, &notes).await;
        let _follows_other = start(&second, "other", &notes).await;
        let mut events = leader.membership().events();
        // One port for both channels: with the other one, of which there is a follower, this one's leader goes, too.
        let closing = tokio::spawn(async move { other.membership().close().await });
        let caller = leader.clone();
        let calling = tokio::spawn(async move {
            for _ in 0..steps {
                next_in_turn().await;
            }
            caller.note(1).await.unwrap();
        });
        soon(calling).await.unwrap();
        soon(closing).await.unwrap();
        soon(async {
            while follower.count().await != Ok(1) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        soon(leader.membership().close()).await;
        while let Some(event) = events.next().await {
            assert!(!matches!(event, ClusterEvent::OnewayFailed { .. }), "{steps}: {event:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_leader_has_accepted_of_itself_before_it_closes_runs() {
    let (network, notes) = (Network::new(3), Notes::default());
    let (_process, leader) = join(&network, &notes).await;
    let mut events = leader.membership().events();
    let mut closing = std::pin::pin!(leader.membership().close());
    assert!(futures::poll!(&mut closing).is_pending(), "it has not begun to go yet");
    leader.note(1).await.unwrap();
    closing.await;
    assert_eq!(*notes.0.lock().unwrap(), [1]);
    while let Some(event) = events.next().await {
        assert!(!matches!(event, ClusterEvent::OnewayFailed { .. }), "{event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_closes_loses_none_and_none_runs_twice() {
    for seed in 0..20 {
        let (network, notes) = (Network::new(seed), Notes::default());
        network.set_delay(Duration::from_millis(1)..Duration::from_millis(5));
        let (_first, leader) = join(&network, &notes).await;
        let (_, follower) = join(&network, &notes).await;
        let mut events = follower.membership().events();
        let caller = follower.clone();
        let calling = tokio::spawn(async move {
            for n in 0..300 {
                caller.note(n).await.unwrap();
                if n % 3 == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        });
        tokio::time::sleep(Duration::from_millis(20 + seed)).await;
        soon(leader.membership().close()).await;
        soon(calling).await.unwrap();
        assert_eq!(failed(&mut events).await, [], "seed {seed}");
        role(follower.membership(), Role::Leader).await;
        let all = async {
            while follower.count().await.unwrap() < 300 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        soon(all).await;
        let mut noted = notes.0.lock().unwrap().clone();
        noted.sort_unstable();
        assert_eq!(noted, (0..300).collect::<Vec<_>>(), "seed {seed}");
    }
}
