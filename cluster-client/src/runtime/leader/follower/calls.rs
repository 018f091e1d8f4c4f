//! The calls of a follower that run in tasks: their places in the bounds, and how they are cut off.

use std::time::Instant;

use tokio::task::AbortHandle;

use super::{Follower, State};
use crate::planted::{Bug, planted};
use crate::runtime::leader::gate::{NoRoom, Refusal};

impl Follower {
    /// Whether one more call may run; else the name of the bound.
    pub(in crate::runtime::leader) fn has_room(&self) -> Result<(), &'static str> {
        let limits = &self.leadership.terms.limits;
        let state = self.lock();
        state.running.has_room(limits)?;
        self.may_be_answered(&state)
    }

    /// Takes room for arguments that are still to come.
    pub(in crate::runtime::leader) fn reserve(&self, bytes: usize) -> Result<(), NoRoom> {
        let limits = &self.leadership.terms.limits;
        let mut state = self.lock();
        let full = |limit| NoRoom::Refused(Refusal::Full(limit));
        self.may_be_answered(&state).map_err(full)?;
        state.running.reserve(bytes, limits)
    }

    pub(in crate::runtime::leader) fn release(&self, bytes: usize) {
        self.lock().running.release(bytes);
    }

    /// Whether there is room for another answer; else the name of the bound.
    fn may_be_answered(&self, state: &State) -> Result<(), &'static str> {
        let limits = &self.leadership.terms.limits;
        if state.outbound.pending() >= limits.outbound_bytes {
            // It asks faster than it reads the answers.
            Err("limits.outbound_bytes")
        } else if self.leadership.unsent.bytes() >= limits.outbound_bytes_total {
            Err("limits.outbound_bytes_total")
        } else {
            Ok(())
        }
    }

    /// Whether it is the one that has too many answers, where all have too many.
    pub(in crate::runtime::leader) fn leaves_others_no_room(&self) -> bool {
        let limits = &self.leadership.terms.limits;
        self.leadership.unsent.bytes() >= limits.outbound_bytes_total
            && self.lock().outbound.pending() >= limits.outbound_bytes
    }

    /// Notes a call that runs in a task. False: one with this id runs already.
    pub(in crate::runtime::leader) fn running(&self, id: u64, bytes: usize, oneway: bool) -> bool {
        self.lock().running.begin(id, bytes, oneway)
    }

    pub(in crate::runtime::leader) fn running_as(&self, id: u64, task: AbortHandle) {
        self.lock().running.in_task(id, task);
    }

    /// It has ended.
    pub(in crate::runtime::leader) fn ran(&self, id: u64, bytes: usize, oneway: bool) {
        self.lock().running.end(id, bytes, oneway);
    }

    /// Cuts a call off, or, after so many, when their time is over. Its place in the bounds is free when it has really
    /// ended.
    pub(in crate::runtime::leader) fn cancel(&self, id: u64, now: Instant) {
        let task = {
            let State { running, cancels, .. } = &mut *self.lock();
            running.cancel(id, now, cancels)
        };
        if let Some(task) = task.filter(|_| !planted(Bug::RunsCancelledCalls)) {
            task.abort();
        }
    }

    pub(in crate::runtime::leader) fn cancel_all(&self) {
        let running = self.lock().running.tasks();
        if !planted(Bug::RunsCallsOfTheDead) {
            running.iter().for_each(AbortHandle::abort);
        }
    }
}
