//! Bugs that the audit of real processes must find: this program runs itself, and its members, with each of them.

use std::process::{Command, Output};

/// What runs: without a bug to its end, and with one until that is found, for which some take a lucky kill.
const KILLS: &str = "crash::leaders_are_killed_under_load";
const ROUNDS: &str = "40";
const ROUNDS_AT_MOST: &str = "1000";

/// The bugs, each with what gives it away.
const BUGS: [(&str, &str); 5] = [
    ("ResendsUnknownCalls", " ran ["),
    ("SaysNotExecutedOfUnknownCalls", "NotExecuted"),
    ("GivesUpIdempotentCalls", "outcome: Unknown"),
    ("HidesLostOneways", "nobody was told"),
    ("RepeatsAfterTakeover", " after Some("),
];

#[test]
fn planted_bugs_are_found_among_processes() {
    let control = run(None);
    assert!(control.status.success(), "{}", said(&control));
    for (bug, symptom) in BUGS {
        let output = run(Some(bug));
        let said = said(&output);
        assert!(!output.status.success(), "{bug} was not found: {said}");
        assert!(said.contains(symptom), "{bug} was found by something else: {said}");
        println!("{bug}: found");
    }
}

fn run(bug: Option<&str>) -> Output {
    let mut itself = Command::new(std::env::current_exe().unwrap());
    itself.args(["--exact", KILLS, "--nocapture"]);
    match bug {
        None => itself.env("ROUNDS", ROUNDS),
        Some(bug) => itself.env("ROUNDS", ROUNDS_AT_MOST).env("PLANTED_BUG", bug),
    };
    itself.output().unwrap()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    both.concat()
}
