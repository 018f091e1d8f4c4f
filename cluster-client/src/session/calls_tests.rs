use std::{task::Waker, time::Duration};

use super::*;

/// As many calls fit.
const MAX_CALLS: usize = 1 << 16;

/// The slot of a call.
fn index(id: u64) -> usize {
    (id & 0xffff) as usize
}

/// A table, and what the calls in it have in common.
struct Table {
    calls: Calls,
    now: Instant,
    sequence: u64,
}

impl Table {
    fn new() -> Self {
        Self { calls: Calls::default(), now: Instant::now(), sequence: 0 }
    }

    /// The n-th call is the n-th on the connection and takes 10 bytes.
    fn insert(&mut self, seconds: u64) -> u64 {
        self.sequence += 1;
        let end = self.sequence * 10;
        let call = NewCall {
            sequence: self.sequence,
            deadline: self.after(seconds),
            packet: end - 10..end,
            ordinal: self.sequence,
            traits: CallTraits::default(),
            waker: Waker::noop().clone(),
        };
        self.calls.insert(call).unwrap()
    }

    fn after(&self, seconds: u64) -> Instant {
        self.now + Duration::from_secs(seconds)
    }

    /// `None`: it still waits.
    fn poll(&mut self, id: u64) -> Option<Result<(AnswerKind, Vec<u8>), CallLoss>> {
        let mut payload = Payload::default();
        match self.calls.poll(id, Waker::noop(), &mut payload) {
            Polled::Waiting { .. } => None,
            Polled::Over(outcome) => Some(outcome.map(|kind| (kind, payload.to_vec()))),
        }
    }

    fn answer(&mut self, id: u64, data: &[u8]) -> bool {
        self.calls.answer(id, AnswerKind::Ok, |payload| payload.fill(data)).is_some()
    }
}

#[test]
fn each_answer_goes_to_its_call() {
    let mut table = Table::new();
    let (a, b) = (table.insert(1), table.insert(1));
    assert_eq!((table.poll(a), table.poll(b), table.calls.live()), (None, None, 2));
    assert!(table.answer(b, b"b") && table.answer(a, b"a"));
    assert_eq!(table.poll(a), Some(Ok((AnswerKind::Ok, b"a".to_vec()))));
    assert_eq!(table.poll(b), Some(Ok((AnswerKind::Ok, b"b".to_vec()))));
    assert_eq!(table.calls.live(), 0);
}

#[test]
fn a_late_answer_never_meets_the_next_call_in_the_slot() {
    let mut table = Table::new();
    let gone = table.insert(1);
    assert!(table.calls.remove(gone).is_some());
    assert!(table.calls.remove(gone).is_none());
    let next = table.insert(1);
    assert_eq!(index(gone), index(next));
    assert!(!table.answer(gone, b"late"));
    assert_eq!(table.poll(next), None);
    assert!(table.answer(next, b"own"));
    assert!(!table.answer(next, b"twice"));
    assert_eq!(table.poll(next), Some(Ok((AnswerKind::Ok, b"own".to_vec()))));
}

#[test]
fn an_answered_call_that_is_dropped_needs_no_cancel() {
    let mut table = Table::new();
    let id = table.insert(1);
    table.answer(id, b"x");
    assert!(table.calls.remove(id).is_none());
    assert_eq!(index(table.insert(1)), index(id), "its slot is free");
}

#[test]
fn who_is_given_up_keeps_what_it_may_have_got_and_must_not_run_twice() {
    let mut table = Table::new();
    let (written, partly, unwritten) = (table.insert(1), table.insert(1), table.insert(1));
    let call = NewCall {
        sequence: 9,
        deadline: table.after(1),
        packet: 0..5,
        ordinal: 4,
        traits: CallTraits { idempotent: true, ..CallTraits::default() },
        waker: Waker::noop().clone(),
    };
    let again = table.calls.insert(call).unwrap();
    let mut ended = Vec::new();
    table.calls.give_up(15, &mut ended);
    let ended: Vec<_> = ended.into_iter().map(|call| (call.id, call.unsent)).collect();
    assert_eq!(ended, [(unwritten, Some(20..30)), (again, None)]);
    assert_eq!((table.poll(written), table.poll(partly)), (None, None));
    assert_eq!(table.poll(unwritten), Some(Err(CallLoss::Disconnected { sent: false })));
    assert_eq!(table.poll(again), Some(Err(CallLoss::Disconnected { sent: true })));
    assert_eq!(table.calls.live(), 2);
}

