//! What the members were told, held against what the ledger has seen. What is settled is forgotten, so that a run may be
//! as long as it likes.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use cluster_client::Outcome;
use support::ledger::{Book, Execution, Ledger};
use support::process::Member;
use support::report::{Called, Done, Failed, KINDS, LOOK, NOTE, Report, caller};
use support::verdict::{self, Promise};

use crate::notes::{self, Told};
use crate::times::Times;

/// What the library takes where nothing is set.
const DEADLINE: Duration = Duration::from_secs(3);
/// What it may take to notice one on a busy machine.
const LATE: Duration = Duration::from_secs(1);
/// The clock that calls are timed by here is not the one that deadlines go by.
const EARLY: Duration = Duration::from_millis(5);

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
    /// Process ids of members that are gone.
    gone: Vec<u32>,
    /// Of these, the ones that could say nothing more.
    killed: Vec<u32>,
    /// Of one-way calls that failed.
    told: Vec<Told>,
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
    /// Those that ran once in each of several epochs, as they may.
    pub(crate) repeated: u64,
    /// The kinds of those that were done.
    kinds: BTreeSet<String>,
    /// One-way calls that were accepted and did not run, of which their member was told.
    pub(crate) notes_lost: u64,
    /// Those of members that were killed, which nobody could tell.
    pub(crate) notes_lost_with_member: u64,
    /// How many one-way calls the members were told to have failed, by the kind of error. They may have run.
    pub(crate) notes_told: BTreeMap<String, u64>,
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

    /// The same, but calls that are `excused` are no failures. What they were told has to be true all the same.
    pub(crate) fn hear_but(&mut self, member: &Member, excused: impl Fn(&Called) -> bool) {
        let pid = member.pid();
        let heard = self.members.entry(pid).or_default();
        for report in member.take_reports() {
            match report {
                Report::Called(call) => {
                    heard.calls += 1;
                    heard.called(&call);
                    if !excused(&call) {
                        self.totals.count(&call);
                    }
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
                Report::OnewaysFailed(told) => {
                    *self.totals.notes_told.entry(kind(&told.failed)).or_default() += told.calls;
                    if let Some(round) = self.rounds.back_mut() {
                        round.told.push(Told::new(pid, told));
                    }
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

    /// The process has ended, and so has its connection to the ledger, if it had one.
    pub(crate) fn gone(&mut self, pid: u32) {
        self.members.remove(&pid);
        if let Some(round) = self.rounds.back_mut() {
            round.gone.push(pid);
        }
    }

    /// The same, and it had no time to say what it lost.
    pub(crate) fn killed(&mut self, pid: u32) {
        self.gone(pid);
        if let Some(round) = self.rounds.back_mut() {
            round.killed.push(pid);
        }
    }

    /// Settles what has ended two rounds ago.
    pub(crate) fn next_round(&mut self) {
        let ledger = self.ledger;
        let mut book = ledger.book();
        while self.rounds.len() > ROUNDS_KEPT {
            let mut round = self.rounds.pop_front().unwrap_or_default();
            for call in std::mem::take(&mut round.calls) {
                self.settle(&call, &mut round, &mut book);
            }
            for pid in round.gone {
                // Of some of its calls it could not say any more how they went.
                let its = |task: &str| caller(task) == Some(pid);
                book.forget(its).iter().for_each(|(token, ran)| ran_as_it_may(token, None, ran));
            }
        }
        self.rounds.push_back(Round::default());
        assert_eq!(book.complaints, Vec::<String>::new());
        assert_eq!(book.most_at_once, 1, "real clients at once");
        assert_eq!(self.totals.events.get("Missed"), None, "a member reads its events too slowly");
    }

    /// The last round: nothing is under way any more.
    pub(crate) fn end(mut self) -> Totals {
        for _ in 0..=ROUNDS_KEPT {
            self.next_round();
        }
        let book = self.ledger.book();
        book.executions.iter().for_each(|(token, ran)| ran_as_it_may(token, None, ran));
        drop(book);
        self.totals
    }

    fn settle(&mut self, call: &Called, round: &mut Round, book: &mut Book) {
        let ran = book.settle(&call.token);
        ran_as_it_may(&call.token, Some(call), &ran);
        self.totals.repeated += u64::from(ran.len() > 1);
        match &call.result {
            Ok(_) if call.token.starts_with(NOTE) && ran.is_empty() => self.lost(call, round),
            Ok(_) if call.token.starts_with(NOTE) => {}
            Ok(Done { epoch }) => {
                assert!(ran.iter().any(|ran| ran.epoch == *epoch), "{call:?} ran {ran:?}");
            }
            Err(_) => {}
        }
    }

    /// A one-way call that did not run: its member has been told by now. A leader that was stopped may tell it late.
    fn lost(&mut self, call: &Called, round: &mut Round) {
        let rounds = || self.rounds.iter();
        let dead = |pid: &u32| caller(&call.token) == Some(*pid);
        let killed = round.killed.iter().chain(rounds().flat_map(|later| &later.killed)).any(dead);
        let later = self.rounds.iter_mut().flat_map(|later| &mut later.told);
        if notes::find(call, round.told.iter_mut().chain(later)) {
            self.totals.notes_lost += 1;
        } else if killed {
            self.totals.notes_lost_with_member += 1;
        } else {
            panic!("{call:?} did not run, and nobody was told");
        }
    }
}

/// As its caller was told, if it was told anything, and once an epoch. What a leader had written when it was killed may be
/// read after what the next one wrote.
fn ran_as_it_may(token: &str, call: Option<&Called>, ran: &[Execution]) {
    let promise = match token {
        _ if token.starts_with(LOOK) => Promise::AtLeastOnce,
        _ if token.starts_with(NOTE) => Promise::Queued,
        _ => Promise::Once,
    };
    let told = call.map(|call| match &call.result {
        Ok(_) => Ok(()),
        Err(failed) => Err(failed.outcome),
    });
    let calls: Vec<&str> = ran.iter().map(|ran| &*ran.call).collect();
    let broken = verdict::broken(promise, told, &calls);
    assert_eq!(broken, None, "{token} ran {ran:?}, {call:?}");
    let epochs: BTreeSet<u64> = ran.iter().map(|ran| ran.epoch).collect();
    assert_eq!(epochs.len(), ran.len(), "{token} ran {ran:?}");
}

impl Heard {
    fn called(&mut self, call: &Called) {
        let took = call.ended.since(call.begun);
        assert!(took < DEADLINE + LATE + self.stopped, "{call:?} took {took:?}");
        match &call.result {
            Ok(Done { epoch: 0 }) => {}
            Ok(Done { epoch }) => {
                assert!(*epoch >= self.epoch, "{call:?} after one in epoch {}", self.epoch);
                self.epoch = *epoch;
            }
            Err(Failed { outcome, error }) => {
                // What may be repeated is, for as long as there is time.
                let repeatable = call.token.starts_with(LOOK) && *outcome == Outcome::Unknown;
                let given_up = repeatable || error.starts_with("DeadlineExceeded");
                assert!(!given_up || took + EARLY >= DEADLINE, "{call:?} after {took:?}");
            }
        }
    }
}

impl Totals {
    fn count(&mut self, call: &Called) {
        match &call.result {
            Ok(_) => {
                self.done += 1;
                let kind = call.token.split('-').next().unwrap_or_default();
                if !self.kinds.contains(kind) {
                    self.kinds.insert(kind.to_owned());
                }
                self.latencies.add(call.ended.since(call.begun));
            }
            Err(failed) => {
                match failed.outcome {
                    Outcome::NotExecuted => self.not_executed += 1,
                    _ => self.unknown += 1,
                }
                *self.errors.entry(kind(failed)).or_default() += 1;
            }
        }
    }

    pub(crate) fn failed(&self) -> u64 {
        self.not_executed + self.unknown
    }

    /// Whether there were calls of each kind, so that there was something to go wrong.
    pub(crate) fn assert_all_kinds(&self) {
        let missing: Vec<_> = KINDS.iter().filter(|kind| !self.kinds.contains(**kind)).collect();
        assert!(missing.is_empty(), "{missing:?} were never done");
    }
}

/// The name of an error, and its outcome.
fn kind(failed: &Failed) -> String {
    format!("{}, {:?}", first_word(&failed.error), failed.outcome)
}

/// The name of a variant in its debug form.
fn first_word(debug: &str) -> &str {
    debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, not_executed, unknown, repeated, errors, .. } = self;
        write!(
            f,
            "{done} calls done, {repeated} of them repeated; {unknown} unknown, {not_executed} not executed"
        )?;
        errors.iter().try_for_each(|(kind, count)| write!(f, "\n{count:>10}  {kind}"))?;
        let Self { notes_lost, notes_lost_with_member, notes_told, .. } = self;
        write!(
            f,
            "\none-way calls: {notes_lost} lost and told, {notes_lost_with_member} lost with their member; told:"
        )?;
        notes_told.iter().try_for_each(|(kind, count)| write!(f, "\n{count:>10}  {kind}"))
    }
}
