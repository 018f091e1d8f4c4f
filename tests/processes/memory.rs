//! A follower that does not read while others do.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::flood::Tally;
use support::process::{Group, Member};
use support::report::{Command, Report};
use support::vitals::Vitals;

use crate::audit::Audit;
use crate::duty::{enlist, stop};
use crate::times::{Times, table};
use crate::{MEMBER, alone, number};

const UPDATE: usize = 64 << 10;

/// With everybody reading, and with one stopped, by turns: so often.
const PAIRS: u64 = 4;

/// By how much the leader may grow, in KiB.
const GROWTH: usize = 16 << 10;

/// The others may take twice as long as with everybody reading, but what is shorter than this is nobody's fault.
const NOISE: Duration = Duration::from_millis(5);

/// From here on the delays are held against the promise.
const PROMISE_FROM: u64 = 1_024;

/// How long it takes to read what was sent, beyond the time of sending it.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(10);

/// What happens while all read, or while one does not.
#[derive(Default)]
struct Phase {
    calls: Times,
    updates: Times,
    /// The 99th percentile of either, each time.
    slowest: [Vec<Duration>; 2],
    /// The most that the leader occupied, in KiB.
    resident: usize,
}

/// `MIB=1024` says how much is sent while one of the followers is stopped.
#[test]
fn a_follower_that_is_stopped_costs_the_leader_little_and_the_others_nothing() {
    let _alone = alone();
    let mib = number("MIB").unwrap_or(64);
    // Half of them of each kind.
    let updates = (mib << 20) / UPDATE as u64 / PAIRS / 2;
    let group = Group::new(MEMBER);
    let members = group.start(4);
    members.iter().for_each(|member| {
        enlist(member);
        let drinking = |report: &Report| matches!(report, Report::Drinking).then_some(());
        member.ask(&Command::Drink, drinking);
    });
    let leader = group.leader(&members);
    let stopped = (leader + 1) % 4;
    let healthy = || members.iter().filter(|member| member.pid() != members[stopped].pid());

    let mut audit = Audit::new(&group.ledger);
    // For as long as the updates of a phase and what they leave behind take.
    audit.was_stopped(&members[stopped], Duration::from_millis(4 * updates) + CAUGHT_UP_WITHIN);
    let [mut warm_up, mut all_read, mut one_stopped] = std::array::from_fn(|_| Phase::default());
    // Memory that was once occupied tends to stay so: what counts is how it was before anybody was stopped.
    warm_up.run(&members[leader], members.iter(), updates, &mut audit);
    for _ in 0..PAIRS {
        all_read.run(&members[leader], members.iter(), updates, &mut audit);

        members[stopped].signal(Signal::STOP);
        let last = one_stopped.run(&members[leader], healthy(), updates, &mut audit);
        members[stopped].signal(Signal::CONT);
        let tally = caught_up(&members[stopped], last);
        assert_eq!((tally.newest, tally.received + tally.missed), (last, last));
        members.iter().for_each(|member| audit.hear(member));
        audit.take_latencies();
        audit.next_round();
    }
    let tally = caught_up(&members[stopped], 0);
    println!("{mib} MiB while one was stopped; it has missed {} of {}", tally.missed, tally.each);
    assert!(tally.missed > 0 || mib < PROMISE_FROM, "it has read all: too tame");

    members.iter().for_each(stop);
    members.iter().for_each(|member| audit.hear(member));
    let (before, totals) = (warm_up.resident, audit.end());
    let grown = one_stopped.resident.saturating_sub(before);
    println!("the leader: {before} KiB with all reading, {grown} KiB more then\n{totals}\n");
    let rows = [
        ("calls, all read", &all_read.calls),
        ("calls of the others, one stopped", &one_stopped.calls),
        ("updates, all read", &all_read.updates),
        ("updates to the others, one stopped", &one_stopped.updates),
    ];
    println!("{}", table("how long it takes", &rows));
    assert!(grown <= GROWTH, "{grown} KiB");
    // Those of the stopped one had their deadlines meanwhile.
    assert_eq!(totals.errors.keys().find(|kind| !kind.starts_with("DeadlineExceeded")), None);
    if mib >= PROMISE_FROM {
        for (before, then) in all_read.slowest.into_iter().zip(one_stopped.slowest) {
            let [before, then] = [before, then].map(typical);
            assert!(then <= 2 * before.max(NOISE), "{then:?} instead of {before:?}");
        }
    }
}

/// The machine has other things to do at times: the median, the lower one of two.
fn typical(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) / 2]
}

impl Phase {
    /// The number of the last update.
    fn run<'m>(
        &mut self,
        leader: &Member,
        readers: impl Iterator<Item = &'m Member>,
        updates: u64,
        audit: &mut Audit<'_>,
    ) -> u64 {
        let from = leader.reports().len();
        leader.tell(&Command::Pour { updates, size: UPDATE });
        let deadline = Instant::now() + Duration::from_millis(4 * updates) + CAUGHT_UP_WITHIN;
        let last = loop {
            let vitals = Vitals::of(leader.pid());
            self.resident = self.resident.max(vitals.map_or(0, |vitals| vitals.resident));
            let poured = leader.said(from, |report| match report {
                Report::Poured { last } => Some(*last),
                _ => None,
            });
            if let Some(last) = poured {
                break last;
            }
            assert!(Instant::now() < deadline, "the updates are not sent in time");
            // How often its memory is looked at.
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut delays = Times::default();
        for reader in readers {
            let tally = caught_up(reader, last);
            for micros in tally.delays {
                delays.add(Duration::from_micros(micros.into()));
            }
            audit.hear(reader);
        }
        let calls = audit.take_latencies();
        for (slowest, times) in self.slowest.iter_mut().zip([&calls, &delays]) {
            slowest.push(times.percentile(99.0));
        }
        self.calls.append(calls);
        self.updates.append(delays);
        last
    }
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
