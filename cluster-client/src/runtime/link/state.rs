//! What is known of a connection, under its one lock.
//!
//! ```text
//!  ┌─────── silent for too long ──────► GivenUp ─┐
//! Open ◄──── a sign of life ────────────┘        ├── going away ──► GoingAway ──► Closed, from anywhere
//!  └─────────────────────────────────────────────┘
//! ```

use std::{ops::Range, task::Waker, time::Instant};

use super::{LinkSettings, StartError};
use crate::planted::{Bug, planted};
use crate::session::{
    calls::{Calls, Ended},
    liveness::Liveness,
    oneways::{Oneway, Unconfirmed},
    outbound::{Batch, Outbound, Withdrawn},
    progress::Arrival,
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// The leader was given up, and has not caught up since.
    pub(super) is_behind: bool,
    pub(super) outbound: Outbound,
    pub(super) calls: Calls,
    pub(super) oneways: Unconfirmed,
    /// The oldest heartbeat that is not answered: its id, and where it begins in the stream of bytes.
    pub(super) ping: Option<(u64, u64)>,
    /// How many calls were sent, one-way ones included: by this number a leader that goes away says which it took.
    pub(super) ordinal: u64,
    pub(super) liveness: Liveness,
    pub(super) arrival: Arrival,
    pub(super) task: Option<Waker>,
    pub(super) clock_looks_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// The leader is silent, and no call is given to it.
    GivenUp,
    /// No more calls are taken: the leader goes, or this process.
    GoingAway,
    Closed,
}

impl State {
    /// Whether another call can be sent.
    pub(super) fn admit(&self, packet: &[u8], settings: &LinkSettings) -> Result<(), StartError> {
        match self.phase {
            Phase::Closed => Err(StartError::Closed),
            Phase::GoingAway | Phase::GivenUp => Err(StartError::GoingAway),
            // What it does now is followed by what it did before.
            Phase::Open if self.is_behind => Err(StartError::GoingAway),
            Phase::Open => {
                // A packet alone always passes: the frame limits bound it.
                let pending = self.outbound.pending();
                let full = pending > 0 && pending + packet.len() > settings.limits.outbound_bytes;
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
        let accepted = if planted(Bug::TakesBackAcceptedCalls) { 0 } else { accepted };
        self.calls.not_accepted(accepted, wakers);
        self.oneways.accept(accepted);
    }

    /// A call that has no answer is about to be sent.
    pub(super) fn sends_oneway(&mut self, packet: &[u8], call: &Oneway) {
        let begin = self.outbound.queued();
        let packet = begin..begin + packet.len() as u64;
        self.oneways.push(packet, self.ordinal, call.clone(), self.outbound.written());
    }

    /// A heartbeat is about to be sent.
    pub(super) fn sends_ping(&mut self, id: u64) {
        self.ping.get_or_insert((id, self.outbound.queued()));
    }

    /// The leader has answered a heartbeat.
    pub(super) fn pinged(&mut self, id: u64) {
        if let Some((_, begin)) = self.ping.take_if(|(ping, _)| *ping == id) {
            self.oneways.read_up_to(begin);
        }
    }

    /// The connection has ended. What is told now to be unsent must not be written any more.
    pub(super) fn lose_all(&mut self, wakers: &mut Vec<Waker>) {
        let written = self.outbound.maybe_written();
        self.outbound.break_off();
        self.calls.lose_all(written, wakers);
        self.oneways.lose_all(written);
    }

    /// Ends the calls whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant, ended: &mut Vec<Ended>) {
        self.calls.expire(now, self.outbound.maybe_written(), ended);
        self.take_back(unsent(ended));
    }

    /// The leader has been silent for too long: what need not wait for it does not.
    pub(super) fn give_up(&mut self, ended: &mut Vec<Ended>) {
        if self.phase == Phase::Open {
            self.phase = Phase::GivenUp;
        }
        self.is_behind = true;
        let written = self.outbound.maybe_written();
        let mut given_up = Vec::new();
        self.calls.give_up(written, &mut given_up);
        let mut packets = unsent(&given_up);
        packets.extend(self.oneways.give_up(written));
        if !planted(Bug::LeavesGivenUpCallsInTheQueue) {
            self.take_back(packets);
        }
        ended.extend(given_up);
    }

    /// Takes back the calls of which nothing was written: the leader may have been stopped, and would execute them when
    /// it goes on.
    fn take_back(&mut self, mut packets: Vec<Range<u64>>) {
        if packets.is_empty() {
            return;
        }
        packets.sort_by_key(|packet| packet.start);
        self.outbound.withdraw(&packets);
        self.ordinal -= packets.len() as u64;
        let packets = Withdrawn::new(&packets);
        self.calls.withdrawn(&packets);
        self.oneways.withdrawn(&packets);
        if let Some((_, begin)) = &mut self.ping {
            *begin -= packets.before(*begin).1;
        }
    }

    /// Appends a packet. A batch: to be written by the one who has appended it.
    pub(super) fn send(&mut self, packet: &[u8]) -> Option<Batch> {
        self.outbound.append(packet);
        if self.outbound.should_flush() { self.outbound.begin() } else { None }
    }
}

fn unsent(ended: &[Ended]) -> Vec<Range<u64>> {
    ended.iter().filter_map(|call| call.unsent.clone()).collect()
}
