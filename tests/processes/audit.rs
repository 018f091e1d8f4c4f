//! What the members were told, held against what the ledger has seen. What is settled is forgotten, so that a run may be
//! as long as it likes.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use cluster_client::Outcome;
use support::ledger::{Book, Execution, Ledger};
use support::process::Member;
use support::report::{Called, Done, Failed, LOOK, NOTE, Report};

use crate::times::Times;

/// The deadline of a call and the time to notice it on a busy machine.
const AT_MOST: Duration = Duration::from_secs(5);

/// A call is settled so many rounds after it has ended: whatever was still under way of it has ended by then.
const ROUNDS_KEPT: usize = 2;

/// Panics on the first call that was told something else than what became of it.
pub(crate) struct Audit<'a> {
    ledger: &'a Ledger,
    /// The latest one last.
    rounds: VecDeque<Round>,
    members: HashMap<u32, Heard>,
    totals: Totals,
}

/// What has ended in it and is not settled.
#[derive(Default)]
struct Round {
    calls: Vec<Called>,
    /// Process ids.
    members: Vec<u32>,
}

/// What one member has said.
#[derive(Default)]
struct Heard {
    calls: usize,
    /// The one of its last call that was done.
    epoch: u64,
    news: Option<u64>,
    resynced: u64,
    /// For so long it did not run, so that it did not notice deadlines either.
    stopped: Duration,
}

/// How many calls ended how.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) done: u64,
    pub(crate) not_executed: u64,
    pub(crate) unknown: u64,
    /// Of one-way calls that are done, as far as anybody can tell.
    pub(crate) notes_lost: u64,
    /// By the name of the event.
    pub(crate) events: BTreeMap<String, u64>,
    /// By the kind of error.
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) latencies: Times,
}

impl<'a> Audit<'a> {
    pub(crate) fn new(ledger: &'a Ledger) -> Self {
        Self {
            ledger,
            rounds: VecDeque::from([Round::default()]),
            members: HashMap::new(),
            totals: Totals::default(),
        }
    }

    /// Takes over what a member has said so far.
    pub(crate) fn hear(&mut self, member: &Member) {
        self.hear_but(member, |_| false);
    }

    /// The same, without the calls that are `excused`.
    pub(crate) fn hear_but(&mut self, member: &Member, excused: impl Fn(&Called) -> bool) {
        let pid = member.pid();
        let heard = self.members.entry(pid).or_default();
        for report in member.take_reports() {
            match report {
                Report::Called(call) => {
                    heard.calls += 1;
                    if excused(&call) {
                        continue;
                    }
                    heard.called(&call);
                    self.totals.count(&call);
                    if let Some(round) = self.rounds.back_mut() {
                        round.calls.push(call);
                    }
                }
                // Only ever the newest: no value comes twice, or after a newer one.
                Report::News(value) => {
                    assert!(heard.news < Some(value), "{value} after {:?} at {pid}", heard.news);
                    heard.news = Some(value);
                }
                // It watches anew.
                Report::Rejoined => heard.news = None,
                Report::Resynced => heard.resynced += 1,
                // All that it has begun has come to an end.
                Report::Stopped { begun } => assert_eq!(heard.calls, begun),
                Report::Event(event) => {
                    *self.totals.events.entry(first_word(&event).to_owned()).or_default() += 1;
                }
                Report::Panicked(panic) => panic!("{pid}: {panic}"),
                _ => {}
            }
        }
    }

    /// The process was stopped for so long at the most.
    pub(crate) fn was_stopped(&mut self, member: &Member, stopped: Duration) {
        self.members.entry(member.pid()).or_default().stopped = stopped;
    }

