//! What one process does: calls, publishes and reads until it ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::testing::Process;
use cluster_client::{Error, Event, Outcome};

use crate::counter::{Counter, CounterProxy, Newest, Tick};
use crate::server::{KEYS, Server};

/// What all processes have seen.
pub(crate) type Log = Arc<Mutex<Seen>>;

#[derive(Default)]
pub(crate) struct Seen {
    /// For each operation whether it may run more than once, and what its caller was told; `None`: it was never told.
    pub(crate) operations: BTreeMap<u64, Operation>,
    /// For each reader what it read.
    pub(crate) reads: Vec<Reads>,
    /// What each process has published.
    pub(crate) published: BTreeMap<u64, Published>,
    next_operation: u64,
    /// No more calls are begun.
    pub(crate) is_over: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Published {
    /// The last value that was acknowledged.
    pub(crate) acknowledged: u64,
    /// The values after it of which it is not known whether they were published.
    pub(crate) unknown: Vec<u64>,
}

pub(crate) struct Operation {
    pub(crate) idempotent: bool,
    pub(crate) told: Option<Result<(), Outcome>>,
}

/// What one handle has read, in order.
pub(crate) struct Reads {
    pub(crate) process: u32,
    pub(crate) key: u64,
    /// Each value counts.
    pub(crate) every: bool,
    pub(crate) events: Vec<Read>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Read {
    Value(u64),
    Missed(u64),
    Resynced,
}

/// Starts a member and its workload in a process.
pub(crate) fn start(process: &Process, server: &Server, log: &Log, seed: u64) -> Starting {
    let (server, log) = (server.clone(), Arc::clone(log));
    let within = process.clone();
    process.spawn(async move {
        let connect = server.clone();
        let proxy = CounterProxy::builder()
            .process(&within)
            .max_wait_time(Duration::from_secs(600))
            .start(move |_| {
                let server = connect.clone();
                async { Ok::<_, Error>(Counter::connect(server)) }
            })
            .await?;
        run(&within, &proxy, &log, seed);
        Ok(proxy)
    })
}

pub(crate) type Starting = tokio::task::JoinHandle<Result<CounterProxy, Error>>;

fn run(process: &Process, proxy: &CounterProxy, log: &Log, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..2 {
        process.spawn(call(proxy.clone(), Arc::clone(log), random.fork()));
    }
    let key = u64::from(process.id());
    process.spawn(publish(proxy.clone(), Arc::clone(log), key, random.fork()));
    for _ in 0..2 {
        let key = random.u64(..KEYS);
        process.spawn(read_newest(proxy.clone(), Arc::clone(log), process.id(), key));
        process.spawn(read_ticks(proxy.clone(), Arc::clone(log), process.id(), key));
    }
}

async fn call(proxy: CounterProxy, log: Log, mut random: fastrand::Rng) {
    loop {
        let idempotent = random.bool();
        let operation = {
            let mut seen = log.lock().unwrap();
            if seen.is_over {
                return;
            }
            seen.next_operation += 1;
            let operation = seen.next_operation;
            seen.operations.insert(operation, Operation { idempotent, told: None });
            operation
        };
        let result = if idempotent {
            proxy.set(operation).await
        } else {
            let wait = if random.u8(..8) == 0 { random.u64(..300) } else { 0 };
            proxy.add(operation, wait).await
        };
        let told = result.map_err(|error| error.outcome());
        let is_closed = told == Err(Outcome::NotExecuted)
            && proxy.membership().role() == cluster_client::Role::Closed;
        if let Some(operation) = log.lock().unwrap().operations.get_mut(&operation) {
            operation.told = Some(told);
        }
        if is_closed {
            return;
        }
        tokio::time::sleep(Duration::from_millis(random.u64(1..150))).await;
    }
}

/// Publishes ever greater values under a key of its own.
async fn publish(proxy: CounterProxy, log: Log, key: u64, mut random: fastrand::Rng) {
    for value in 1.. {
        if log.lock().unwrap().is_over {
            return;
        }
        match proxy.announce(key, value).await {
            Ok(()) => {
                let published = Published { acknowledged: value, unknown: Vec::new() };
                log.lock().unwrap().published.insert(key, published);
            }
            Err(Error::Closed) => return,
            Err(error) if error.outcome() == Outcome::Unknown => {
                log.lock().unwrap().published.entry(key).or_default().unknown.push(value);
            }
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(random.u64(50..500))).await;
    }
}

macro_rules! reader {
    ($name:ident, $method:ident, $every:literal, $pattern:pat => $value:expr) => {
        async fn $name(proxy: CounterProxy, log: Log, process: u32, key: u64) {
            let mut subscription = loop {
                match proxy.$method(key).await {
                    Ok(subscription) => break subscription,
                    Err(Error::Closed) => return,
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            };
            let index = {
                let mut seen = log.lock().unwrap();
                seen.reads.push(Reads { process, key, every: $every, events: Vec::new() });
                seen.reads.len() - 1
            };
            while let Some(event) = subscription.next_event().await {
                let read = match event {
                    Event::Value($pattern) => Read::Value($value),
                    Event::Missed(count) => Read::Missed(count),
                    Event::Resynced => Read::Resynced,
                };
                log.lock().unwrap().reads[index].events.push(read);
            }
        }
    };
}

reader!(read_newest, newest, false, Newest(value) => value);
reader!(read_ticks, ticks, true, Tick(value) => value);
