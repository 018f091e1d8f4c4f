//! One-way calls: nobody waits for them, and still each that did not run is told of.

use std::collections::{BTreeMap, BTreeSet};

use super::Past;
use crate::book::Book;
use crate::log::{Kind, Operation, Seen, Told};

/// The one-way calls of one process.
#[derive(Default)]
struct Calls {
    all: u64,
    /// Did not run, whether anybody was told or not.
    not_run: u64,
    /// Were accepted, did not run, and somebody lives who has to tell of it.
    lost: u64,
}

pub(super) fn check(book: &Book, seen: &Seen, past: &Past) -> Result<(), String> {
    let mut calls: BTreeMap<u32, Calls> = BTreeMap::new();
    for (id, operation) in &seen.operations {
        if operation.kind != Kind::Oneway {
            continue;
        }
        let of = calls.entry(operation.caller).or_default();
        of.all += 1;
        if book.runs.contains_key(id) {
            continue;
        }
        of.not_run += 1;
        if is_to_be_told(*id, operation, book, past) {
            of.lost += 1;
            if past.is_calm && !past.is_refused_by_closing(operation.caller, operation.begun) {
                return Err(format!(
                    "one-way call {id} did not run although members have only closed"
                ));
            }
        }
    }
    all_are_told(&calls, book, seen)?;
    none_is_told_wrongly(&calls, book, seen)
}

/// A caller that was killed hears nothing, and a leader that was killed tells nothing of what it had begun.
fn is_to_be_told(id: u64, operation: &Operation, book: &Book, past: &Past) -> bool {
    let accepted = matches!(operation.told, Some((_, Told::Done)));
    let begun = book.begun.get(&id).map_or(&[][..], Vec::as_slice);
    let died = begun.iter().any(|(_, leader)| past.gone.contains_key(leader));
    accepted && !died && !past.gone.contains_key(&operation.caller)
}

/// By its caller, or by a leader that had it.
fn all_are_told(calls: &BTreeMap<u32, Calls>, book: &Book, seen: &Seen) -> Result<(), String> {
    let led = leaders(book);
    let told = |process| seen.oneways_failed.get(process).copied().unwrap_or_default().all();
    let untold = |process, calls: &Calls| calls.lost.saturating_sub(told(process));
    let by_leaders: u64 = led
        .iter()
        .map(|process| told(process).saturating_sub(calls.get(process).map_or(0, |of| of.lost)))
        .sum();
    let missing: u64 = calls.iter().map(|(process, of)| untold(process, of)).sum();
    if missing > by_leaders {
        let whose: Vec<_> =
            calls.iter().filter(|(process, of)| untold(process, of) > 0).map(|(p, _)| p).collect();
        return Err(format!(
            "{missing} one-way calls of {whose:?} did not run, their callers have not told of them, and leaders of {by_leaders}"
        ));
    }
    Ok(())
}

/// What is said not to have run has not, and nothing is told twice.
fn none_is_told_wrongly(
    calls: &BTreeMap<u32, Calls>,
    book: &Book,
    seen: &Seen,
) -> Result<(), String> {
    let led = leaders(book);
    for (process, told) in &seen.oneways_failed {
        let Some(of) = calls.get(process).filter(|_| !led.contains(process)) else { continue };
        if told.not_executed > of.not_run || told.all() > of.all {
            return Err(format!(
                "process {process} tells {told:?} of {} one-way calls, {} of which did not run",
                of.all, of.not_run
            ));
        }
    }
    let told: u64 = seen.oneways_failed.values().map(|told| told.not_executed).sum();
    let not_run: u64 = calls.values().map(|of| of.not_run).sum();
    if told > not_run {
        return Err(format!(
            "{told} one-way calls are said not to have run, and {not_run} did not"
        ));
    }
    Ok(())
}

/// A leader tells of calls that are not its own, too.
fn leaders(book: &Book) -> BTreeSet<u32> {
    book.connections.iter().filter(|by| !by.is_alone).map(|by| by.process).collect()
}
