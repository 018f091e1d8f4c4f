//! What callers were told is what has happened.

use std::time::Duration;

use cluster_client::Outcome;

use super::Past;
use crate::counter::TIMEOUT;
use crate::server::{Book, Run};
use crate::summary::Summary;
use crate::worker::{Kind, Operation, Seen};

/// What a deadline, or word of an end, may be late.
const GRACE: Duration = Duration::from_millis(200);

pub(super) fn check(
    book: &Book,
    seen: &Seen,
    past: &Past,
    summary: &mut Summary,
) -> Result<(), String> {
    // One-way calls, and those among them of members that have closed.
    let (mut lost, mut closing) = (0, 0);
    for (id, operation) in &seen.operations {
        let runs = book.runs.get(id).map_or(&[][..], Vec::as_slice);
        let broken = ran(operation, runs, past)
            .or_else(|| told_in_time(operation, past))
            .or_else(|| calm(operation, past))
            .or_else(|| given_up(operation, runs, past));
        if let Some(broken) = broken {
            let times: Vec<_> = runs.iter().map(|run| run.at - past.began).collect();
            return Err(format!("call {id} {broken}: ran at {times:?}, {operation:?}"));
        }
        summary.calls += 1;
        let waits = !past.gone.contains_key(&operation.caller);
        if operation.kind == Kind::Oneway
            && runs.is_empty()
            && matches!(operation.told, Some((_, Ok(()))))
            && waits
        {
            lost += 1;
            closing += u64::from(past.closed.contains_key(&operation.caller));
        }
        match operation.told.map(|(_, outcome)| outcome) {
            Some(Ok(())) => summary.acknowledged += 1,
            Some(Err(Outcome::NotExecuted)) => summary.not_executed += 1,
            Some(Err(_)) => summary.unknown += 1,
            None => summary.dropped += 1,
        }
    }
    if past.calm && lost > closing {
        return Err(format!("{lost} one-way calls did not run although members have only closed"));
    }
    if lost > seen.oneways_failed {
        let told = seen.oneways_failed;
        return Err(format!("{lost} one-way calls did not run, and only {told} are told"));
    }
    Ok(())
}

/// Acknowledged: it ran. Not executed: it did not. More than once: only if it may.
fn ran(operation: &Operation, runs: &[Run], past: &Past) -> Option<&'static str> {
    if operation.kind != Kind::Idempotent && runs.len() > 1 {
        return Some("ran more than once");
    }
    if runs.iter().any(|run| run.call != runs[0].call) {
        return Some("had more than one number");
    }
    let (at, outcome) = operation.told?;
    let in_time = at - operation.begun < TIMEOUT;
    let closed = past.has_closed(operation.caller, at);
    match outcome {
        // Of a one-way call it means that it was queued.
        Ok(()) if runs.is_empty() && operation.kind != Kind::Oneway => {
            Some("was acknowledged and did not run")
        }
        Err(Outcome::NotExecuted) if !runs.is_empty() => Some("ran although it was said not to"),
        // Nothing here fails by itself.
        Err(Outcome::Executed) => Some("failed"),
        Err(Outcome::Unknown) if operation.kind == Kind::Idempotent && in_time && !closed => {
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

/// Where members only close and start, nothing fails but the calls of those that are closed.
fn calm(operation: &Operation, past: &Past) -> Option<&'static str> {
    let (at, outcome) = operation.told?;
    match outcome {
        Err(Outcome::NotExecuted) if past.has_closed(operation.caller, at) => None,
        Err(_) if past.calm => Some("failed although members have only closed"),
        _ => None,
    }
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
