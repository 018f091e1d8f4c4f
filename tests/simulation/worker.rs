//! What one process does: calls and publishes until it ends.

use std::sync::Arc;
use std::time::Duration;

use cluster_client::testing::Process;
use cluster_client::{ClusterEvent, Error, Outcome};
use tokio::time::{Instant, sleep, timeout};

use crate::conditions::Conditions;
use crate::counter::{Counter, CounterProxy};
use crate::log::{Kind, Log, Told};
use crate::server::Server;
use crate::{publisher, reader};

/// Starts a member and its workload in a process.
pub(crate) fn start(
    process: &Process,
    conditions: &Conditions,
    server: &Server,
    log: &Log,
    seed: u64,
) -> Starting {
    let (server, log) = (server.clone(), Arc::clone(log));
    let (within, conditions) = (process.clone(), conditions.clone());
    process.spawn(async move {
        let (connect, id, ballast) = (server.clone(), within.id(), conditions.ballast());
        let mut builder = CounterProxy::builder();
        builder = builder.process(&within).max_wait_time(Duration::from_secs(600));
        if let Some(interval) = conditions.heartbeat_interval() {
            builder = builder.heartbeat_interval(interval);
        }
        if let Some(silence) = conditions.standalone_after {
            builder = builder.standalone_after(silence);
        }
        if let Some(limits) = conditions.cramped {
            builder = builder.limits(limits);
        }
        let factory = move |cx| {
            let server = connect.clone();
            async move { Ok::<_, Error>(Counter::connect(server, id, &cx)) }
        };
        let proxy = builder.start(factory).await?;
        run(&within, &proxy, &server, &log, ballast, seed);
        Ok(proxy)
    })
}

pub(crate) type Starting = tokio::task::JoinHandle<Result<CounterProxy, Error>>;

fn run(
    process: &Process,
    proxy: &CounterProxy,
    server: &Server,
    log: &Log,
    ballast: usize,
    seed: u64,
) {
    let mut random = fastrand::Rng::with_seed(seed);
    let id = process.id();
    for _ in 0..2 {
        process.spawn(call(proxy.clone(), Arc::clone(log), id, ballast, random.fork()));
    }
    process.spawn(publisher::own(proxy.clone(), Arc::clone(log), id, random.fork()));
    process.spawn(publisher::shared(proxy.clone(), Arc::clone(log), id, random.fork()));
    process.spawn(listen(proxy.membership().events(), Arc::clone(log), id));
    reader::spawn(process, proxy, server, log, &mut random);
}

async fn call(
    proxy: CounterProxy,
    log: Log,
    caller: u32,
    ballast: usize,
    mut random: fastrand::Rng,
) {
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
        let gives_up = random.u8(..16) == 0;
        let patience = if gives_up { random.u64(..200) } else { 60_000 };
        let ballast = if random.u8(..16) == 0 { vec![0; ballast] } else { Vec::new() };
        let calling = make(&proxy, kind, operation, ballast);
        let result = timeout(Duration::from_millis(patience), calling).await;
        {
            let mut seen = log.lock().unwrap();
            let Some(operation) = seen.operations.get_mut(&operation) else { return };
            match &result {
                Err(_) => operation.dropped = Some(Instant::now()),
                Ok(result) => operation.told = Some((Instant::now(), Told::of(result))),
            }
        }
        if matches!(result, Ok(Err(Error::Closed))) {
            return;
        }
        sleep(Duration::from_millis(random.u64(1..150))).await;
    }
}

/// Makes a call of that kind, which may carry some ballast.
pub(crate) async fn make(
    proxy: &CounterProxy,
    kind: Kind,
    operation: u64,
    ballast: Vec<u8>,
) -> Result<(), Error> {
    match kind {
        Kind::Plain => proxy.add(operation, ballast).await,
        Kind::Idempotent => proxy.set(operation).await,
        Kind::Event => proxy.notify(operation).await,
        Kind::Oneway => proxy.touch(operation, ballast).await,
    }
}

/// Notes who is said to be silent, the failures of one-way calls, and the changes of leader.
async fn listen(mut events: cluster_client::Events, log: Log, process: u32) {
    while let Some(event) = events.next().await {
        let mut seen = log.lock().unwrap();
        match &event {
            ClusterEvent::OnewayFailed { calls, error, .. } => {
                let failures = seen.oneways_failed.entry(process).or_default();
                match error.outcome() {
                    Outcome::NotExecuted => failures.not_executed += calls,
                    Outcome::Unknown | Outcome::Executed => failures.unknown += calls,
                }
            }
            ClusterEvent::BecameLeader { .. } | ClusterEvent::BecameFollower { .. } => {
                seen.joined.insert(process, Instant::now());
            }
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
