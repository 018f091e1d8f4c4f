//! A leader with two healthy followers, who call and listen the whole time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::{
    Error, Limits, Role, Subscribe, Subscription, SubscriptionSender, cluster_client,
};
use serde::{Deserialize, Serialize};
use support::free_port;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::attacker::PATIENCE;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct Tick(pub(crate) u64);

/// Each one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = 20_000)]
pub(crate) struct Line(pub(crate) String);

/// The real client.
#[derive(Clone, Default)]
pub(crate) struct Victim {
    ticks: Arc<Mutex<Vec<SubscriptionSender<Tick>>>>,
    lines: Arc<Mutex<Vec<SubscriptionSender<Line>>>>,
    hanging: Arc<AtomicUsize>,
    kept: Arc<Notify>,
}

#[cluster_client(vis = "pub(crate)")]
impl Victim {
    #[invoke]
    pub(crate) async fn echo(&self, text: String) -> Result<String, Error> {
        Ok(text)
    }

    /// A result of any length, at once.
    #[invoke]
    pub(crate) async fn blob(&self, len: usize) -> Result<String, Error> {
        Ok("x".repeat(len))
    }

    /// The same, but not at once.
    #[invoke]
    pub(crate) async fn blob_later(&self, len: usize) -> Result<String, Error> {
        tokio::task::yield_now().await;
        self.blob(len).await
    }

    /// Runs until it is cancelled or [`Victim::let_go`] is called.
    #[invoke]
    pub(crate) async fn keep(&self, text: String) -> Result<usize, Error> {
        self.kept.notified().await;
        Ok(text.len())
    }

    /// Runs until [`Victim::let_go`] is called.
    #[publish(key = "name", undo = "take_back")]
    pub(crate) async fn publish(&self, name: String) -> Result<usize, Error> {
        self.kept.notified().await;
        Ok(name.len())
    }

    #[invoke]
    pub(crate) async fn take_back(&self, name: String) -> Result<usize, Error> {
        Ok(name.len())
    }

    /// Runs until it is cancelled.
    #[invoke]
    pub(crate) async fn hang(&self) -> Result<(), Error> {
        self.hanging.fetch_add(1, Ordering::SeqCst);
        let _hanging = Hanging(Arc::clone(&self.hanging));
        std::future::pending().await
    }

    #[subscribe]
    pub(crate) async fn ticks(&self) -> Result<Subscription<Tick>, Error> {
        let (sender, subscription) = Subscription::channel();
        self.ticks.lock().unwrap().push(sender);
        Ok(subscription)
    }

    #[subscribe]
    pub(crate) async fn lines(&self) -> Result<Subscription<Line>, Error> {
        let (sender, subscription) = Subscription::channel();
        self.lines.lock().unwrap().push(sender);
        Ok(subscription)
    }

    pub(crate) fn tick(&self, number: u64) {
        for sender in &*self.ticks.lock().unwrap() {
            sender.send(Tick(number)).unwrap();
        }
    }

    pub(crate) fn line(&self, line: &str) {
        for sender in &*self.lines.lock().unwrap() {
            sender.send(Line(line.to_owned())).unwrap();
        }
    }

    /// The service ends them.
    pub(crate) fn end_lines(&self) {
        self.lines.lock().unwrap().clear();
    }

    /// Waits until none of the streams of lines has a reader.
    pub(crate) async fn lines_end(&self) {
        let lines = self.lines.lock().unwrap().clone();
        assert!(!lines.is_empty(), "none was opened");
        for line in lines {
            timeout(PATIENCE, line.closed()).await.expect("somebody reads it");
        }
    }

    /// Ends one call of `keep`.
    pub(crate) fn let_go(&self) {
        self.kept.notify_one();
    }

    pub(crate) fn hanging(&self) -> usize {
        self.hanging.load(Ordering::SeqCst)
    }
}

struct Hanging(Arc<AtomicUsize>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) struct Scene {
    pub(crate) port: u16,
    pub(crate) victim: Victim,
    pub(crate) followers: [VictimProxy; 2],
    pub(crate) leader: VictimProxy,
    epoch: u64,
    callers: Vec<Caller>,
    listeners: Vec<Subscription<Tick>>,
    ticks: u64,
}

/// Calls on and on.
struct Caller {
    /// How many calls have succeeded, or how one failed.
    calls: watch::Receiver<Result<u64, String>>,
    task: AbortHandle,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default(), Duration::from_secs(2)).await
    }

    pub(crate) async fn with(limits: Limits, heartbeat_interval: Duration) -> Self {
        let (port, victim) = (free_port(), Victim::default());
        let start = async || {
            let victim = victim.clone();
            VictimProxy::builder()
                .port(port)
                .limits(limits.clone())
                .heartbeat_interval(heartbeat_interval)
                .start(move |_cx| {
                    let victim = victim.clone();
                    async move { Ok::<_, Error>(victim) }
                })
                .await
                .unwrap()
        };
        let leader = start().await;
        let followers = [start().await, start().await];
        assert_eq!(leader.membership().role(), Role::Leader);
        let mut listeners = Vec::new();
        for member in [&leader, &followers[0], &followers[1]] {
            listeners.push(member.ticks().await.unwrap());
        }
        let callers = [&leader, &followers[0], &followers[1]].map(Caller::spawn).into();
        let epoch = leader.membership().leader().unwrap().epoch;
        Self { port, victim, followers, leader, epoch, callers, listeners, ticks: 0 }
    }

    /// No call outlives its connection.
    pub(crate) async fn nothing_hangs(&self) {
        let ended = async {
            while self.victim.hanging() > 0 {
                tokio::task::yield_now().await;
            }
        };
        assert!(timeout(PATIENCE, ended).await.is_ok(), "{} calls hang", self.victim.hanging());
    }

    /// All are still there, none has failed, and they go on.
    pub(crate) async fn untouched(&mut self) {
        for caller in &mut self.callers {
            caller.goes_on().await;
        }
        self.ticks += 1;
        self.victim.tick(self.ticks);
        for listener in &mut self.listeners {
            let tick = timeout(PATIENCE, listener.next()).await.expect("no tick").unwrap();
            assert_eq!(tick, Tick(self.ticks));
        }
        assert_eq!(self.leader.membership().role(), Role::Leader);
        for follower in &self.followers {
            assert_eq!(follower.membership().leader().unwrap().epoch, self.epoch);
        }
    }
}

impl Caller {
    fn spawn(member: &VictimProxy) -> Self {
        let (sender, calls) = watch::channel(Ok(0));
        let member = member.clone();
        let calling = async move {
            for done in 0_u64.. {
                let echo = member.echo(done.to_string()).await;
                if echo != Ok(done.to_string()) {
                    let _ = sender.send_replace(Err(format!("{echo:?}")));
                    return;
                }
                let _ = sender.send_replace(Ok(done));
                // The attack is to have the machine too.
                tokio::time::sleep(Duration::from_micros(500)).await;
            }
        };
        Self { calls, task: tokio::spawn(calling).abort_handle() }
    }

    async fn goes_on(&mut self) {
        let done = self.calls.borrow().clone().unwrap();
        let more = self.calls.wait_for(|calls| !calls.as_ref().is_ok_and(|now| *now < done + 10));
        timeout(PATIENCE, more).await.expect("calls hang").unwrap().clone().unwrap();
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.task.abort();
    }
}
