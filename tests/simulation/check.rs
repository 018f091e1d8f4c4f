//! What must hold, whatever has happened.

use cluster_client::Outcome;

use crate::history::Summary;
use crate::server::Server;
use crate::worker::{Log, Read, Reads};

pub(crate) fn all(
    server: &Server,
    log: &Log,
    alive: &[u32],
    summary: &mut Summary,
) -> Result<(), String> {
    calls(server, log, summary)?;
    let book = server.book();
    summary.takeovers = book.connections.saturating_sub(1);
    if let Some(pair) = book.epochs.windows(2).find(|pair| pair[1] < pair[0]) {
        return Err(format!("epoch {} after {}", pair[1], pair[0]));
    }
    let seen = log.lock().unwrap();
    for reads in &seen.reads {
        let newest = book.values[reads.key as usize];
        if reads.every {
            every(reads)?;
        } else {
            latest(reads)?;
        }
        if alive.contains(&reads.process) && last(reads) != Some(newest) {
            let Reads { process, key, events, .. } = reads;
            return Err(format!(
                "process {process} has not read {newest} of key {key}: {:?}",
                &events[events.len().saturating_sub(5)..]
            ));
        }
        summary.reads += reads.events.len() as u64;
        summary.missed += reads
            .events
            .iter()
            .map(|read| match read {
                Read::Missed(count) => *count,
                _ => 0,
            })
            .sum::<u64>();
    }
    for (key, published) in &seen.published {
        let found = book.published.get(key).copied().unwrap_or_default();
        let holds = found == published.acknowledged || published.unknown.contains(&found);
        if alive.contains(&(*key as u32)) && !holds {
            return Err(format!("process {key} has {published:?}, and there is {found}"));
        }
    }
    Ok(())
}

/// What callers were told is what has happened.
fn calls(server: &Server, log: &Log, summary: &mut Summary) -> Result<(), String> {
    let (book, seen) = (server.book(), log.lock().unwrap());
    for (id, operation) in &seen.operations {
        let runs = book.runs.get(id).copied().unwrap_or(0);
        let once = operation.idempotent || runs <= 1;
        let holds = match &operation.told {
            Some(Ok(())) => runs >= 1 && once,
            Some(Err(Outcome::NotExecuted)) => runs == 0,
            Some(Err(Outcome::Unknown)) | None => once,
            // Nothing here fails by itself.
            Some(Err(_)) => false,
        };
        if !holds {
            let (told, idempotent) = (&operation.told, operation.idempotent);
            return Err(format!(
                "call {id} (idempotent: {idempotent}) ran {runs} times, its caller was told {told:?}"
            ));
        }
        summary.calls += 1;
        match operation.told {
            Some(Ok(())) => summary.acknowledged += 1,
            Some(Err(Outcome::NotExecuted)) => summary.not_executed += 1,
            _ => summary.unknown += 1,
        }
    }
    Ok(())
}

/// The newest value, never an older one after it, nor the same again.
fn latest(reads: &Reads) -> Result<(), String> {
    let mut before = None;
    for read in &reads.events {
        if let Read::Value(value) = *read {
            if before.is_some_and(|before| value <= before) {
                return Err(broken(reads, &format!("{value} after {before:?}")));
            }
            before = Some(value);
        }
    }
    Ok(())
}

/// All values in order, and what is missing is said.
fn every(reads: &Reads) -> Result<(), String> {
    let mut before: Option<u64> = None;
    let (mut missed, mut resynced) = (0, false);
    for read in &reads.events {
        match *read {
            Read::Missed(count) => missed += count,
            Read::Resynced => resynced = true,
            Read::Value(value) => {
                if let Some(before) = before {
                    let next = before + 1 + missed;
                    let holds = if resynced { value > before } else { value == next };
                    if !holds {
                        return Err(broken(
                            reads,
                            &format!("{value} after {before}, {missed} missed"),
                        ));
                    }
                }
                (before, missed, resynced) = (Some(value), 0, false);
            }
        }
    }
    Ok(())
}

fn last(reads: &Reads) -> Option<u64> {
    reads.events.iter().rev().find_map(|read| match read {
        Read::Value(value) => Some(*value),
        Read::Missed(_) | Read::Resynced => None,
    })
}

fn broken(reads: &Reads, what: &str) -> String {
    let Reads { process, key, every, .. } = reads;
    let kind = if *every { "every" } else { "newest" };
    format!("process {process}, {kind} value of key {key}: {what}")
}
