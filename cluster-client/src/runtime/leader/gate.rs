//! Counts the calls that run and shuts new ones out once the leadership goes.

use std::sync::atomic::{AtomicUsize, Ordering};

use cluster_protocol::Failure;
use tokio::sync::Notify;

/// Beside the number of calls: no more of them.
const CLOSED: usize = 1 << (usize::BITS - 1);

#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// The number of calls, and [`CLOSED`].
    running: AtomicUsize,
    /// How many of them wait in `close()` for all others to end.
    closing: AtomicUsize,
    changed: Notify,
}

impl Gate {
    /// Lets a call in, unless the gate is closed or `limit` calls run.
    pub(crate) fn enter(&self, limit: usize) -> Result<(), Failure> {
        let before = self.running.fetch_add(1, Ordering::AcqRel);
        let refused = if before & CLOSED != 0 {
            Failure::GoingAway
        } else if before >= limit {
            Failure::Busy
        } else {
            return Ok(());
        };
        self.leave();
        Err(refused)
    }

    /// A call that was let in has ended.
    pub(crate) fn leave(&self) {
        let before = self.running.fetch_sub(1, Ordering::AcqRel);
        if before & CLOSED != 0 {
            self.changed.notify_waiters();
        }
    }

    pub(crate) fn close(&self) {
        self.running.fetch_or(CLOSED, Ordering::AcqRel);
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Acquire) & !CLOSED
    }

    /// One of the running calls waits for the closing itself: until the guard is dropped it is not waited for.
    pub(crate) fn closing_within(&self) -> ClosingWithin<'_> {
        self.closing.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
        ClosingWithin(self)
    }

    /// Resolves when no call runs but those that wait for it.
    pub(crate) async fn drained(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look at the counters, so that no change is missed.
            changed.as_mut().enable();
            if self.running() <= self.closing.load(Ordering::Acquire) {
                return;
            }
            changed.await;
        }
    }
}

pub(crate) struct ClosingWithin<'a>(&'a Gate);

impl Drop for ClosingWithin<'_> {
    fn drop(&mut self) {
        self.0.closing.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn a_closed_gate_lets_nobody_in_and_waits_for_those_inside() {
        let gate = Gate::default();
        gate.enter(8).unwrap();
        gate.close();
        assert_eq!(gate.enter(8), Err(Failure::GoingAway));
        assert_eq!(gate.running(), 1);

        let mut drained = std::pin::pin!(gate.drained());
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(drained.as_mut().poll(&mut cx), Poll::Pending);
        gate.leave();
        assert_eq!(drained.as_mut().poll(&mut cx), Poll::Ready(()));
    }

    #[test]
    fn a_full_gate_is_busy() {
        let gate = Gate::default();
        gate.enter(1).unwrap();
        assert_eq!(gate.enter(1), Err(Failure::Busy));
        gate.leave();
        assert_eq!(gate.enter(1), Ok(()));
    }

    #[test]
    fn a_call_that_closes_is_not_waited_for() {
        let gate = Gate::default();
        gate.enter(8).unwrap();
        gate.close();
        let mut drained = std::pin::pin!(gate.drained());
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(drained.as_mut().poll(&mut cx), Poll::Pending);
        let _within = gate.closing_within();
        assert_eq!(drained.as_mut().poll(&mut cx), Poll::Ready(()));
    }
}
