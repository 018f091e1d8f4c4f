//! What is known of a connection, under its one lock.
//!
//! ```text
//!  ┌─────── silent for too long ──────► GivenUp ─┐
//! Open ◄──── a sign of life ────────────┘        ├── going away ──► GoingAway ──► Closed, from anywhere
//!  └─────────────────────────────────────────────┘
//! ```

use std::{task::Waker, time::Instant};

use super::{LinkSettings, StartError};
use crate::session::{
    calls::{Calls, Ended},
    liveness::Liveness,
    outbound::{Batch, Outbound},
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) outbound: Outbound,
    pub(super) calls: Calls,
    /// How many calls were sent, one-way ones included: by this number a leader that goes away says which it took.
    pub(super) ordinal: u64,
    pub(super) liveness: Liveness,
    pub(super) task: Option<Waker>,
    pub(super) clock_looks_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// The leader is silent, and no call is given to it.
    GivenUp,
    GoingAway,
    Closed,
}

impl State {
    /// Whether another call can be sent.
    pub(super) fn admit(&self, packet: &[u8], settings: &LinkSettings) -> Result<(), StartError> {
        match self.phase {
            Phase::Closed => Err(StartError::Closed),
            Phase::GoingAway | Phase::GivenUp => Err(StartError::GoingAway),
            Phase::Open => {
                // A packet alone always passes: the frame limits bound it.
                let pending = self.outbound.pending();
                let full = pending > 0 && pending + packet.len() > settings.outbound_bytes;
                if full { Err(StartError::Busy) } else { Ok(()) }
            }
        }
    }

    /// Bytes have come from the leader. `true`: it had been reported as silent.
    pub(super) fn heard(&mut self, now: Instant) -> bool {
        if self.phase == Phase::GivenUp {
            self.phase = Phase::Open;
        }
        self.liveness.heard(now)
    }

    /// The leader takes no more calls, and of those that were sent only the first `accepted`.
    pub(super) fn go_away(&mut self, accepted: u64, wakers: &mut Vec<Waker>) {
        if self.phase != Phase::Closed {
            self.phase = Phase::GoingAway;
        }
        self.calls.not_accepted(accepted, wakers);
    }

    /// Ends the calls whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant, ended: &mut Vec<Ended>) {
        self.calls.expire(now, self.outbound.maybe_written(), ended);
        self.take_back(ended);
    }

    /// The leader has been silent for too long: what need not wait for it does not.
    pub(super) fn give_up(&mut self, ended: &mut Vec<Ended>) {
        if self.phase == Phase::Open {
            self.phase = Phase::GivenUp;
        }
        let before = ended.len();
        self.calls.give_up(self.outbound.maybe_written(), ended);
        self.take_back(ended.get(before..).unwrap_or_default());
    }

    /// Takes back the calls of which nothing was written: the leader may have been stopped, and would execute them when
    /// it goes on.
    fn take_back(&mut self, ended: &[Ended]) {
        let mut unsent: Vec<_> = ended.iter().filter_map(|call| call.unsent.clone()).collect();
        if !unsent.is_empty() {
            unsent.sort_by_key(|packet| packet.start);
            self.outbound.withdraw(&unsent);
            self.calls.withdrawn(&unsent);
            self.ordinal -= unsent.len() as u64;
        }
    }

    /// Appends a packet. A batch: to be written by the one who has appended it.
    pub(super) fn send(&mut self, packet: &[u8]) -> Option<Batch> {
        self.outbound.append(packet);
        if self.outbound.should_flush() { self.outbound.begin() } else { None }
    }
}
