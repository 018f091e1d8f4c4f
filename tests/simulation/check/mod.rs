//! What must hold, whatever has happened.

mod calls;
mod leftovers;
mod reads;

use std::collections::{BTreeMap, BTreeSet};

use cluster_client::testing::Process;
use tokio::time::Instant;

pub(crate) use self::leftovers::{
    nobody_is_connected, nobody_reads, nothing_is_in_flight, nothing_is_left, nothing_is_subscribed,
};
use crate::counter::CounterProxy;
use crate::reader;
use crate::server::Server;
use crate::summary::Summary;
use crate::worker::Log;

/// What was done to the processes.
pub(crate) struct Past {
    pub(crate) began: Instant,
    /// When they were killed.
    pub(crate) gone: BTreeMap<u32, Instant>,
    /// When their members were told to close.
    pub(crate) closed: BTreeMap<u32, Instant>,
    /// They were stopped or slow at some time.
    pub(crate) disturbed: BTreeSet<u32>,
    /// Members have only closed.
    pub(crate) calm: bool,
}

impl Past {
    /// Whether the member of this process was to close by then.
    fn has_closed(&self, process: u32, by: Instant) -> bool {
        self.closed.get(&process).is_some_and(|closed| *closed <= by)
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
    let (book, seen) = (server.book(), log.lock().unwrap());
    if let Some(complaint) = book.complaints.first() {
        return Err(complaint.clone());
    }
    summary.takeovers = book.connections.len() as u64 - 1;
    if let Some(pair) = book.epochs.windows(2).find(|pair| pair[1] < pair[0]) {
        return Err(format!("epoch {} after {}", pair[1], pair[0]));
    }
    calls::check(&book, &seen, past, summary)?;
    reads::check(&book, &seen, alive, summary)?;
    for (key, published) in &seen.published {
        let found = book.published.get(key).copied().unwrap_or_default();
        let holds = found == published.acknowledged || published.unknown.contains(&found);
        if alive.contains(&(*key as u32)) && !holds {
            return Err(format!("process {key} has {published:?}, and there is {found}"));
        }
    }
    let ownerless = book.published.keys().find(|key| !alive.contains(&(**key as u32)));
    ownerless.map_or(Ok(()), |key| {
        Err(format!("process {key} is gone, and what it has published is not"))
    })
}

/// The whole machine has slept, and goes on since `woken`.
pub(crate) fn nobody_is_blamed(log: &Log, woken: Instant) -> Result<(), String> {
    let seen = log.lock().unwrap();
    let alarm = seen.alarms.iter().find(|(at, ..)| *at >= woken);
    alarm.map_or(Ok(()), |(_, process, alarm)| {
        Err(format!("process {process} blames others for a sleep of the machine: {alarm:?}"))
    })
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
