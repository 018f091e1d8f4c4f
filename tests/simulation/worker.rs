//! What one process does: calls and publishes until it ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::testing::Process;
use cluster_client::{ClusterEvent, Error, Outcome};
use tokio::time::{Instant, sleep, timeout};

use crate::counter::{Counter, CounterProxy};
use crate::reader::{self, Reads};
use crate::server::Server;

/// What all processes have seen.
pub(crate) type Log = Arc<Mutex<Seen>>;

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) operations: BTreeMap<u64, Operation>,
    /// For each reader what it read.
    pub(crate) reads: Vec<Reads>,
    /// What each process has published.
    pub(crate) published: BTreeMap<u64, Published>,
    /// When who said that somebody else had been silent.
    pub(crate) alarms: Vec<(Instant, u32, ClusterEvent)>,
    /// One-way calls of which somebody has said that they failed, or may not have run.
    pub(crate) oneways_failed: u64,
    next_operation: u64,
    /// No more calls are begun.
    pub(crate) is_over: bool,
}

/// What is known of a key that one process publishes. 0: not published.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// What was acknowledged last.
    pub(crate) acknowledged: u64,
    /// What was tried after that, of which it is not known whether it happened.
    pub(crate) unknown: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Plain,
    Idempotent,
    /// A publication that is not remembered.
    Event,
    Oneway,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    pub(crate) caller: u32,
    pub(crate) begun: Instant,
    /// When and what its caller was told; `None`: it was never told.
    pub(crate) told: Option<(Instant, Result<(), Outcome>)>,
    /// When its caller gave up waiting.
    pub(crate) dropped: Option<Instant>,
}

/// Starts a member and its workload in a process.
pub(crate) fn start(process: &Process, server: &Server, log: &Log, seed: u64) -> Starting {
    let (server, log) = (server.clone(), Arc::clone(log));
    let within = process.clone();
    process.spawn(async move {
        let (connect, id) = (server.clone(), within.id());
        let proxy = CounterProxy::builder()
            .process(&within)
            .max_wait_time(Duration::from_secs(600))
            .start(move |cx| {
                let server = connect.clone();
                async move { Ok::<_, Error>(Counter::connect(server, id, &cx)) }
            })
            .await?;
        run(&within, &proxy, &log, seed);
        Ok(proxy)
    })
}

pub(crate) type Starting = tokio::task::JoinHandle<Result<CounterProxy, Error>>;

fn run(process: &Process, proxy: &CounterProxy, log: &Log, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let id = process.id();
    for _ in 0..2 {
        process.spawn(call(proxy.clone(), Arc::clone(log), id, random.fork()));
    }
    process.spawn(publish(proxy.clone(), Arc::clone(log), u64::from(id), random.fork()));
    process.spawn(listen(proxy.membership().events(), Arc::clone(log), id));
    reader::spawn(process, proxy, log, &mut random);
}

async fn call(proxy: CounterProxy, log: Log, caller: u32, mut random: fastrand::Rng) {
    loop {
        let kind = [
            Kind::Plain,
            Kind::Plain,
            Kind::Idempotent,
            Kind::Idempotent,
            Kind::Event,
            Kind::Oneway,
        ][random.usize(..6)];
        let Some(operation) = log.lock().unwrap().begin(kind, caller) else { return };
        let wait = if random.u8(..8) == 0 { random.u64(..300) } else { 0 };
        let calling = async {
            match kind {
                Kind::Plain => proxy.add(operation, wait).await,
                Kind::Idempotent => proxy.set(operation, wait).await,
                Kind::Event => proxy.notify(operation).await,
                Kind::Oneway => proxy.touch(operation).await,
            }
        };
        let gives_up = random.u8(..16) == 0;
        let patience = if gives_up { random.u64(..200) } else { 60_000 };
        let result = timeout(Duration::from_millis(patience), calling).await;
        {
            let mut seen = log.lock().unwrap();
            let Some(operation) = seen.operations.get_mut(&operation) else { return };
            match &result {
                Err(_) => operation.dropped = Some(Instant::now()),
                Ok(result) => {
                    let outcome = result.as_ref().copied().map_err(Error::outcome);
                    operation.told = Some((Instant::now(), outcome));
                }
            }
        }
        if matches!(result, Ok(Err(Error::Closed))) {
            return;
        }
        sleep(Duration::from_millis(random.u64(1..150))).await;
    }
}

impl Seen {
    fn begin(&mut self, kind: Kind, caller: u32) -> Option<u64> {
        if self.is_over {
            return None;
        }
        self.next_operation += 1;
        let begun = Instant::now();
        let operation = Operation { kind, caller, begun, told: None, dropped: None };
        self.operations.insert(self.next_operation, operation);
        Some(self.next_operation)
    }
}

/// Publishes ever greater values under a key of its own, and takes one back now and then.
async fn publish(proxy: CounterProxy, log: Log, key: u64, mut random: fastrand::Rng) {
    for value in 1.. {
        if log.lock().unwrap().is_over {
            return;
        }
        let takes_back = random.u8(..8) == 0;
        let (published, result) = if takes_back {
            (0, proxy.retract(key, value).await)
        } else {
            (value, proxy.announce(key, value).await)
        };
        match result {
            Ok(()) => {
                let published = Published { acknowledged: published, unknown: Vec::new() };
                log.lock().unwrap().published.insert(key, published);
            }
            Err(Error::Closed) => return,
            Err(error) if error.outcome() == Outcome::Unknown => {
                log.lock().unwrap().published.entry(key).or_default().unknown.push(published);
            }
            Err(_) => {}
        }
        sleep(Duration::from_millis(random.u64(50..500))).await;
    }
}

/// Notes who is said to be silent, and the failures of one-way calls.
async fn listen(mut events: cluster_client::Events, log: Log, process: u32) {
    while let Some(event) = events.next().await {
        let mut seen = log.lock().unwrap();
        match &event {
            ClusterEvent::OnewayFailed { calls, .. } => seen.oneways_failed += calls,
            ClusterEvent::LeaderUnresponsive { .. } => {
                seen.alarms.push((Instant::now(), process, event));
            }
            ClusterEvent::FollowerLeft { reason, .. } if reason.contains("silent") => {
                seen.alarms.push((Instant::now(), process, event));
            }
            _ => {}
        }
    }
}
