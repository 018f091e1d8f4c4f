//! What the tests share: a real client that says what is done to it, and waiting with a deadline.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use cluster_client::{
    CallContext, ClusterEvent, Error, Events, LeaderContext, Membership, Role, Subscribe,
    Subscription, SubscriptionSender, cluster_client,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What no test waits longer for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The outcome of `future`, which has to come soon.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes soon")
}

/// Waits until the member has a role.
pub(crate) async fn role(membership: &Membership, role: Role) {
    let mut roles = membership.role_changes();
    soon(async { while roles.next().await.expect("the member is open") != role {} }).await;
}

/// The next event that `pick` wants.
pub(crate) async fn event<T>(events: &mut Events, pick: impl Fn(ClusterEvent) -> Option<T>) -> T {
    let found = async {
        loop {
            let event = events.next().await.expect("the member is open");
            if let Some(found) = pick(event) {
                return found;
            }
        }
    };
    soon(found).await
}

/// What has been done to the real clients of one test, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(watch::Sender<Vec<String>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.send_modify(|lines| lines.push(line.into()));
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.0.borrow().iter().filter(|said| *said == line).count()
    }

    /// Whether these lines came in this order, whatever was between.
    pub(crate) fn is_in_order(&self, lines: &[&str]) -> bool {
        let said = self.0.borrow();
        let mut said = said.iter();
        lines.iter().all(|line| said.any(|said| said == line))
    }

    /// Waits until a line is there so many times.
    pub(crate) async fn until(&self, line: &str, times: usize) {
        let mut lines = self.0.subscribe();
        let there =
            lines.wait_for(|lines| lines.iter().filter(|said| *said == line).count() >= times);
        soon(there).await.expect("the log holds the sender");
    }
}

/// The hosts of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct Hosts(pub(crate) Vec<String>);

