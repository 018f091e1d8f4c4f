//! The calls of one connection that wait for an answer.
//!
//! A slab: each call has a slot, the packet's [id](Ids) leads to it, and an id is not given out again, so that an
//! answer which comes after its call was given up finds no call, whoever has the slot by then.
//!
//! ```text
//!        insert              answer                  poll
//! free ──────────> waiting ──────────> answered ──────────────> free
//!                     │ expire, give_up, lose …           poll  │
//!                     ├──────────────> lost ────────────────────┤
//!                     └──────────────── remove ─────────────────┘
//! ```

use std::{ops::Range, task::Waker, time::Instant};

use cluster_protocol::Failure;

use super::ids::Ids;
use super::outbound::Withdrawn;
use super::payload::Payload;
use crate::planted::{Bug, planted};

/// When no call is left, a table that has grown larger than this in a burst is given back to the allocator.
const KEPT: usize = 1024;

/// The calls of one connection.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    ids: Ids,
    slots: Vec<Slot>,
    free: Vec<u16>,
    live: usize,
    /// No waiting call has an earlier deadline.
    earliest: Option<Instant>,
}

/// A call on its way into the table.
#[derive(Debug)]
pub(crate) struct NewCall {
    /// Its number, used for no other packet of this connection.
    pub(crate) sequence: u64,
    pub(crate) deadline: Instant,
    /// Where its packet is in the connection's stream of bytes.
    pub(crate) packet: Range<u64>,
    /// Its number among the calls that were sent on this connection, from 1.
    pub(crate) ordinal: u64,
    pub(crate) traits: CallTraits,
    /// Woken when the call is over.
    pub(crate) waker: Waker,
}

/// What a connection treats one call otherwise for than another.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CallTraits {
    /// It may be sent to somebody else although the leader may have it.
    pub(crate) idempotent: bool,
    /// It publishes something or takes it back: until that is known, what was published before is not to be made again.
    pub(crate) settles: bool,
}

/// What the payload of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    /// The method's result.
    Ok,
    /// The method's own error.
    Err,
    /// A message in UTF-8 that says why there is neither.
    Failed(Failure),
}

/// Why a call has no answer. `sent`: the leader may have got all of it, or still get it, and so may execute it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallLoss {
    /// Its deadline has passed.
    Expired { sent: bool },
    /// The leader is going away and did not accept it: it did not run.
    NotAccepted,
    /// The connection has ended.
    Disconnected { sent: bool },
}

/// A call that no answer is waited for any longer.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) id: u64,
    /// To be woken.
    pub(crate) waker: Waker,
    /// Its packet, if no writer has touched it. It has to be withdrawn: the call must not run any more.
    pub(crate) unsent: Option<Range<u64>>,
}

/// What [`Calls::poll`] has found.
#[derive(Debug)]
pub(crate) enum Polled {
    /// The call still waits, now with another waker. To drop the old one may run foreign code, so that is left to
    /// the caller, who does it outside the lock.
    Waiting { _replaced: Option<Waker> },
    /// The call is over and its slot free.
    Over(Result<AnswerKind, CallLoss>),
}

#[derive(Debug)]
struct Slot {
    id: u64,
    state: State,
    deadline: Instant,
    packet: Range<u64>,
    ordinal: u64,
    traits: CallTraits,
    /// Its buffer outlives the call.
    payload: Payload,
}

#[derive(Debug)]
enum State {
    Free,
    Waiting(Waker),
    Over(Result<AnswerKind, CallLoss>),
}

impl Calls {
    /// No calls yet; theirs and all other requests of the connection have ids of this kind.
    pub(crate) fn with_ids(ids: Ids) -> Self {
        Self { ids, ..Self::default() }
    }

    /// The id for a request that is not in the table.
    pub(crate) fn next_id(&mut self, sequence: u64) -> u64 {
        self.ids.next(sequence)
    }

