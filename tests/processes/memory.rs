//! A follower that does not read while others do.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::flood::Tally;
use support::process::{Group, Member};
use support::report::{Command, LONG_LOOK, NOTE, Report, WORK};
use support::vitals::{Vitals, forget_peak};

use crate::audit::Audit;
use crate::duty::{enlist, finish};
use crate::times::{Times, table};
use crate::{MEMBER, alone, number};

const UPDATE: usize = 64 << 10;

/// What is sent is cut into so many windows. Each has its own 99th percentile, so that a moment in which the machine does
/// something else is one window of many.
const WINDOWS: u64 = 16;

/// Before they count, so that all is warm.
const WARM_UP: u64 = 4;

/// By how much the leader may grow, in KiB.
const GROWTH: usize = 16 << 10;

/// The others may take twice as long as with everybody reading, but what is shorter than this is nobody's fault.
const NOISE: Duration = Duration::from_millis(1);

/// From here on the delays are held against the promise.
const PROMISE_FROM: u64 = 1_024;

/// How long it takes to read what was sent, beyond the time of sending it.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(10);

/// How often the delays are measured before they count as too long. A machine that is busy with something else for as
/// long as one stop takes slows the others, too; a leader that is held up by the stopped one slows them each time.
const TRIES: usize = 3;

/// `MIB=1024` says how much is sent while one of the followers is stopped, all of it in one stop. As much is sent while
/// all read, half of it before and half after.
///
/// A gibibyte takes seventeen seconds, and who is silent for thirty is dropped. So the heartbeat interval is the default,
/// and a machine that takes twice as long fails here.
#[test]
fn a_follower_that_is_stopped_costs_the_leader_little_and_the_others_nothing() {
    let _alone = alone();
    let mib = number("MIB").unwrap_or(64);
    let group = Group::new(MEMBER);
    let members = group.start(4);
    for member in &members {
        enlist(member);
        let drinking = |report: &Report| matches!(report, Report::Drinking).then_some(());
        member.ask(&Command::Drink, drinking);
    }
    let leader = group.leader(&members);
    let stopped = &members[(leader + 1) % 4];
    let others = members.iter().filter(|member| member.pid() != stopped.pid()).collect();
    // Half of them of each kind.
    let updates = (mib << 20) / UPDATE as u64 / WINDOWS / 2;
    let pour = Pour { leader: &members[leader], stopped, others, updates };

    let [mut audit, mut own] = [(); 2].map(|()| Audit::new(&group.ledger));
    let mut warm_up = Phase::default();
    for _ in 0..WARM_UP {
        caught_up(stopped, pour.window(&mut warm_up, &mut audit));
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let slowed = one_stop(&pour, mib, &mut audit, &mut own).slowed();
        match slowed {
            Some(slowed) if mib >= PROMISE_FROM && tries == TRIES => panic!("each time: {slowed}"),
            Some(slowed) if mib >= PROMISE_FROM => println!("once more: {slowed}\n"),
            _ => break,
        }
    }
    finish(&members);
    pour.others.iter().for_each(|member| audit.hear(member));
    own.hear(stopped);
    let (totals, own) = (audit.end(), own.end());
    println!("the others: {totals}\nthe stopped one: {own}\n");

    assert_eq!(totals.failed(), 0, "{totals}");
    totals.assert_all_kinds();
    // Those that it had made when it was stopped.
    assert_eq!(own.errors.keys().find(|kind| !kind.starts_with("DeadlineExceeded")), None);
    for event in ["FollowerLeft", "LeaderLost", "LeaderUnresponsive"] {
        assert_eq!((totals.events.get(event), own.events.get(event)), (None, None), "{event}");
    }
}

/// Sends while all read, then as much while one is stopped; what the leader keeps for it is held against the promise.
fn one_stop<'m>(
    pour: &Pour<'m>,
    mib: u64,
    audit: &mut Audit<'m>,
    own: &mut Audit<'m>,
) -> Comparison {
    let stopped = pour.stopped;
    let [mut all_read, mut one_stopped] = [(); 2].map(|()| Phase::default());
    for _ in 0..WINDOWS / 2 {
        caught_up(stopped, pour.window(&mut all_read, audit));
    }
    let before = typical(&all_read.peaks);
    own.hear(stopped);
    let known = caught_up(stopped, 0);

    stopped.signal(Signal::STOP);
    let began = Instant::now();
    let last = (0..WINDOWS).map(|_| pour.window(&mut one_stopped, audit)).last().unwrap();
    own.was_stopped(stopped, began.elapsed());
    stopped.signal(Signal::CONT);
    let tally = caught_up(stopped, last);
    one_stopped.note_peak(pour.leader);
    own.hear(stopped);

    for _ in 0..WINDOWS / 2 {
        caught_up(stopped, pour.window(&mut all_read, audit));
    }
    let (sent, missed) = (last - known.each, tally.missed - known.missed);
    println!(
        "{mib} MiB while one was stopped; it has missed {missed} of {sent} updates that count"
    );
    let grown = one_stopped.peaks.iter().max().unwrap().saturating_sub(before);
    println!("the leader: {before} KiB with all reading, at the most {grown} KiB more then\n");
    all_read.print("all read");
    one_stopped.print("one stopped");

    assert_eq!(tally.received + tally.missed, last, "something is missing and was not announced");
    assert!(missed > 0, "it was sent all: too tame");
    assert!(grown <= GROWTH || !cfg!(target_os = "linux"), "{grown} KiB");
    assert!(before > 0 || !cfg!(target_os = "linux"), "its memory was not seen");
    Comparison { all_read, one_stopped }
}

