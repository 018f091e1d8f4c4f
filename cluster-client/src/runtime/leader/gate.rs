//! Counts the calls that run and shuts new ones out once the leadership goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cluster_protocol::Failure;
use tokio::sync::Notify;

use crate::limits::Limits;
use crate::planted::{Bug, planted};

/// Beside the number of calls: no more of them.
const CLOSED: usize = 1 << (usize::BITS - 1);

#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// The number of calls, and [`CLOSED`].
    running: AtomicUsize,
    /// Bytes of arguments that the calls hold on to.
    bytes: AtomicUsize,
    /// How many of them wait in `close()` for all others to end.
    closing: AtomicUsize,
    changed: Notify,
}

impl Gate {
    /// Lets a call in, unless the gate is closed, or full by its calls or by what they hold.
    fn enter(&self, limits: &Limits) -> Result<(), Refusal> {
        let before = self.running.fetch_add(1, Ordering::AcqRel);
        let refused = if before & CLOSED != 0 {
            Refusal::Closed
        } else if before >= limits.in_flight {
            Refusal::Full("limits.in_flight")
        } else if self.bytes.load(Ordering::Relaxed) >= limits.in_flight_bytes {
            Refusal::Full("limits.in_flight_bytes")
        } else {
            return Ok(());
        };
        self.leave(0);
        Err(refused)
    }

    /// Lets a call in whatever its bounds. False: the gate is closed.
    fn enter_unbounded(&self) -> bool {
        let open = self.running.fetch_add(1, Ordering::AcqRel) & CLOSED == 0;
        if !open {
            self.leave(0);
        }
        open
    }

    /// Takes room for arguments that are still to come, unless the gate is closed or full.
    pub(super) fn reserve(&self, bytes: usize, limits: &Limits) -> Result<(), NoRoom> {
        let running = self.running.load(Ordering::Acquire);
        if running & CLOSED != 0 {
            return Err(NoRoom::Refused(Refusal::Closed));
        }
        if running >= limits.in_flight {
            return Err(NoRoom::Refused(Refusal::Full("limits.in_flight")));
        }
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        // Arguments alone always pass: the limits of a packet bound them.
        if before > 0 && before.saturating_add(bytes) > limits.in_flight_bytes {
            self.release(bytes);
            return Err(NoRoom::Yet("limits.in_flight_bytes"));
        }
        Ok(())
    }

    pub(super) fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A call that was let in does not end at once: until it leaves it holds on to its arguments.
    fn hold(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A call that was let in has ended, and holds on to nothing any more.
    fn leave(&self, bytes: usize) {
        if bytes > 0 && !planted(Bug::KeepsBytesOfEndedCalls) {
            self.release(bytes);
        }
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

    /// Bytes of arguments that the running calls hold on to.
    #[cfg(feature = "testing")]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
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
            let done = self.running() <= self.closing.load(Ordering::Acquire);
            if done || planted(Bug::CutsOffAcceptedCalls) {
                return;
            }
            changed.await;
        }
    }
}

/// Why a call was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The leadership goes.
    Closed,
    /// The name of the bound.
    Full(&'static str),
}

/// Why there is no room for arguments that are still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    Refused(Refusal),
    /// Not yet, by the bound of this name.
    Yet(&'static str),
}

pub(crate) struct ClosingWithin<'a>(&'a Gate);

impl Drop for ClosingWithin<'_> {
    fn drop(&mut self) {
        self.0.closing.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A call is running; dropping it says that it has ended.
pub(crate) struct Permit<'a> {
    gate: &'a Arc<Gate>,
}

impl<'a> Permit<'a> {
    pub(crate) fn new(gate: &'a Arc<Gate>, limits: &Limits) -> Result<Self, Refusal> {
        gate.enter(limits)?;
        Ok(Self { gate })
    }

    /// The call does not end at once: it holds on to its arguments.
    pub(crate) fn hold(self, bytes: usize) -> HeldPermit {
        self.gate.hold(bytes);
        let held = HeldPermit { gate: Arc::clone(self.gate), bytes };
        // The call has not ended.
        std::mem::forget(self);
        held
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.gate.leave(0);
    }
}

/// The permit of a call that takes its time.
pub(crate) struct HeldPermit {
    gate: Arc<Gate>,
    bytes: usize,
}

impl HeldPermit {
    /// Whatever the bounds; `None`: the gate is closed.
    pub(crate) fn unbounded(gate: &Arc<Gate>) -> Option<Self> {
        gate.enter_unbounded().then(|| Self { gate: Arc::clone(gate), bytes: 0 })
    }
}

impl Drop for HeldPermit {
    fn drop(&mut self) {
        self.gate.leave(self.bytes);
    }
}

/// What a caller whose call was not let in is told.
pub(crate) fn refusal(refusal: Refusal) -> (Failure, &'static str) {
    match refusal {
        Refusal::Closed => (Failure::GoingAway, "the leader is going away"),
        Refusal::Full(limit) => (Failure::Busy, limit),
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn a_closed_gate_lets_nobody_in_and_waits_for_those_inside() {
        let gate = Gate::default();
        gate.enter(&Limits::default()).unwrap();
        gate.close();
        assert_eq!(gate.enter(&Limits::default()), Err(Refusal::Closed));
        assert_eq!(gate.running(), 1);

        let mut drained = std::pin::pin!(gate.drained());
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(drained.as_mut().poll(&mut cx), Poll::Pending);
        gate.leave(0);
        assert_eq!(drained.as_mut().poll(&mut cx), Poll::Ready(()));
    }

    #[test]
    fn a_gate_is_full_by_calls_or_by_bytes() {
        let limits = Limits { in_flight: 2, in_flight_bytes: 10, ..Limits::default() };
        let gate = Gate::default();
        gate.enter(&limits).unwrap();
        gate.enter(&limits).unwrap();
        assert_eq!(gate.enter(&limits), Err(Refusal::Full("limits.in_flight")));
        gate.leave(0);
        gate.hold(10);
        assert_eq!(gate.enter(&limits), Err(Refusal::Full("limits.in_flight_bytes")));
        gate.leave(10);
        assert_eq!((gate.running(), gate.enter(&limits)), (0, Ok(())));
    }

    #[test]
    fn there_is_room_for_what_is_to_come_as_long_as_it_fits() {
        let limits = Limits { in_flight: 1, in_flight_bytes: 10, ..Limits::default() };
        let gate = Gate::default();
        gate.reserve(11, &limits).unwrap();
        gate.release(11);
        gate.reserve(6, &limits).unwrap();
        assert_eq!(gate.reserve(5, &limits), Err(NoRoom::Yet("limits.in_flight_bytes")));
        gate.reserve(4, &limits).unwrap();
        assert_eq!(gate.enter(&limits), Err(Refusal::Full("limits.in_flight_bytes")));
        gate.release(10);
        gate.enter(&limits).unwrap();
        let full = NoRoom::Refused(Refusal::Full("limits.in_flight"));
        assert_eq!(gate.reserve(1, &limits), Err(full));
        gate.close();
        assert_eq!(gate.reserve(1, &limits), Err(NoRoom::Refused(Refusal::Closed)));
    }

    #[test]
    fn a_call_that_closes_is_not_waited_for() {
        let gate = Gate::default();
        gate.enter(&Limits::default()).unwrap();
        gate.close();
        let mut drained = std::pin::pin!(gate.drained());
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(drained.as_mut().poll(&mut cx), Poll::Pending);
        let _within = gate.closing_within();
        assert_eq!(drained.as_mut().poll(&mut cx), Poll::Ready(()));
    }
}
