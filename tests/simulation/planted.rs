//! Each planted bug is found, and by the check that is meant for it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cluster_client::testing::{Bug, plant};

use crate::history::{self, Broken};

/// So many seeds a bug may survive.
const SEEDS: u64 = 800;

/// What is complained of, one of these, where the library has the bug.
fn symptoms(bug: Bug) -> &'static [&'static str] {
    match bug {
        Bug::ResendsUnknownCalls => &["ran more than once", "had more than one number"],
        Bug::SaysNotExecutedOfUnknownCalls => &["ran although it was said not to"],
        Bug::AcknowledgesUnknownCalls => &["was acknowledged and did not run"],
        Bug::GivesUpUnsentCalls => &["was given up before its time"],
        Bug::RefusesToWait => &["was refused as busy although there is room"],
        Bug::TellsAnOlderEpoch => &["a call of epoch"],
        Bug::ResyncsWithoutNeed => &["was resynced"],
        Bug::JoinsLate => &["joined at"],
        Bug::GivesUpIdempotentCalls => &["and may be repeated"],
        Bug::RenumbersRetriedCalls => &["had more than one number"],
        Bug::TakesBackAcceptedCalls => &["ran although", "ran more than once", "had more than one"],
        Bug::CutsOffAcceptedCalls => &["although members have only closed", "by a client that"],
        Bug::RunsCancelledCalls | Bug::RunsCallsOfTheDead => &["long after its caller"],
        Bug::RunsCallsGivenUpMeanwhile => &["came to a leader after its caller"],
        Bug::ForgetsDeadlines => &["told after its deadline"],
        Bug::HidesLostOneways | Bug::HidesExpiredOneways => {
            &["their callers have not told of them"]
        }
        Bug::KeepsPlacesOfWaitingCalls | Bug::KeepsBytesOfEndedCalls => {
            &[" keeps ", "although all is quiet", "is first told"]
        }
        Bug::LeavesClientOpen => &[" connects while process ", "are connected"],
        // A leader whose epoch is too low is followed by nobody who knows a higher one.
        Bug::IgnoresKnownEpochs => &[" has epoch ", "follow one leader"],
        Bug::BlamesOthersWhenLate => &["blames others"],
        Bug::HidesMissed => &[" missed"],
        Bug::HidesResynced => &[" missed", " after Some("],
        Bug::RepeatsAfterTakeover | Bug::PushesTwice => &[" after Some(", " missed"],
        Bug::KeepsOlderPush => &["was never read", " missed"],
        Bug::RetainsFirstValue => &["is first told", " after Some(", "was never read"],
        Bug::ForgetsSubscriptions => &["was never read"],
        Bug::SubscribesUpstreamTwice => &["subscribes twice"],
        Bug::KeepsUpstream => &["subscriptions that nobody reads", " keeps "],
        Bug::ForgetsPublications => &["and there is "],
        Bug::KeepsPublicationsOfTheDead | Bug::SkipsUndo => &["that it has published under"],
        Bug::RestoresOverNewer => &["came after all others"],
        Bug::UndoesOutOfTurn => &["came after all others", "and there is "],
        Bug::LeavesGivenUpCallsInTheQueue => {
            &["ran although", "ran more than once", "not to have run"]
        }
        Bug::KeepsStandInOpen => &[" connects while process ", "are connected"],
        Bug::IgnoresPushesAfterStandingAlone => &["was never read"],
        Bug::ForgetsPublicationsOnReturn => &["and there is ", "came after all others"],
        Bug::CountsPublicationsTwice => &["limits.publications_per_follower", "and there is "],
        Bug::KeepsBytesOfFollowersCalls => &[" keeps ", "limits.in_flight_bytes_per_follower"],
    }
}

#[test]
fn without_a_planted_bug_nothing_is_found() {
    plant(None);
    for seed in 0..50 {
        let broken = history::run(seed).err().map(|broken| broken.what);
        assert_eq!(broken, None, "seed {seed}");
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
                    if !is_found(*bug) {
                        survivors.lock().unwrap().push(*bug);
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().unwrap();
    assert!(survivors.is_empty(), "not found within {SEEDS} seeds: {survivors:?}");
}

/// Whether there is a seed whose history shows the bug. What else is complained of is printed.
fn is_found(bug: Bug) -> bool {
    for seed in 0..SEEDS {
        let Err(Broken { what: broken, .. }) = history::run(seed) else { continue };
        let as_meant = symptoms(bug).iter().any(|symptom| broken.contains(symptom));
        let broken: String = broken.chars().take(100).collect();
        let otherwise = if as_meant { "" } else { "OTHERWISE: " };
        println!("{:<32} {seed:>5}  {otherwise}{broken}", format!("{bug:?}"));
        return as_meant;
    }
    false
}
