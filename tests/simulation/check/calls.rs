//! What callers were told is what has happened.

use std::time::Duration;

use cluster_client::Outcome;
use support::verdict::{self, Promise};
use tokio::time::Instant;

use super::Past;
use crate::book::{Book, Run};
use crate::counter::TIMEOUT;
use crate::log::{Kind, Operation, Seen, Told};
use crate::summary::Summary;

/// What a deadline, or word of an end, may be late.
const GRACE: Duration = Duration::from_millis(200);

pub(super) fn check(
    book: &Book,
    seen: &Seen,
    past: &Past,
    summary: &mut Summary,
) -> Result<(), String> {
    for (id, operation) in &seen.operations {
        let runs = book.runs.get(id).map_or(&[][..], Vec::as_slice);
        let broken = ran(operation, runs, past)
            .or_else(|| told_in_time(operation, past))
            .or_else(|| calm(operation, past))
            .or_else(|| given_up(operation, runs, past))
            .or_else(|| given_up_meanwhile(*id, operation, book, past));
        if let Some(broken) = broken {
            let times: Vec<_> = runs.iter().map(|run| run.at - past.began).collect();
            return Err(format!("call {id} {broken}: ran at {times:?}, {operation:?}"));
        }
        summary.calls += 1;
        match operation.told.map(|(_, told)| told) {
            Some(Told::Done) => summary.acknowledged += 1,
            Some(Told::Busy) => summary.busy += 1,
            Some(Told::Failed(Outcome::NotExecuted)) => summary.not_executed += 1,
            Some(Told::Failed(_)) => summary.unknown += 1,
            None => summary.dropped += 1,
        }
    }
    Ok(())
}

/// Acknowledged: it ran. Not executed: it did not. More than once: only if it may.
fn ran(operation: &Operation, runs: &[Run], past: &Past) -> Option<&'static str> {
    let ids: Vec<_> = runs.iter().map(|run| run.call).collect();
    told_rightly(operation, &ids, past)
}

/// What its caller was told is what has become of it, and not sooner than it had to be.
pub(super) fn told_rightly<Id: PartialEq>(
    operation: &Operation,
    runs: &[Id],
    past: &Past,
) -> Option<&'static str> {
    let promise = match operation.kind {
        Kind::Plain | Kind::Event => Promise::Once,
        Kind::Idempotent => Promise::AtLeastOnce,
        Kind::Oneway => Promise::Queued,
    };
    let told = operation.told.map(|(_, told)| told.result());
    let broken = verdict::broken(promise, told, runs);
    if broken.is_some() {
        return broken;
    }
    let (at, told) = operation.told?;
    let waited = at - operation.begun >= TIMEOUT || past.has_closed(operation.caller, at);
    match told {
        Told::Busy if !past.is_cramped => Some("was refused as busy although there is room"),
        Told::Failed(Outcome::NotExecuted) if !waited => Some("was given up before its time"),
        // Where there is little room, the second attempt may have been refused as busy: the first may have run.
        Told::Failed(Outcome::Unknown)
            if operation.kind == Kind::Idempotent && !waited && !past.is_cramped =>
        {
            Some("was given up before its time, and may be repeated")
        }
        _ => None,
    }
}

/// No caller waits beyond its deadline.
fn told_in_time(operation: &Operation, past: &Past) -> Option<&'static str> {
    let (at, _) = operation.told?;
    let late = at - operation.begun > TIMEOUT + GRACE;
    (late && !past.disturbed.contains(&operation.caller)).then_some("was told after its deadline")
}

/// Where members only close and start, nothing fails but what those that are closed have begun too late, or could give to
/// nobody.
pub(super) fn calm(operation: &Operation, past: &Past) -> Option<&'static str> {
    let (at, told) = operation.told?;
    let (caller, begun) = (operation.caller, operation.begun);
    let excused = told == Told::Failed(Outcome::NotExecuted)
        && past.has_closed(caller, at)
        && past.is_refused_by_closing(caller, begun);
    (past.is_calm && told != Told::Done && !excused)
        .then_some("failed although members have only closed")
}

/// What nobody waits for any more is cut off, as soon as its leader can know.
fn given_up(operation: &Operation, runs: &[Run], past: &Past) -> Option<&'static str> {
    if operation.kind == Kind::Oneway {
        return None;
    }
    let gone = past.gone.get(&operation.caller).copied();
    // Who was told has not waited any more.
    let gone = gone.filter(|_| operation.told.is_none());
    let since = gone.into_iter().chain(operation.dropped).min()?;
    let undisturbed = |process| !past.disturbed.contains(&process);
    let late = |run: &Run| run.at > since + GRACE && undisturbed(run.leader);
    (undisturbed(operation.caller) && runs.iter().any(late))
        .then_some("ran long after its caller had given up")
}

/// A leader that was stopped starts nothing of which it finds, when it goes on, that nobody waits for it any more.
fn given_up_meanwhile(
    id: u64,
    operation: &Operation,
    book: &Book,
    past: &Past,
) -> Option<&'static str> {
    // Behind ballast the word of it may still be on its way.
    if operation.kind == Kind::Oneway || past.stand_alone {
        return None;
    }
    let failed = operation.told.filter(|(_, told)| *told != Told::Done).map(|(at, _)| at);
    let since = failed.into_iter().chain(operation.dropped).min()?;
    let begun = book.begun.get(&id).map_or(&[][..], Vec::as_slice);
    let late = |(at, leader): &(Instant, u32)| *at > since + GRACE && !past.slowed.contains(leader);
    (!past.disturbed.contains(&operation.caller) && begun.iter().any(late))
        .then_some("came to a leader after its caller had given up")
}