    /// Takes a slot and returns the id for the call's packet. `None`: there are 65,536 already.
    pub(crate) fn insert(&mut self, call: NewCall) -> Option<u64> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.grow(call.deadline)?,
        };
        let slot = self.slots.get_mut(usize::from(index))?;
        slot.id = self.ids.assign(call.sequence, index);
        slot.state = State::Waiting(call.waker);
        slot.deadline = call.deadline;
        slot.packet = call.packet;
        slot.ordinal = call.ordinal;
        slot.traits = call.traits;
        self.live += 1;
        self.earliest = self.earliest.into_iter().chain([call.deadline]).min();
        Some(slot.id)
    }

    /// Whether the call is over. If it is, its payload is in `into`, whose buffer goes into the slot instead. If it
    /// is not, `waker` is the one to be woken.
    pub(crate) fn poll(&mut self, id: u64, waker: &Waker, into: &mut Payload) -> Polled {
        match self.find(id) {
            Some(Slot { state: State::Waiting(current), .. }) => {
                let changed = !current.will_wake(waker);
                Polled::Waiting {
                    _replaced: changed.then(|| std::mem::replace(current, waker.clone())),
                }
            }
            Some(slot @ &mut Slot { state: State::Over(outcome), .. }) => {
                std::mem::swap(&mut slot.payload, into);
                self.free(id);
                Polled::Over(outcome)
            }
            // Only the call's future polls, and not once it is over.
            _ => Polled::Over(Err(CallLoss::Disconnected { sent: true })),
        }
    }

    /// Forgets a call that nobody polls any more. Its waker, if the leader may still be working on it.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Waker> {
        let waiting = self.find(id)?.is_waiting();
        self.live -= usize::from(waiting);
        match self.free(id) {
            State::Waiting(waker) => Some(waker),
            State::Over(_) | State::Free => None,
        }
    }

    /// Fills in the answer of a call and returns the waker to be woken, unless nobody waits for it any more.
    pub(crate) fn answer(
        &mut self,
        id: u64,
        kind: AnswerKind,
        fill: impl FnOnce(&mut Payload),
    ) -> Option<Waker> {
        let slot = self.find(id)?;
        let waker = slot.finish(Ok(kind))?;
        fill(&mut slot.payload);
        self.live -= 1;
        Some(waker)
    }

    /// Ends the calls whose deadline has passed. The socket may have accepted `written` bytes.
    pub(crate) fn expire(&mut self, now: Instant, written: u64, ended: &mut Vec<Ended>) {
        if self.earliest.is_none_or(|earliest| earliest > now) || planted(Bug::ForgetsDeadlines) {
            return;
        }
        self.earliest = None;
        for slot in &mut self.slots {
            if !slot.is_waiting() {
                continue;
            }
            if slot.deadline > now {
                self.earliest = self.earliest.into_iter().chain([slot.deadline]).min();
                continue;
            }
            let sent = slot.packet.start < written;
            let call = slot.end(CallLoss::Expired { sent }, sent);
            self.live -= usize::from(call.is_some());
            ended.extend(call);
        }
    }

    /// The leader is silent, and others will do: ends the calls of which it has nothing, and those that may run twice.
    /// The socket may have accepted `written` bytes.
    pub(crate) fn give_up(&mut self, written: u64, ended: &mut Vec<Ended>) {
        for slot in self.slots.iter_mut().filter(|slot| slot.is_waiting()) {
            // Once the first byte of a packet is written the others must follow, and then it may run.
            let sent = slot.packet.start < written;
            if !sent || slot.traits.idempotent {
                let call = slot.end(CallLoss::Disconnected { sent }, sent);
                self.live -= usize::from(call.is_some());
                ended.extend(call);
            }
        }
    }

    /// The packets of calls that have ended were taken out of the stream.
    pub(crate) fn withdrawn(&mut self, packets: &Withdrawn<'_>) {
        for slot in self.slots.iter_mut().filter(|slot| slot.is_waiting()) {
            let (count, bytes) = packets.before(slot.packet.start);
            slot.ordinal -= count;
            slot.packet = slot.packet.start - bytes..slot.packet.end - bytes;
        }
    }

    /// Where the packet of a call ends in the stream.
    pub(crate) fn end_of(&mut self, id: u64) -> Option<u64> {
        self.find(id).map(|slot| slot.packet.end)
    }

    /// The leader is going away and has accepted only the first `accepted` calls.
    pub(crate) fn not_accepted(&mut self, accepted: u64, wakers: &mut Vec<Waker>) {
        self.lose(wakers, |slot| (slot.ordinal > accepted).then_some(CallLoss::NotAccepted));
    }

    /// The connection has ended, and the socket had accepted `written` bytes.
    pub(crate) fn lose_all(&mut self, written: u64, wakers: &mut Vec<Waker>) {
        self.lose(wakers, |slot| Some(CallLoss::Disconnected { sent: slot.packet.end <= written }));
    }

    /// How many calls wait.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Whether a call waits that publishes something or takes it back.
    pub(crate) fn any_settles(&self) -> bool {
        self.live > 0 && self.slots.iter().any(|slot| slot.traits.settles && slot.is_waiting())
    }

    /// No call expires before this; `None`: no call waits. May be earlier than it has to be.
    pub(crate) fn earliest_deadline(&self) -> Option<Instant> {
        self.earliest.filter(|_| self.live > 0)
    }

    fn lose(&mut self, wakers: &mut Vec<Waker>, loss: impl Fn(&Slot) -> Option<CallLoss>) {
        for slot in &mut self.slots {
            let waker = loss(slot).and_then(|loss| slot.finish(Err(loss)));
            self.live -= usize::from(waker.is_some());
            wakers.extend(waker);
        }
    }

    fn grow(&mut self, deadline: Instant) -> Option<u16> {
        let index = u16::try_from(self.slots.len()).ok()?;
        self.slots.push(Slot {
            id: 0,
            state: State::Free,
            deadline,
            packet: 0..0,
            ordinal: 0,
            traits: CallTraits::default(),
            payload: Payload::default(),
        });
        Some(index)
    }

    /// The slot of a call that is not forgotten.
    fn find(&mut self, id: u64) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(usize::from(self.ids.slot(id)?))?;
        (slot.id == id && !matches!(slot.state, State::Free)).then_some(slot)
    }

    fn free(&mut self, id: u64) -> State {
        let (Some(index), Some(slot)) = (self.ids.slot(id), self.find(id)) else {
            return State::Free;
        };
        slot.payload.clear();
        let state = std::mem::replace(&mut slot.state, State::Free);
        self.free.push(index);
        self.ids.release(id);
        if self.slots.len() > KEPT && self.free.len() == self.slots.len() {
            *self = Self::with_ids(std::mem::take(&mut self.ids));
        }
        state
    }
}

impl Slot {
    /// The call is over, if it was not before; the waker to be woken.
    fn finish(&mut self, outcome: Result<AnswerKind, CallLoss>) -> Option<Waker> {
        match std::mem::replace(&mut self.state, State::Over(outcome)) {
            State::Waiting(waker) => Some(waker),
            earlier => {
                self.state = earlier;
                None
            }
        }
    }

    /// The same, of a call that waits.
    fn end(&mut self, loss: CallLoss, sent: bool) -> Option<Ended> {
        let waker = self.finish(Err(loss))?;
        let unsent = (!sent).then(|| self.packet.clone());
        Some(Ended { id: self.id, waker, unsent })
    }

    fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting(_))
    }
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
