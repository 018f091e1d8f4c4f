//! What these behaviours share: the store that the original's own tests have for a real client, its members, and
//! waiting with a deadline.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::{
    Builder, CallContext, ClusterEvent, Error, Events, Limits, Membership, Role, Subscribe,
    Subscription, SubscriptionSender, cluster_client,
};
use serde::{Deserialize, Serialize};
use support::free_port;
use tokio::sync::watch;

/// What no test waits longer for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The outcome of `future`, which has to come soon.
pub async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes soon")
}

/// Waits until the member has the role.
pub async fn until_role(membership: &Membership, role: Role) {
    let mut roles = membership.role_changes();
    soon(async { while roles.next().await.expect("the member is open") != role {} }).await;
}

/// The next event that `wanted` picks.
pub async fn next_event<T>(events: &mut Events, wanted: impl Fn(ClusterEvent) -> Option<T>) -> T {
    let next = async {
        loop {
            if let Some(event) = wanted(events.next().await.expect("the member is open")) {
                return event;
            }
        }
    };
    soon(next).await
}

/// Where the members of a test meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    Cluster,
    Single,
}

/// Makes two tests of a behaviour that holds in both modes.
macro_rules! both_modes {
    ($($behaviour:ident),* $(,)?) => {$(
        mod $behaviour {
            use crate::sample::Mode;

            #[tokio::test]
            async fn cluster() {
                super::$behaviour(Mode::Cluster).await;
            }

            #[tokio::test]
            async fn single() {
                super::$behaviour(Mode::Single).await;
            }
        }
    )*};
}

/// What has been done to the real clients of a test, in order.
#[derive(Clone, Debug, Default)]
pub struct Log(watch::Sender<Vec<String>>);

impl Log {
    pub fn add(&self, line: impl Into<String>) {
        self.0.send_modify(|lines| lines.push(line.into()));
    }

    pub fn count(&self, line: &str) -> usize {
        count(&self.0.borrow(), line)
    }

    /// Waits until the line is there so many times.
    pub async fn until(&self, line: &str, times: usize) {
        let mut lines = self.0.subscribe();
        let there = lines.wait_for(|lines| count(lines, line) >= times);
        soon(there).await.expect("the log outlives the test");
    }
}

fn count(lines: &[String], line: &str) -> usize {
    lines.iter().filter(|there| *there == line).count()
}

/// The members of a test.
pub struct Team {
    pub mode: Mode,
    pub port: u16,
    pub log: Log,
    broken: Arc<AtomicBool>,
}

impl Team {
    pub fn new(mode: Mode) -> Self {
        Self { mode, port: free_port(), log: Log::default(), broken: Arc::default() }
    }

    /// A leader and a follower.
    pub async fn of_two(mode: Mode) -> (Self, StoreProxy, StoreProxy) {
        let team = Self::new(mode);
        let leader = team.join().await;
        let follower = team.join().await;
        assert_eq!(leader.membership().role(), Role::Leader);
        assert_eq!(follower.membership().role(), Role::Follower);
        (team, leader, follower)
    }

    pub fn builder(&self) -> Builder<StoreProxy> {
        StoreProxy::builder()
            .port(self.port)
            .single_mode(self.mode == Mode::Single)
            .limits(Limits { linger: Duration::from_millis(20), ..Limits::default() })
    }

    pub async fn start(&self, builder: Builder<StoreProxy>) -> Result<StoreProxy, Error> {
        let (log, broken) = (self.log.clone(), Arc::clone(&self.broken));
        let factory = move |_| {
            let (log, broken) = (log.clone(), Arc::clone(&broken));
            async move { Store::connect(log, broken.load(Ordering::SeqCst)) }
        };
        soon(builder.start(factory)).await
    }

    pub async fn join(&self) -> StoreProxy {
        self.start(self.builder()).await.expect("the member starts")
    }

    /// From now on real clients can, or cannot, be built.
    pub fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }
}

/// Closes the followers before the leader, so that nobody takes over.
pub async fn close_all<const N: usize>(members: [&StoreProxy; N]) {
    for member in members.into_iter().rev() {
        soon(member.membership().close()).await;
        assert_eq!(member.membership().role(), Role::Closed);
    }
}

/// The values of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct Values(pub Vec<String>);