    pub(crate) fn resynced(&self, member: &Member) -> u64 {
        self.members.get(&member.pid()).map_or(0, |heard| heard.resynced)
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// How long the calls took that were heard of since this was asked the last time.
    pub(crate) fn take_latencies(&mut self) -> Times {
        std::mem::take(&mut self.totals.latencies)
    }

    /// The process has ended, and so has its connection to the ledger, if it had one.
    pub(crate) fn gone(&mut self, pid: u32) {
        self.members.remove(&pid);
        if let Some(round) = self.rounds.back_mut() {
            round.members.push(pid);
        }
    }

    /// Settles what has ended two rounds ago.
    pub(crate) fn next_round(&mut self) {
        let ledger = self.ledger;
        let mut book = ledger.book();
        while self.rounds.len() > ROUNDS_KEPT {
            let Round { calls, members } = self.rounds.pop_front().unwrap_or_default();
            calls.iter().for_each(|call| self.settle(call, &mut book));
            for pid in members {
                // Of some of its calls it could not say any more how they went.
                let its = |task: &str| task.split('-').nth(1) == Some(&*pid.to_string());
                book.forget(its).iter().for_each(|(token, ran)| ran_as_it_may(token, ran));
            }
        }
        self.rounds.push_back(Round::default());
        assert_eq!(book.complaints, Vec::<String>::new());
        assert_eq!(book.most_at_once, 1, "real clients at once");
    }

    /// The last round: nothing is under way any more.
    pub(crate) fn end(mut self) -> Totals {
        for _ in 0..=ROUNDS_KEPT {
            self.next_round();
        }
        let book = self.ledger.book();
        book.executions.iter().for_each(|(token, ran)| ran_as_it_may(token, ran));
        drop(book);
        self.totals
    }

    fn settle(&mut self, call: &Called, book: &mut Book) {
        let ran = book.settle(&call.token);
        ran_as_it_may(&call.token, &ran);
        match &call.result {
            Ok(_) if call.token.starts_with(NOTE) => {
                self.totals.notes_lost += u64::from(ran.is_empty());
            }
            Ok(Done { epoch }) => {
                assert!(ran.iter().any(|ran| ran.epoch == *epoch), "{call:?} ran {ran:?}");
            }
            Err(Failed { outcome: Outcome::NotExecuted, .. }) => {
                assert!(ran.is_empty(), "{call:?} ran {ran:?}");
            }
            Err(Failed { outcome: Outcome::Unknown, .. }) => {}
            Err(Failed { outcome: Outcome::Executed, .. }) => panic!("{call:?}"),
        }
    }
}

/// Once, unless it may run again: as the same call then, and once an epoch. What a leader had written when it was killed
/// may be read after what the next one wrote.
fn ran_as_it_may(token: &str, ran: &[Execution]) {
    assert!(ran.len() <= 1 || token.starts_with(LOOK), "{token} ran {ran:?}");
    assert!(ran.iter().all(|again| again.call == ran[0].call), "{token} ran {ran:?}");
    let epochs: BTreeSet<u64> = ran.iter().map(|ran| ran.epoch).collect();
    assert_eq!(epochs.len(), ran.len(), "{token} ran {ran:?}");
}

impl Heard {
    fn called(&mut self, call: &Called) {
        let took = call.ended.since(call.begun);
        assert!(took < AT_MOST + self.stopped, "{call:?} took {took:?}");
        match call.result {
            Ok(Done { epoch: 0 }) | Err(_) => {}
            Ok(Done { epoch }) => {
                assert!(epoch >= self.epoch, "{call:?} after one in epoch {}", self.epoch);
                self.epoch = epoch;
            }
        }
    }
}

impl Totals {
    fn count(&mut self, call: &Called) {
        match &call.result {
            Ok(_) => {
                self.done += 1;
                self.latencies.add(call.ended.since(call.begun));
            }
            Err(Failed { outcome, error }) => {
                match outcome {
                    Outcome::NotExecuted => self.not_executed += 1,
                    _ => self.unknown += 1,
                }
                let kind = format!("{}, {outcome:?}", first_word(error));
                *self.errors.entry(kind).or_default() += 1;
            }
        }
    }

    pub(crate) fn failed(&self) -> u64 {
        self.not_executed + self.unknown
    }
}

/// The name of a variant in its debug form.
fn first_word(debug: &str) -> &str {
    debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, not_executed, unknown, notes_lost, errors, .. } = self;
        write!(
            f,
            "{done} calls done, {unknown} unknown, {not_executed} not executed; {notes_lost} one-way calls lost"
        )?;
        errors.iter().try_for_each(|(kind, count)| write!(f, "\n{count:>10}  {kind}"))
    }
}
