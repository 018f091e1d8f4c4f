//! A follower's calls that run in tasks of their own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tokio::task::AbortHandle;

use super::gate::{NoRoom, Refusal};
use crate::limits::Limits;

#[derive(Default)]
pub(super) struct Running {
    calls: HashMap<u64, Option<AbortHandle>>,
    bytes: usize,
    /// For how many of them somebody waits.
    awaited: usize,
}

impl Running {
    /// Whether one more may run; else the name of the bound.
    pub(super) fn has_room(&self, limits: &Limits) -> Result<(), &'static str> {
        if self.calls.len() >= limits.in_flight_per_follower {
            Err("limits.in_flight_per_follower")
        } else if self.bytes >= limits.in_flight_bytes_per_follower {
            Err("limits.in_flight_bytes_per_follower")
        } else {
            Ok(())
        }
    }

    /// Takes room for arguments that are still to come.
    pub(super) fn reserve(&mut self, bytes: usize, limits: &Limits) -> Result<(), NoRoom> {
        // Arguments alone always pass: the limits of a packet bound them.
        let fits = self.bytes + bytes <= limits.in_flight_bytes_per_follower;
        if self.calls.len() >= limits.in_flight_per_follower {
            Err(NoRoom::Refused(Refusal::Full("limits.in_flight_per_follower")))
        } else if self.bytes > 0 && !fits {
            Err(NoRoom::Yet("limits.in_flight_bytes_per_follower"))
        } else {
            self.bytes += bytes;
            Ok(())
        }
    }

    pub(super) fn release(&mut self, bytes: usize) {
        self.bytes -= bytes;
    }

    /// Whether an answer is waited for.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited > 0
    }

    /// Notes a call. False: one with this id runs already.
    pub(super) fn begin(&mut self, id: u64, bytes: usize, oneway: bool) -> bool {
        // The one that runs must stay there to be cut off.
        let Entry::Vacant(entry) = self.calls.entry(id) else { return false };
        entry.insert(None);
        self.bytes += bytes;
        self.awaited += usize::from(!oneway);
        true
    }

    /// How to cut it off. It may be over by now.
    pub(super) fn in_task(&mut self, id: u64, task: AbortHandle) {
        if let Some(running) = self.calls.get_mut(&id) {
            *running = Some(task);
        }
    }

    pub(super) fn task(&self, id: u64) -> Option<AbortHandle> {
        self.calls.get(&id).cloned().flatten()
    }

    pub(super) fn tasks(&self) -> Vec<AbortHandle> {
        self.calls.values().flatten().cloned().collect()
    }

    pub(super) fn end(&mut self, id: u64, bytes: usize, oneway: bool) {
        self.calls.remove(&id);
        self.bytes -= bytes;
        self.awaited -= usize::from(!oneway);
    }
}
