//! Each planted bug is found.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cluster_client::testing::{Bug, plant};

use crate::history;

/// So many seeds a bug may survive.
const SEEDS: u64 = 400;

#[test]
fn without_a_planted_bug_nothing_is_found() {
    plant(None);
    for seed in 0..50 {
        assert_eq!(history::run(seed).err(), None, "seed {seed}");
    }
}

#[test]
fn each_planted_bug_is_found() {
    let (next, survivors) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    println!("{:<32} {:>5}  found by", "bug", "seed");
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    plant(Some(*bug));
                    let found = (0..SEEDS).find_map(|seed| Some((seed, history::run(seed).err()?)));
                    match found {
                        Some((seed, broken)) => {
                            let broken: String = broken.chars().take(100).collect();
                            println!("{:<32} {seed:>5}  {broken}", format!("{bug:?}"));
                        }
                        None => survivors.lock().unwrap().push(*bug),
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().unwrap();
    assert!(survivors.is_empty(), "not found within {SEEDS} seeds: {survivors:?}");
}