/// Each of them goes to one subscriber.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(receivers = "one")]
pub(crate) struct Job(pub(crate) u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum RegistryError {
    #[error("{message} ({code})")]
    Mock { message: String, code: u32 },
    #[error(transparent)]
    Cluster(#[from] Error),
}

impl RegistryError {
    pub(crate) fn mock() -> Self {
        Self::Mock { message: "mock error".into(), code: 7 }
    }
}

/// What a call was told of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) call: String,
    pub(crate) instance: String,
    pub(crate) pid: u32,
    pub(crate) local: bool,
    pub(crate) epoch: u64,
    pub(crate) millis_left: u64,
    pub(crate) current_agrees: bool,
}

/// A real client. Its data goes with it, as with a server that forgets who has disconnected.
pub(crate) struct Registry {
    pub(crate) log: Log,
    pub(crate) epoch: u64,
    hosts: Mutex<HashMap<String, Service>>,
    jobs: Mutex<Vec<SubscriptionSender<Job>>>,
}

#[derive(Default)]
struct Service {
    hosts: Vec<String>,
    watchers: Vec<Watcher>,
}

struct Watcher {
    sender: SubscriptionSender<Hosts>,
    /// Waits until nobody listens, and holds a sender as well.
    leaving: AbortHandle,
}

impl Registry {
    pub(crate) fn connect(log: &Log, cx: &LeaderContext) -> Result<Self, Error> {
        log.add("built");
        Ok(Self {
            log: log.clone(),
            epoch: cx.epoch(),
            hosts: Mutex::default(),
            jobs: Mutex::default(),
        })
    }

    fn change(&self, service: &str, change: impl FnOnce(&mut Vec<String>)) {
        let mut services = self.hosts.lock().unwrap();
        let service = services.entry(service.to_owned()).or_default();
        change(&mut service.hosts);
        let hosts = Hosts(service.hosts.clone());
        service.watchers.retain(|watcher| watcher.sender.send(hosts.clone()).is_ok());
    }
}

#[cluster_client]
impl Registry {
    #[subscribe]
    pub(crate) async fn watch(
        &self,
        service: String,
    ) -> Result<Subscription<Hosts>, RegistryError> {
        self.log.add(format!("watch {service}"));
        let (sender, subscription) = Subscription::channel();
        let log = self.log.clone();
        let mut services = self.hosts.lock().unwrap();
        let known = services.entry(service.clone()).or_default();
        let _ = sender.send(Hosts(known.hosts.clone()));
        let listened_to = sender.clone();
        let leaving = tokio::spawn(async move {
            listened_to.closed().await;
            log.add(format!("unwatch {service}"));
        });
        known.watchers.push(Watcher { sender, leaving: leaving.abort_handle() });
        Ok(subscription)
    }

    #[publish(key = "(service, host)", undo = "withdraw")]
    pub(crate) async fn register(
        &self,
        service: String,
        host: String,
    ) -> Result<(), RegistryError> {
        self.log.add(format!("register {service} {host}"));
        self.change(&service, |hosts| {
            if !hosts.contains(&host) {
                hosts.push(host);
                hosts.sort();
            }
        });
        Ok(())
    }

    #[invoke]
    pub(crate) async fn withdraw(
        &self,
        service: String,
        host: String,
    ) -> Result<(), RegistryError> {
        self.log.add(format!("withdraw {service} {host}"));
        self.change(&service, |hosts| hosts.retain(|other| *other != host));
        Ok(())
    }

    /// Ends all subscriptions to the service.
    #[invoke]
    pub(crate) async fn end(&self, service: &str) {
        if let Some(service) = self.hosts.lock().unwrap().get_mut(service) {
            service.watchers.drain(..).for_each(|watcher| watcher.leaving.abort());
        }
    }

    #[subscribe]
    pub(crate) async fn jobs(&self) -> Subscription<Job> {
        let (sender, subscription) = Subscription::channel();
        self.jobs.lock().unwrap().push(sender);
        subscription
    }

    #[invoke]
    pub(crate) async fn add_job(&self, job: u32) {
        for jobs in self.jobs.lock().unwrap().iter() {
            let _ = jobs.send(Job(job));
        }
    }

    #[invoke]
    pub(crate) async fn end_jobs(&self) {
        self.jobs.lock().unwrap().clear();
    }

    #[invoke(idempotent)]
    pub(crate) async fn get(&self, key: &str) -> Result<String, RegistryError> {
        self.log.add(format!("get {key}"));
        if key == "error" { Err(RegistryError::mock()) } else { Ok(key.to_owned()) }
    }

    /// Says when it starts, and when it is given up.
    #[invoke]
    pub(crate) async fn never(&self) -> Result<(), RegistryError> {
        struct Given(Log);
        impl Drop for Given {
            fn drop(&mut self) {
                self.0.add("never given up");
            }
        }
        self.log.add("never");
        let _given = Given(self.log.clone());
        std::future::pending().await
    }

    #[invoke]
    pub(crate) async fn panics(&self) -> Result<(), RegistryError> {
        panic!("mock panic")
    }

    #[invoke(oneway)]
    pub(crate) async fn note(&self, line: String) {
        self.log.add(line);
    }

    #[invoke(timeout = "5s")]
    pub(crate) async fn told(&self, cx: CallContext, padding: &str) -> Result<Told, RegistryError> {
        let _ = padding;
        let current = CallContext::current();
        Ok(Told {
            call: cx.call_id().to_string(),
            instance: cx.caller().instance.to_string(),
            pid: cx.caller().pid,
            local: cx.caller().local,
            epoch: cx.epoch(),
            millis_left: cx.remaining().map_or(0, |left| left.as_millis() as u64),
            current_agrees: current.is_some_and(|current| current.call_id() == cx.call_id()),
        })
    }

    #[close]
    pub(crate) async fn disconnect(&self) {
        self.log.add("closing");
        tokio::task::yield_now().await;
        self.log.add("closed");
    }
}

/// A member of the cluster of a test.
pub(crate) async fn member(port: u16, log: &Log) -> RegistryProxy {
    start(RegistryProxy::builder().port(port), log).await.expect("it joins")
}

/// The same with other options.
pub(crate) async fn start(
    builder: cluster_client::Builder<RegistryProxy>,
    log: &Log,
) -> Result<RegistryProxy, Error> {
    let log = log.clone();
    soon(builder.start(move |cx| std::future::ready(Registry::connect(&log, &cx)))).await
}

/// The next value, which has to come soon.
pub(crate) async fn next<E: Subscribe>(subscription: &mut Subscription<E>) -> E {
    soon(subscription.next()).await.expect("the subscription goes on")
}

/// Reads until a value comes; with "latest" those before it may be left out.
pub(crate) async fn next_is<E: Subscribe + std::fmt::Debug>(
    subscription: &mut Subscription<E>,
    value: &E,
) {
    while next(subscription).await != *value {}
}
