//! What must hold, whatever has happened.

mod calls;
mod leftovers;
mod oneways;
mod publications;
mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cluster_client::testing::Process;
use tokio::time::{Instant, sleep};

pub(crate) use self::leftovers::{
    nobody_is_connected, nobody_reads, nothing_is_left, nothing_is_subscribed,
};
use crate::conditions::Conditions;
use crate::counter::CounterProxy;
use crate::log::{Kind, Log};
use crate::server::Server;
use crate::summary::Summary;
use crate::{reader, worker};

/// What was done to the processes.
pub(crate) struct Past {
    pub(crate) began: Instant,
    /// When they were killed.
    pub(crate) gone: BTreeMap<u32, Instant>,
    /// When their members were told to close.
    pub(crate) closed: BTreeMap<u32, Closed>,
    /// They were stopped or slow at some time.
    pub(crate) disturbed: BTreeSet<u32>,
    /// They were slow at some time.
    pub(crate) slowed: BTreeSet<u32>,
    /// Members have only closed.
    is_calm: bool,
    /// Members may have stood alone.
    stand_alone: bool,
    /// Members had little room.
    is_cramped: bool,
}

/// How a member was found when it was told to close.
#[derive(Clone, Copy)]
pub(crate) struct Closed {
    pub(crate) at: Instant,
    /// It had no leader, or one that was closing too: what had not been accepted then had nowhere to go.
    pub(crate) without_leader: bool,
}

impl Past {
    pub(crate) fn new(conditions: &Conditions) -> Self {
        Self {
            began: Instant::now(),
            gone: BTreeMap::new(),
            closed: BTreeMap::new(),
            disturbed: BTreeSet::new(),
            slowed: BTreeSet::new(),
            is_calm: conditions.is_calm(),
            stand_alone: conditions.stand_alone(),
            is_cramped: conditions.cramped.is_some(),
        }
    }

    /// Whether the member of this process was to close by then.
    fn has_closed(&self, process: u32, by: Instant) -> bool {
        self.closed.get(&process).is_some_and(|closed| closed.at <= by)
    }

    /// Whether the closing of its member excuses that a call which began then did not run. What was accepted by a leader comes
    /// to its end.
    fn is_refused_by_closing(&self, process: u32, begun: Instant) -> bool {
        self.closed.get(&process).is_some_and(|closed| closed.at <= begun || closed.without_leader)
    }
}

/// When the history is over, and all is quiet.
pub(crate) fn history(
    server: &Server,
    log: &Log,
    past: &Past,
    alive: &[u32],
    summary: &mut Summary,
) -> Result<(), String> {
    nothing_is_complained_of(server)?;
    let (book, seen) = (server.book(), log.lock().unwrap());
    summary.takeovers = book.leaders() as u64 - 1;
    summary.alone = (book.connections.len() - book.leaders()) as u64;
    let connected = book.connected();
    if connected.len() != 1 {
        return Err(format!("the processes {connected:?} are connected, and one leads"));
    }
    calls::check(&book, &seen, past, summary)?;
    oneways::check(&book, &seen, past)?;
    reads::check(&book, &seen, past, alive, summary)?;
    publications::check(&book, &seen, past, alive, summary)
}

/// No client has done what no server should see.
pub(crate) fn nothing_is_complained_of(server: &Server) -> Result<(), String> {
    server.book().complaints.first().map_or(Ok(()), |complaint| Err(complaint.clone()))
}

/// The whole machine has slept, and goes on since `woken`.
pub(crate) fn nobody_is_blamed(log: &Log, woken: Instant) -> Result<(), String> {
    let seen = log.lock().unwrap();
    let alarm = seen.alarms.iter().find(|(at, ..)| *at >= woken);
    alarm.map_or(Ok(()), |(_, process, alarm)| {
        Err(format!("process {process} blames others for a sleep of the machine: {alarm:?}"))
    })
}

/// Now that all is quiet, whatever a member calls or publishes is done.
pub(crate) async fn is_served(
    server: &Server,
    process: &Process,
    proxy: &CounterProxy,
) -> Result<(), String> {
    let id = process.id();
    let published = proxy.announce(u64::from(id), u64::from(id) << 32).await;
    published
        .map_err(|error| format!("process {id} cannot publish although all is quiet: {error}"))?;
    // The one-way call last: there may be room for one call only.
    for (kind, n) in [Kind::Plain, Kind::Idempotent, Kind::Event, Kind::Oneway].into_iter().zip(0..)
    {
        // Numbers that no other operation has.
        let operation = u64::MAX - u64::from(id) * 4 - n;
        let told = worker::make(proxy, kind, operation, Vec::new()).await;
        if let Err(error) = told {
            return Err(format!("process {id} is not served although all is quiet: {error}"));
        }
        if kind == Kind::Oneway {
            // It may take its time.
            sleep(Duration::from_secs(1)).await;
        }
        let runs = server.book().runs.get(&operation).map_or(0, Vec::len);
        if runs != 1 {
            return Err(format!(
                "a {kind:?} call of process {id} ran {runs} times although all is quiet"
            ));
        }
    }
    Ok(())
}

/// Who comes last is told the newest values at once.
pub(crate) async fn newcomer(
    server: &Server,
    process: &Process,
    proxy: &CounterProxy,
) -> Result<(), String> {
    let newest = server.book().values;
    let id = process.id();
    for (key, newest) in (0..).zip(newest) {
        let first = reader::first(proxy, key).await;
        if first != Ok(newest) {
            return Err(format!("process {id} is first told {first:?} of key {key}, not {newest}"));
        }
    }
    let first = reader::first_of_all(proxy).await;
    if first != Ok(newest) {
        return Err(format!("process {id} is first told {first:?}, not {newest:?}"));
    }
    Ok(())
}