/// How long it took the others.
struct Comparison {
    all_read: Phase,
    one_stopped: Phase,
}

impl Comparison {
    /// What took more than twice as long.
    fn slowed(&self) -> Option<String> {
        let kinds = self.all_read.slowest.iter().zip(&self.one_stopped.slowest);
        kinds.zip(["calls", "updates"]).find_map(|((all, one), kind)| {
            assert_eq!((all.len(), one.len()), (WINDOWS as usize, WINDOWS as usize));
            let (all, one) = (typical(all), typical(one));
            (one > 2 * all.max(NOISE)).then(|| format!("{kind} took {one:?} instead of {all:?}"))
        })
    }
}

/// Updates for all, and how they come to those that are never stopped.
struct Pour<'m> {
    leader: &'m Member,
    stopped: &'m Member,
    others: Vec<&'m Member>,
    /// In a window, of each kind.
    updates: u64,
}

/// What happens while all read, or while one does not.
#[derive(Default)]
struct Phase {
    calls: Times,
    updates: Times,
    /// The 99th percentile of either in each window.
    slowest: [Vec<Duration>; 2],
    /// The most that the leader occupied in each window, in KiB.
    peaks: Vec<usize>,
}

impl Pour<'_> {
    /// The number of the last update.
    fn window(&self, phase: &mut Phase, audit: &mut Audit<'_>) -> u64 {
        let command = Command::Pour { updates: self.updates, size: UPDATE };
        let last = self.leader.ask(&command, |report| match report {
            Report::Poured { last } => Some(*last),
            _ => None,
        });
        let [mut calls, mut delays] = [(); 2].map(|()| Times::default());
        for reader in &self.others {
            for micros in caught_up(reader, last).delays {
                delays.add(Duration::from_micros(micros.into()));
            }
            // Of the others it is the real client that takes its time, or nobody answers.
            let slow = [WORK, LONG_LOOK, NOTE];
            let at_once = |token: &str| !slow.iter().any(|kind| token.starts_with(kind));
            for call in reader.calls().iter().filter(|call| at_once(&call.token)) {
                calls.add(call.ended.since(call.begun));
            }
            audit.hear(reader);
        }
        audit.next_round();
        phase.note_peak(self.leader);
        phase.add(calls, delays);
        last
    }
}

impl Phase {
    fn add(&mut self, calls: Times, updates: Times) {
        for (slowest, times) in self.slowest.iter_mut().zip([&calls, &updates]) {
            slowest.push(times.percentile(99.0));
        }
        self.calls.append(calls);
        self.updates.append(updates);
    }

    /// Of the time since the last time.
    fn note_peak(&mut self, leader: &Member) {
        self.peaks.push(Vitals::of(leader.pid()).map_or(0, |vitals| vitals.peak));
        forget_peak(leader.pid());
    }

    fn print(&self, title: &str) {
        let rows = [("calls that are answered at once", &self.calls), ("updates", &self.updates)];
        println!("{}", table(title, &rows));
        let [calls, updates] = &self.slowest;
        println!(
            "p99 of a window, typically: calls {:?}, updates {:?}\n",
            typical(calls),
            typical(updates)
        );
    }
}

/// The median.
fn typical<T: Copy + Ord>(windows: &[T]) -> T {
    let mut windows = windows.to_vec();
    windows.sort_unstable();
    windows[windows.len() / 2]
}

/// Waits until it has read the last of the updates.
fn caught_up(member: &Member, last: u64) -> Tally {
    let deadline = Instant::now() + CAUGHT_UP_WITHIN;
    let mut delays = Vec::new();
    loop {
        let mut tally = member.ask(&Command::Tally, |report| match report {
            Report::Tally(tally) => Some(tally.clone()),
            _ => None,
        });
        delays.append(&mut tally.delays);
        if tally.newest >= last && tally.each >= last {
            return Tally { delays, ..tally };
        }
        assert!(Instant::now() < deadline, "{tally:?} is not {last}");
    }
}
