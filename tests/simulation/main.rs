//! Members of a cluster in memory, under faults, judged by what a server behind them has seen.
//!
//! Each seed is one history: eight processes call, subscribe and publish while some of them are killed, stopped, cut off or
//! closed and others started. The same seed gives the same history. `SEEDS=1000` says how many are run, `SEED=7` runs one
//! and prints all that was told to anybody.
//!
//! - `server`, `book`: what the real clients talk to, and what it knows of them
//! - `counter`: the annotated client
//! - `worker`, `publisher`, `reader`: what one process does; `log`: what all of them have seen
//! - `conditions`: what a seed decides beforehand; `faults`: what happens to processes
//! - `history`: one seed, from the first process to the last check
//! - `check`: what must hold
//! - `room`: small bounds, one at a time
//! - `planted`: bugs that the checks must find

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod book;
mod check;
mod conditions;
mod counter;
mod faults;
mod history;
mod log;
#[cfg(planted)]
mod planted;
mod publisher;
mod reader;
mod room;
mod server;
mod summary;
mod worker;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use summary::Summary;

/// How many seeds a plain run takes.
const SEEDS: u64 = 50;

#[test]
fn histories_hold() {
    if let Some(seed) = number("SEED") {
        let (trace, end) = match history::run(seed) {
            Ok(history) => (history.trace(), Ok(history.summary)),
            Err(broken) => (broken.trace, Err(broken.what)),
        };
        trace.iter().for_each(|line| println!("{line}"));
        let summary = end.unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        return println!("seed {seed}: {summary}");
    }
    let seeds = number("SEEDS").unwrap_or(SEEDS);
    let (next, all) = (AtomicU64::new(0), Mutex::new(All::default()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| run(seeds, &next, &all));
        }
    });
    let All { total, broken, .. } = all.into_inner().unwrap();
    println!("{seeds} seeds, {} violations: {total}", broken.len());
    assert!(broken.is_empty(), "broken, each to be replayed by SEED=: {broken:?}");
    let tame = total.kills == 0 || total.unknown == 0 || total.takeovers < seeds;
    assert!(seeds < SEEDS || !tame, "too tame: {total}");
}

#[test]
fn a_seed_gives_the_same_history_again() {
    // Two of each kind.
    for seed in 0..16 {
        let [one, other] = [(); 2].map(|()| history::run(seed).unwrap());
        assert_eq!(one.summary, other.summary, "seed {seed}");
        let (one, other) = (one.trace(), other.trace());
        assert_eq!(one.len(), other.len(), "seed {seed}");
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(one, other, "seed {seed}");
        }
    }
}

/// What many seeds have shown.
#[derive(Default)]
struct All {
    run: u64,
    total: Summary,
    broken: Vec<u64>,
}

/// Runs seeds until there are no more.
fn run(seeds: u64, next: &AtomicU64, all: &Mutex<All>) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds {
            return;
        }
        let history = history::run(seed);
        let mut all = all.lock().unwrap();
        all.run += 1;
        match history {
            Ok(history) => all.total += history.summary,
            Err(broken) => {
                eprintln!("seed {seed}: {broken}");
                all.broken.push(seed);
            }
        }
        if all.run.is_multiple_of(250) {
            println!("{} of {seeds} seeds: {}", all.run, all.total);
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect(variable))
}
