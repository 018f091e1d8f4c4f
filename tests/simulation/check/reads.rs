//! What readers are given: in order, nothing twice, and nothing missing that is not said.

use cluster_client::CloseReason;

use super::Past;
use crate::book::Book;
use crate::log::{Seen, Told};
use crate::reader::{Read, Reads, What};
use crate::server::KEYS;
use crate::summary::Summary;

pub(super) fn check(
    book: &Book,
    seen: &Seen,
    past: &Past,
    alive: &[u32],
    summary: &mut Summary,
) -> Result<(), String> {
    for reads in &seen.reads {
        match reads.what {
            What::Ticks(key) => every(reads, key, past.stand_alone)?,
            What::Newest(_) | What::Board => latest(reads, past.stand_alone)?,
        }
        subscribed(reads, past)?;
        resynced(reads, book, summary)?;
        if alive.contains(&reads.process) {
            converged(reads, book)?;
        }
        summary.reads += reads.events.len() as u64;
        summary.missed += reads.events.iter().map(missed).sum::<u64>();
    }
    Ok(())
}

/// All that go on reading have read the last value.
fn converged(reads: &Reads, book: &Book) -> Result<(), String> {
    let keys = match reads.what {
        What::Newest(key) | What::Ticks(key) => key..key + 1,
        What::Board => 0..KEYS,
    };
    for key in keys {
        let newest = book.values[key as usize];
        let last = reads.events.iter().rev().find_map(|read| match *read {
            Read::Value { key: of, value } if of == key => Some(value),
            _ => None,
        });
        if last != Some(newest) {
            let from = reads.events.len().saturating_sub(5);
            let last = &reads.events[from..];
            return Err(broken(reads, &format!("{newest} of key {key} was never read: {last:?}")));
        }
    }
    Ok(())
}

/// The newest value of each key, never an older one after it, nor the same again. But who has stood alone returns to a leader
/// that may be behind, and begins with what that retains.
fn latest(reads: &Reads, stand_alone: bool) -> Result<(), String> {
    let mut before = [None; KEYS as usize];
    for read in &reads.events {
        if *read == Read::Resynced && stand_alone {
            before = [None; KEYS as usize];
        }
        if let Read::Value { key, value } = *read {
            let before = before[key as usize].replace(value);
            if before.is_some_and(|before| value <= before) {
                return Err(broken(reads, &format!("{value} of key {key} after {before:?}")));
            }
        }
    }
    Ok(())
}

/// Who is subscribed remains so until its own member closes. It may be refused for want of room, or while leaders are lost.
fn subscribed(reads: &Reads, past: &Past) -> Result<(), String> {
    let refused = reads.refused.iter().find(|(at, told)| match told {
        Told::Busy => !past.is_cramped,
        _ => past.is_calm && !past.has_closed(reads.process, *at),
    });
    if let Some((_, told)) = refused {
        return Err(broken(reads, &format!("could not subscribe: {told:?}")));
    }
    match &reads.ended {
        None | Some(CloseReason::Closed) => Ok(()),
        Some(reason) => Err(broken(reads, &format!("has ended: {reason}"))),
    }
}

/// Nobody is told of a new leader more often than there may have been one, or a new connection to the same.
fn resynced(reads: &Reads, book: &Book, summary: &Summary) -> Result<(), String> {
    let told = reads.events.iter().filter(|read| **read == Read::Resynced).count() as u64;
    let losses = summary.stops + summary.cuts + summary.sleeps;
    let at_most = book.connections.len() as u64 + losses;
    if told <= at_most {
        return Ok(());
    }
    Err(broken(reads, &format!("was resynced {told} times, with {at_most} leaders or losses")))
}

/// All values in order, from those that came when it had subscribed on, and what is missing is said. As to those that return
/// from standing alone, see above.
fn every(reads: &Reads, key: u64, stand_alone: bool) -> Result<(), String> {
    let mut before: Option<u64> = None;
    let (mut missed, mut resynced) = (0, false);
    for read in &reads.events {
        match *read {
            Read::Missed(count) => missed += count,
            Read::Resynced => resynced = true,
            Read::Value { value, .. } => {
                let joined_at = reads.joined_at[key as usize];
                let holds = match before {
                    None => resynced || value <= joined_at + 1 + missed,
                    Some(before) if resynced => value > before || stand_alone,
                    Some(before) => value == before + 1 + missed,
                };
                if !holds {
                    let what =
                        format!("{value} after {before:?}, {missed} missed, joined at {joined_at}");
                    return Err(broken(reads, &what));
                }
                (before, missed, resynced) = (Some(value), 0, false);
            }
        }
    }
    Ok(())
}

fn missed(read: &Read) -> u64 {
    match read {
        Read::Missed(count) => *count,
        Read::Value { .. } | Read::Resynced => 0,
    }
}

fn broken(reads: &Reads, broken: &str) -> String {
    let Reads { process, what, .. } = reads;
    format!("process {process}, {what:?}: {broken}")
}