pub fn values<const N: usize>(values: [&str; N]) -> Option<Values> {
    Some(Values(values.map(str::to_owned).to_vec()))
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub key: String,
    pub value: String,
}

pub fn entry(key: &str, value: &str) -> Entry {
    Entry { key: key.into(), value: value.into() }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum StoreError {
    #[error("the entry is empty")]
    EmptyEntry,
    #[error("{message} ({code})")]
    Mock { message: String, code: String },
    #[error(transparent)]
    Cluster(#[from] Error),
}

impl StoreError {
    pub fn mock() -> Self {
        Self::Mock { message: "mock error".into(), code: "ERROR_CODE".into() }
    }
}

/// Keeps lists of values by key. They go with it, as with a server that forgets who has disconnected.
pub struct Store {
    log: Log,
    version: usize,
    lists: Mutex<HashMap<String, List>>,
}

#[derive(Default)]
struct List {
    values: Vec<String>,
    watchers: Vec<SubscriptionSender<Values>>,
}

impl Store {
    pub fn connect(log: Log, broken: bool) -> Result<Self, StoreError> {
        log.add("connect");
        if broken {
            return Err(StoreError::mock());
        }
        log.add("connected");
        let version = log.count("connected");
        Ok(Self { log, version, lists: Mutex::default() })
    }

    fn change(&self, key: String, change: impl FnOnce(&mut Vec<String>)) {
        let mut lists = self.lists.lock().unwrap();
        let list = lists.entry(key).or_default();
        change(&mut list.values);
        let values = Values(list.values.clone());
        list.watchers.retain(|watcher| watcher.send(values.clone()).is_ok());
    }
}

#[cluster_client]
impl Store {
    #[subscribe]
    pub async fn subscribe(&self, key: String) -> Result<Subscription<Values>, StoreError> {
        let (sender, subscription) = Subscription::channel();
        self.log.add(format!("subscribe {key}"));
        let (watched, left, log) = (sender.clone(), format!("unsubscribe {key}"), self.log.clone());
        tokio::spawn(async move {
            watched.closed().await;
            log.add(left);
        });
        let mut lists = self.lists.lock().unwrap();
        let list = lists.entry(key).or_default();
        sender.send(Values(list.values.clone())).unwrap();
        list.watchers.push(sender);
        Ok(subscription)
    }

    #[publish]
    pub async fn publish(&self, entry: Entry) -> Result<(), StoreError> {
        self.log.add(format!("publish {}", entry.value));
        if entry.value.is_empty() {
            return Err(StoreError::EmptyEntry);
        }
        self.change(entry.key, |values| values.push(entry.value));
        Ok(())
    }

    #[invoke(oneway)]
    pub async fn un_publish(&self, entry: Entry) -> Result<(), StoreError> {
        self.log.add(format!("unpublish {}", entry.value));
        if entry.value.is_empty() {
            return Err(StoreError::EmptyEntry);
        }
        self.change(entry.key, |values| values.retain(|value| *value != entry.value));
        Ok(())
    }

    #[invoke]
    pub async fn echo(&self, text: &str) -> Result<String, StoreError> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(text.to_owned())
    }

    /// The how-manieth real client of the test it is.
    #[invoke]
    pub async fn version(&self) -> usize {
        self.version
    }

    #[invoke]
    pub async fn fail(&self) -> Result<(), StoreError> {
        Err(StoreError::mock())
    }

    /// What the call is told of its deadline, in ms.
    #[invoke]
    pub async fn remaining(&self, cx: CallContext) -> Option<u64> {
        cx.remaining().and_then(|left| left.as_millis().try_into().ok())
    }

    /// Answers once the test has said so.
    #[invoke]
    pub async fn wait(&self) {
        self.log.add("wait");
        self.log.until("go on", 1).await;
    }

    /// Never answers.
    #[invoke]
    pub async fn hang(&self) -> Result<(), StoreError> {
        let _cut_off = CutOff(&self.log);
        self.log.add("hang");
        std::future::pending().await
    }

    /// Takes its time.
    #[close]
    pub async fn destroy(&self) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.log.add("destroyed");
    }
}

struct CutOff<'a>(&'a Log);

impl Drop for CutOff<'_> {
    fn drop(&mut self) {
        self.0.add("cut off");
    }
}
