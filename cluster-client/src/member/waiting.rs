//! The bounds on calls that wait for a leader.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::Limits;
use crate::planted::{Bug, planted};

pub(crate) struct Waiting {
    max_calls: usize,
    max_bytes: usize,
    calls: AtomicUsize,
    bytes: AtomicUsize,
}

/// A call waits; dropping it says that it does so no longer.
pub(crate) struct Place<'a> {
    waiting: &'a Waiting,
    bytes: usize,
}

impl Waiting {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            max_calls: limits.waiting_calls,
            max_bytes: limits.waiting_bytes,
            calls: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Takes a place for a call with so many bytes of arguments; the name of the limit if there is none.
    pub(crate) fn enter(&self, bytes: usize) -> Result<Place<'_>, &'static str> {
        // Counted before it is compared: the guard takes it back.
        let calls = self.calls.fetch_add(1, Ordering::AcqRel);
        let before = self.bytes.fetch_add(bytes, Ordering::AcqRel);
        let place = Place { waiting: self, bytes };
        if calls >= self.max_calls || planted(Bug::RefusesToWait) {
            drop(place);
            return Err("limits.waiting_calls");
        }
        if before.saturating_add(bytes) > self.max_bytes {
            drop(place);
            return Err("limits.waiting_bytes");
        }
        Ok(place)
    }

    /// How many calls wait, and with how many bytes.
    #[cfg(feature = "testing")]
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.calls.load(Ordering::Acquire), self.bytes.load(Ordering::Acquire))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if planted(Bug::KeepsPlacesOfWaitingCalls) {
            return;
        }
        self.waiting.calls.fetch_sub(1, Ordering::AcqRel);
        self.waiting.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_bytes_are_bounded_and_given_back() {
        let limits = Limits { waiting_calls: 2, waiting_bytes: 10, ..Limits::default() };
        let waiting = Waiting::new(&limits);
        let one = waiting.enter(4).ok().unwrap();
        assert_eq!(waiting.enter(7).err(), Some("limits.waiting_bytes"));
        let two = waiting.enter(6).ok().unwrap();
        assert_eq!(waiting.enter(0).err(), Some("limits.waiting_calls"));
        drop((one, two));
        assert!(waiting.enter(10).is_ok());
    }
}
