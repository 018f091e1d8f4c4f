//! What is published in the end: by whoever did so last, if that one lives.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::{Past, calls};
use crate::book::Book;
use crate::log::{self, Kind, Operation, Publication, Seen, Told};
use crate::publisher::SHARED;
use crate::summary::Summary;

pub(super) fn check(
    book: &Book,
    seen: &Seen,
    past: &Past,
    alive: &[u32],
    summary: &mut Summary,
) -> Result<(), String> {
    for (value, publication) in &seen.publications {
        if let Some(broken) = told(*value, publication, book, past) {
            return Err(format!("{value:x} {broken}: {publication:?}"));
        }
    }
    let found = book.published();
    for (key, value) in &found {
        let process = log::publisher(*value);
        if !alive.contains(&process) {
            return Err(format!(
                "process {process} is gone, and {value:x} that it has published under {key:x} is not"
            ));
        }
    }
    for process in alive {
        own(*process, found.get(&u64::from(*process)).copied(), seen)?;
    }
    for key in SHARED {
        let Some(last) = last(key, book, seen, past, alive) else { continue };
        summary.settled += 1;
        let wanted = Some(last).filter(|last| !log::retracts(*last));
        let found = found.get(&key).copied();
        if found != wanted {
            return Err(format!(
                "under {key:x} is {found:x?}, and {last:x} came after all others at {:?}",
                seen.publications[&last].begun - past.began
            ));
        }
    }
    Ok(())
}

/// A publication may be made again, to each leader. To take it back is a call like others.
fn told(value: u64, publication: &Publication, book: &Book, past: &Past) -> Option<&'static str> {
    // An `undo` has the value of what it takes back. To publish again is not to run again.
    let runs = if log::retracts(value) {
        book.runs.get(&value).map_or(0, Vec::len)
    } else {
        book.announced.iter().any(|(_, announced)| *announced == value).into()
    };
    let operation = Operation {
        kind: Kind::Plain,
        caller: log::publisher(value),
        begun: publication.begun,
        told: publication.told,
        dropped: None,
    };
    calls::told_rightly(&operation, &vec![(); runs], past).or_else(|| calls::calm(&operation, past))
}

/// Under its own key each process has what was acknowledged last, or what it has tried since with an unknown outcome.
fn own(process: u32, found: Option<u64>, seen: &Seen) -> Result<(), String> {
    let (mut acknowledged, mut unknown) = (None, Vec::new());
    for (value, publication) in of_key(seen, u64::from(process)) {
        let published = Some(value).filter(|value| !log::retracts(*value));
        match publication.told {
            Some((_, Told::Done)) => (acknowledged, unknown) = (published, Vec::new()),
            Some((_, told)) if told.is_not_executed() => {}
            _ => unknown.push(published),
        }
    }
    if found == acknowledged || unknown.contains(&found) {
        return Ok(());
    }
    Err(format!(
        "process {process} has published {acknowledged:x?}, perhaps {unknown:x?}, and there is {found:x?}"
    ))
}

/// The last that was acknowledged, by a process that lives, if it began after all others had ended, and nothing of those came
/// later. `None`: nobody can say what there should be.
fn last(key: u64, book: &Book, seen: &Seen, past: &Past, alive: &[u32]) -> Option<u64> {
    let all: BTreeMap<u64, &Publication> = of_key(seen, key).collect();
    let acknowledged = all.iter().filter(|(_, one)| matches!(one.told, Some((_, Told::Done))));
    let (last, publication) = acknowledged.max_by_key(|(_, one)| one.begun)?;
    // Whoever stands alone takes back only what it has published itself; and what it publishes yields, when it returns, to what a
    // leader has been given meanwhile, be that older.
    if past.stand_alone && log::retracts(*last) || book.announced_alone.contains(last) {
        return None;
    }
    let ended = |value: &u64, one: &Publication| {
        let told = one.told.map(|(at, _)| at);
        told.or(past.gone.get(&log::publisher(*value)).copied())
    };
    let before = |value: &u64, one: &Publication| {
        value == last
            || ended(value, one).is_some_and(|at| at < publication.begun)
                && !came_late(*value, one, publication.begun, book, alive)
    };
    // Who comes to a leader brings along what it had published last, as it knows: while it had none, nobody could tell it. A leader
    // that has seen a later publication knows better, as long as its publisher stays; but it remembers none that was taken back,
    // nor does its successor know which one was the last, nor anybody what came before what where somebody stood alone.
    let leads = book.led_since().is_some_and(|since| publication.begun >= since);
    let joined = seen.joined.get(&log::publisher(*last));
    let stays = joined.is_some_and(|joined| *joined <= publication.begun);
    let knows = leads && stays && !past.stand_alone;
    let brings_back = |value: &u64, one: &Publication| {
        let process = log::publisher(*value);
        let joined = seen.joined.get(&process).is_some_and(|at| *at >= publication.begun);
        joined && process != log::publisher(*last) && matches!(one.told, Some((_, Told::Done)))
    };
    let is_certain = knows && !log::retracts(*last);
    if !is_certain && all.iter().any(|(value, one)| brings_back(value, one)) {
        return None;
    }
    let settled =
        alive.contains(&log::publisher(*last)) && all.iter().all(|(v, one)| before(v, one));
    settled.then_some(*last)
}

/// What nobody has been told to be done may be done later, by a leader that was stopped.
fn came_late(value: u64, one: &Publication, than: Instant, book: &Book, alive: &[u32]) -> bool {
    let certain = matches!(one.told, Some((_, Told::Done)));
    let remembered = certain && alive.contains(&log::publisher(value));
    !remembered && book.announced.iter().any(|(at, announced)| *announced == value && *at >= than)
}

fn of_key(seen: &Seen, key: u64) -> impl Iterator<Item = (u64, &Publication)> {
    seen.publications
        .iter()
        .filter(move |(_, one)| one.key == key)
        .map(|(value, one)| (*value, one))
}
