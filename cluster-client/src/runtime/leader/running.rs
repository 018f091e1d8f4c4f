//! A follower's calls that run in tasks of their own.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Instant;

use tokio::task::AbortHandle;

use super::gate::{NoRoom, Refusal};
use crate::limits::Limits;
use crate::planted::{Bug, planted};
use crate::session::rate::Window;

#[derive(Default)]
pub(super) struct Running {
    calls: BTreeMap<u64, Call>,
    bytes: usize,
    /// For how many of them somebody waits.
    awaited: usize,
}

#[derive(Default)]
struct Call {
    /// How to cut it off, unless that was done.
    task: Option<AbortHandle>,
    /// It is to be cut off later.
    cancelled: bool,
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
        entry.insert(Call::default());
        self.bytes += bytes;
        self.awaited += usize::from(!oneway);
        true
    }

    /// How to cut it off. It may be over by now.
    pub(super) fn in_task(&mut self, id: u64, task: AbortHandle) {
        if let Some(running) = self.calls.get_mut(&id) {
            running.task = Some(task);
        }
    }

    /// The task of a call that is cancelled, if it may be cut off now.
    pub(super) fn cancel(
        &mut self,
        id: u64,
        now: Instant,
        may: &mut Window,
    ) -> Option<AbortHandle> {
        let call = self.calls.get_mut(&id)?;
        if call.task.is_some() && may.admit(now) {
            return call.task.take();
        }
        call.cancelled = true;
        None
    }

    /// The tasks of those that were cancelled before and may be cut off now.
    pub(super) fn cancel_late(&mut self, now: Instant, may: &mut Window) -> Vec<AbortHandle> {
        let late = self.calls.values_mut().filter(|call| call.cancelled && call.task.is_some());
        late.take_while(|_| may.admit(now)).filter_map(|call| call.task.take()).collect()
    }

    pub(super) fn tasks(&self) -> Vec<AbortHandle> {
        self.calls.values().filter_map(|call| call.task.clone()).collect()
    }

    /// How many calls there are, or are waited for, and with how many bytes.
    #[cfg(feature = "testing")]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.calls.len().max(self.awaited), self.bytes)
    }

    pub(super) fn end(&mut self, id: u64, bytes: usize, oneway: bool) {
        self.calls.remove(&id);
        if !planted(Bug::KeepsBytesOfFollowersCalls) {
            self.bytes -= bytes;
        }
        self.awaited -= usize::from(!oneway);
    }
}
