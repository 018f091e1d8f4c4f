//! The notices between two values.

use crate::planted::{Bug, planted};
use crate::subscription::Event;

/// What is to be said between two values: how many were missed, whether there was a new leader, and
/// how many were missed since.
///
/// Of several new leaders only the last is told: all that was missed is counted before it.
#[derive(Clone, Copy, Default)]
pub(super) struct Gap {
    missed: u64,
    /// How many were missed since the `Resynced`, if there is one.
    resynced: Option<u64>,
}

impl Gap {
    pub(super) fn missed(&mut self, count: u64) {
        if planted(Bug::HidesMissed) {
            return;
        }
        let missed = self.resynced.as_mut().unwrap_or(&mut self.missed);
        *missed = missed.saturating_add(count);
    }

    pub(super) fn resynced(&mut self) {
        self.missed = self.missed.saturating_add(self.resynced.unwrap_or(0));
        self.resynced = Some(0);
    }

    /// Adds what is to be said after all that is here.
    pub(super) fn append(&mut self, later: Self) {
        self.missed(later.missed);
        if let Some(since) = later.resynced {
            self.resynced();
            self.missed(since);
        }
    }

    /// Takes the first notice out.
    pub(super) fn pop<V>(&mut self) -> Option<Event<V>> {
        if self.missed > 0 {
            return Some(Event::Missed(std::mem::take(&mut self.missed)));
        }
        self.missed = self.resynced.take()?;
        Some(Event::Resynced)
    }

    /// How many were missed in all.
    pub(super) fn count(&self) -> u64 {
        self.missed.saturating_add(self.resynced.unwrap_or(0))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.missed == 0 && self.resynced.is_none()
    }
}