#[test]
fn calls_expire_at_their_deadline() {
    let mut table = Table::new();
    let ids = [2, 1, 3].map(|seconds| table.insert(seconds));
    assert_eq!(table.calls.earliest_deadline(), Some(table.after(1)));
    let mut expired = Vec::new();
    table.calls.expire(table.after(1) - Duration::from_nanos(1), 30, &mut expired);
    assert!(expired.is_empty());

    // Of the first two calls one was written and the other was not.
    table.calls.expire(table.after(2), 10, &mut expired);
    let expired: Vec<_> = expired.into_iter().map(|call| (call.id, call.unsent)).collect();
    assert_eq!(expired, [(ids[0], None), (ids[1], Some(10..20))]);
    assert_eq!(table.poll(ids[0]), Some(Err(CallLoss::Expired { sent: true })));
    assert_eq!(table.poll(ids[1]), Some(Err(CallLoss::Expired { sent: false })));
    assert_eq!((table.poll(ids[2]), table.calls.live()), (None, 1));
    assert_eq!(table.calls.earliest_deadline(), Some(table.after(3)));
}

#[test]
fn calls_behind_a_withdrawn_one_move_up() {
    let mut table = Table::new();
    let ids = [9, 1, 9, 1, 9].map(|seconds| table.insert(seconds));
    table.calls.expire(table.after(1), 0, &mut Vec::new());
    table.calls.withdrawn(&Withdrawn::new(&[10..20, 30..40]));
    let at = |id| table.calls.slots.get(index(id)).map(|slot| (slot.ordinal, slot.packet.clone()));
    let expected = [Some((1, 0..10)), Some((2, 10..20)), Some((3, 20..30))];
    assert_eq!([at(ids[0]), at(ids[2]), at(ids[4])], expected);
}

#[test]
fn a_leader_that_goes_away_accepts_by_order() {
    let mut table = Table::new();
    let ids = [1, 1, 1].map(|seconds| table.insert(seconds));
    let mut wakers = Vec::new();
    table.calls.not_accepted(2, &mut wakers);
    assert_eq!(wakers.len(), 1);
    assert_eq!(ids.map(|id| table.poll(id)), [None, None, Some(Err(CallLoss::NotAccepted))]);
}

#[test]
fn the_end_of_the_connection_says_what_was_wholly_sent() {
    let mut table = Table::new();
    let ids = [1, 1, 1].map(|seconds| table.insert(seconds));
    table.answer(ids[0], b"answered before");
    let mut wakers = Vec::new();
    table.calls.lose_all(29, &mut wakers);
    assert_eq!((wakers.len(), table.calls.live()), (2, 0));
    let lost = |sent| Some(Err(CallLoss::Disconnected { sent }));
    assert_eq!([table.poll(ids[1]), table.poll(ids[2])], [lost(true), lost(false)]);
    assert!(matches!(table.poll(ids[0]), Some(Ok(_))));
}

#[test]
fn the_number_of_calls_is_bounded_and_a_burst_leaves_no_memory_behind() {
    let mut table = Table::new();
    let ids: Vec<u64> = (0..MAX_CALLS).map(|_| table.insert(1)).collect();
    let one_more = |table: &mut Table| {
        let waker = Waker::noop().clone();
        let call = NewCall {
            sequence: 1 << 20,
            deadline: table.now,
            packet: 0..1,
            ordinal: 1,
            traits: CallTraits::default(),
            waker,
        };
        table.calls.insert(call)
    };
    assert_eq!(one_more(&mut table), None);
    table.calls.remove(ids[0]);
    let last = one_more(&mut table).unwrap();
    for id in ids {
        table.calls.remove(id);
    }
    assert_eq!((table.calls.live(), table.calls.slots.len()), (1, MAX_CALLS));
    table.calls.remove(last);
    assert_eq!((table.calls.live(), table.calls.slots.len()), (0, 0));
    let again = table.insert(1);
    assert!(table.answer(again, b"x"));
}
