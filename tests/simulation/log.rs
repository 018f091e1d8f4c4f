//! What all processes have seen: what they called, were told, published and read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use cluster_client::{ClusterEvent, Error, Outcome};
use tokio::time::Instant;

use crate::reader::Reads;

/// Shared by all processes of a history.
pub(crate) type Log = Arc<Mutex<Seen>>;

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) operations: BTreeMap<u64, Operation>,
    /// By the values that were published, or taken back by.
    pub(crate) publications: BTreeMap<u64, Publication>,
    /// For each reader what it read.
    pub(crate) reads: Vec<Reads>,
    /// When who said that somebody else had been silent.
    pub(crate) alarms: Vec<(Instant, u32, ClusterEvent)>,
    /// For each process, the one-way calls of which its member has said that they failed.
    pub(crate) oneways_failed: BTreeMap<u32, Failures>,
    /// When each process has found its present leader, or become it.
    pub(crate) joined: BTreeMap<u32, Instant>,
    next_operation: u64,
    next_publication: u64,
    /// No more calls are begun.
    pub(crate) is_over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Plain,
    Idempotent,
    /// A publication that is not remembered.
    Event,
    Oneway,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    pub(crate) caller: u32,
    pub(crate) begun: Instant,
    /// When and what its caller was told; `None`: it was never told.
    pub(crate) told: Option<(Instant, Told)>,
    /// When its caller gave up waiting.
    pub(crate) dropped: Option<Instant>,
}

/// Publishes a key, or takes it back.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) key: u64,
    pub(crate) begun: Instant,
    pub(crate) told: Option<(Instant, Told)>,
}

/// What a caller was told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Told {
    Done,
    /// It did not run, for want of room.
    Busy,
    Failed(Outcome),
}

/// Failures of one-way calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Failures {
    /// Did not run.
    pub(crate) not_executed: u64,
    /// May have run or not.
    pub(crate) unknown: u64,
}

impl Told {
    pub(crate) fn of(result: &Result<(), Error>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(Error::Busy { .. }) => Self::Busy,
            Err(error) => Self::Failed(error.outcome()),
        }
    }

    /// What is known of its runs.
    pub(crate) fn result(self) -> Result<(), Outcome> {
        match self {
            Self::Done => Ok(()),
            Self::Busy => Err(Outcome::NotExecuted),
            Self::Failed(outcome) => Err(outcome),
        }
    }

    /// Whether it certainly did not run.
    pub(crate) fn is_not_executed(self) -> bool {
        self.result() == Err(Outcome::NotExecuted)
    }
}

impl Failures {
    pub(crate) fn all(self) -> u64 {
        self.not_executed + self.unknown
    }
}

impl Seen {
    pub(crate) fn begin(&mut self, kind: Kind, caller: u32) -> Option<u64> {
        if self.is_over {
            return None;
        }
        self.next_operation += 1;
        let begun = Instant::now();
        let operation = Operation { kind, caller, begun, told: None, dropped: None };
        self.operations.insert(self.next_operation, operation);
        Some(self.next_operation)
    }

    /// Returns the value that the key is published with, or taken back by.
    pub(crate) fn begin_publication(&mut self, key: u64, by: u32, retracts: bool) -> Option<u64> {
        if self.is_over {
            return None;
        }
        self.next_publication += 1;
        let value = value(by, self.next_publication, retracts);
        self.publications.insert(value, Publication { key, begun: Instant::now(), told: None });
        Some(value)
    }

    /// All that members have told, in the order in which it began, as text.
    pub(crate) fn trace(&self, began: Instant) -> Vec<String> {
        let at = |at: Instant| at - began;
        let told = |told: Option<(Instant, Told)>| told.map(|(then, told)| (at(then), told));
        let operations = self.operations.iter().map(|(id, operation)| {
            let Operation { kind, caller, begun, dropped, .. } = operation;
            let (told, dropped) = (told(operation.told), dropped.map(at));
            format!("{id} {kind:?} of {caller} at {:?}: {told:?} {dropped:?}", at(*begun))
        });
        let publications = self.publications.iter().map(|(value, publication)| {
            let Publication { key, begun, .. } = publication;
            format!("{value:x} of key {key:x} at {:?}: {:?}", at(*begun), told(publication.told))
        });
        let reads = self.reads.iter().map(|reads| {
            let Reads { process, what, events, joined_at, ended, .. } = reads;
            let refused: Vec<_> = reads.refused.iter().map(|refused| told(Some(*refused))).collect();
            format!(
                "process {process} reads {what:?}: {refused:?}, from {joined_at:?} on {events:?} {ended:?}"
            )
        });
        operations.chain(publications).chain(reads).collect()
    }
}

/// The values that are published say who made them, and whether it was to take something back.
fn value(process: u32, number: u64, retracts: bool) -> u64 {
    u64::from(process) << 32 | number << 1 | u64::from(retracts)
}

/// Whose value it is.
pub(crate) fn publisher(value: u64) -> u32 {
    (value >> 32) as u32
}

/// Whether somebody has used it to take a key back.
pub(crate) fn retracts(value: u64) -> bool {
    value & 1 == 1
}
