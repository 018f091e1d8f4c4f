//! The one-way calls of one connection of which it is not known that the leader has read them.
//!
//! Nothing answers them. But a connection keeps its order: who answers a request has read all that was written before it.
//!
//! ```text
//!        push                   read_up_to, accept
//! sent ───────> unconfirmed ──────────────────────> forgotten
//!                    │  not written, not accepted: it did not run   ──> `Lost::unsent`
//!                    └─ the connection ends ────────────────────────> `Lost::unknown`
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Instant;

use bytes::Bytes;

use super::outbound::Withdrawn;

/// A one-way call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Oneway {
    /// The method's index.
    pub(crate) method: usize,
    /// Its arguments, encoded.
    pub(crate) data: Bytes,
    pub(crate) deadline: Instant,
}

/// The one-way calls of one connection that are not confirmed.
#[derive(Debug)]
pub(crate) struct Unconfirmed {
    sent: VecDeque<Sent>,
    bytes: usize,
    /// Those that were too many to be kept, older than any that is, and all written.
    counted: BTreeMap<usize, Counted>,
    max_calls: usize,
    max_bytes: usize,
    lost: Lost,
}

#[derive(Debug)]
struct Sent {
    /// Where its packet is in the connection's stream of bytes.
    packet: Range<u64>,
    /// Its number among the calls that were sent on this connection.
    ordinal: u64,
    call: Oneway,
}

/// The calls of one method of which only the last is known.
#[derive(Debug, Default)]
struct Counted {
    calls: u64,
    end: u64,
    ordinal: u64,
}

/// What a connection has not delivered, or not for certain.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Lost {
    /// Did not run, in order.
    pub(crate) unsent: Vec<Oneway>,
    /// For each method, how many calls may have run or not.
    pub(crate) unknown: BTreeMap<usize, u64>,
}

impl Unconfirmed {
    /// Keeps so many calls, and bytes of arguments, to be sent again if need be. Of more it keeps the number only.
    pub(crate) fn new(max_calls: usize, max_bytes: usize) -> Self {
        Self {
            sent: VecDeque::new(),
            bytes: 0,
            counted: BTreeMap::new(),
            max_calls,
            max_bytes,
            lost: Lost::default(),
        }
    }

    /// A call was sent. The socket has accepted `written` bytes before.
    pub(crate) fn push(&mut self, packet: Range<u64>, ordinal: u64, call: Oneway, written: u64) {
        self.bytes += call.data.len();
        self.sent.push_back(Sent { packet, ordinal, call });
        // What is not written is bounded with everything else that is not.
        while (self.sent.len() > self.max_calls || self.bytes > self.max_bytes)
            && self.sent.front().is_some_and(|oldest| oldest.packet.end <= written)
            && let Some(oldest) = self.pop()
        {
            let counted = self.counted.entry(oldest.call.method).or_default();
            *counted = Counted {
                calls: counted.calls + 1,
                end: oldest.packet.end,
                ordinal: oldest.ordinal,
            };
        }
    }

    /// How many calls are not confirmed.
    #[cfg(feature = "testing")]
    pub(crate) fn len(&self) -> usize {
        let counted: u64 = self.counted.values().map(|counted| counted.calls).sum();
        self.sent.len() + counted as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.counted.is_empty()
    }

    /// The leader has read so many bytes of the stream.
    pub(crate) fn read_up_to(&mut self, at: u64) {
        self.counted.retain(|_, counted| counted.end > at);
        while self.sent.front().is_some_and(|oldest| oldest.packet.end <= at) {
            self.pop();
        }
    }

    /// The leader goes away, and has accepted only the first `accepted` calls.
    pub(crate) fn accept(&mut self, accepted: u64) {
        // Not left to be confirmed: a leader that goes away still reads, and drops what it has not accepted.
        for (method, counted) in std::mem::take(&mut self.counted) {
            if counted.ordinal > accepted {
                *self.lost.unknown.entry(method).or_default() += counted.calls;
            }
        }
        while let Some(oldest) = self.pop() {
            if oldest.ordinal > accepted {
                self.lost.unsent.push(oldest.call);
            }
        }
    }

    /// The leader is given up, and may have `written` bytes. Takes out the calls of which it has none; their packets, which are
    /// in order, are to be withdrawn.
    pub(crate) fn give_up(&mut self, written: u64) -> Vec<Range<u64>> {
        let first = self.sent.partition_point(|call| call.packet.start < written);
        let unsent: Vec<Sent> = self.sent.drain(first..).collect();
        let packets = unsent.iter().map(|call| call.packet.clone()).collect();
        for Sent { call, .. } in unsent {
            self.bytes -= call.data.len();
            self.lost.unsent.push(call);
        }
        packets
    }

    /// Packets were taken out of the stream.
    pub(crate) fn withdrawn(&mut self, packets: &Withdrawn<'_>) {
        for call in &mut self.sent {
            let (count, bytes) = packets.before(call.packet.start);
            call.ordinal -= count;
            call.packet = call.packet.start - bytes..call.packet.end - bytes;
        }
    }

    /// The connection has ended, and the socket may have accepted `written` bytes.
    pub(crate) fn lose_all(&mut self, written: u64) {
        for (method, counted) in std::mem::take(&mut self.counted) {
            *self.lost.unknown.entry(method).or_default() += counted.calls;
        }
        while let Some(Sent { packet, call, .. }) = self.pop() {
            if packet.end <= written {
                *self.lost.unknown.entry(call.method).or_default() += 1;
            } else {
                self.lost.unsent.push(call);
            }
        }
    }

    /// What was lost since the last time.
    pub(crate) fn take_lost(&mut self) -> Lost {
        std::mem::take(&mut self.lost)
    }

    fn pop(&mut self) -> Option<Sent> {
        let oldest = self.sent.pop_front()?;
        self.bytes -= oldest.call.data.len();
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table, and calls of 10 bytes that are sent one after the other.
    struct Table {
        calls: Unconfirmed,
        sent: u64,
        written: u64,
        now: Instant,
    }

    impl Table {
        fn new(max_calls: usize, max_bytes: usize) -> Self {
            let calls = Unconfirmed::new(max_calls, max_bytes);
            Self { calls, sent: 0, written: 0, now: Instant::now() }
        }

        fn call(&self, method: usize, n: u64) -> Oneway {
            Oneway { method, data: vec![n as u8; 4].into(), deadline: self.now }
        }

        fn send(&mut self, method: usize) {
            self.sent += 1;
            let (n, end) = (self.sent, self.sent * 10);
            self.calls.push(end - 10..end, n, self.call(method, n), self.written);
        }

        fn lose_all(&mut self) -> (Vec<u8>, Vec<(usize, u64)>) {
            self.calls.lose_all(self.written);
            self.lost()
        }

        /// The numbers of the calls that did not run, and how many of which method may have.
        fn lost(&mut self) -> (Vec<u8>, Vec<(usize, u64)>) {
            let lost = self.calls.take_lost();
            let unsent = lost.unsent.iter().map(|call| call.data[0]).collect();
            (unsent, lost.unknown.into_iter().collect())
        }
    }

    #[test]
    fn what_was_not_wholly_written_did_not_run_and_of_the_rest_nobody_knows() {
        let mut table = Table::new(100, 1000);
        [7, 8, 7, 7, 8].into_iter().for_each(|method| table.send(method));
        table.written = 35;
        assert_eq!(table.lose_all(), (vec![4, 5], vec![(7, 2), (8, 1)]));
        assert_eq!(table.lose_all(), (vec![], vec![]), "once");
        assert!(table.calls.is_empty());
    }

    #[test]
    fn what_a_leader_has_read_and_not_accepted_is_lost() {
        let mut table = Table::new(1, 1000);
        for _ in 0..3 {
            table.send(7);
            table.written += 10;
        }
        table.send(8);
        // Of the three that are only counted the last one was not accepted.
        table.calls.accept(2);
        table.calls.read_up_to(40);
        assert_eq!(table.lost(), (vec![4], vec![(7, 3)]));
        assert!(table.calls.is_empty());
    }

    #[test]
    fn what_the_leader_has_read_is_forgotten() {
        let mut table = Table::new(100, 1000);
        (0..4).for_each(|_| table.send(7));
        table.written = 40;
        table.calls.read_up_to(29);
        assert_eq!(table.calls.sent.len(), 2, "one of them in part only");
        table.calls.read_up_to(10);
        assert_eq!(table.lose_all(), (vec![], vec![(7, 2)]));
        assert_eq!(table.calls.bytes, 0);
    }

    #[test]
    fn a_leader_that_goes_away_says_which_it_has_accepted() {
        let mut table = Table::new(100, 1000);
        (0..4).for_each(|_| table.send(7));
        table.written = 40;
        table.calls.accept(2);
        assert_eq!(table.lost(), (vec![3, 4], vec![]));
        assert_eq!(table.lose_all(), (vec![], vec![]));
    }

    #[test]
    fn a_leader_that_is_given_up_keeps_what_it_may_have_got() {
        let mut table = Table::new(100, 1000);
        (0..4).for_each(|_| table.send(7));
        // The second packet is written in part.
        assert_eq!(table.calls.give_up(15), [20..30, 30..40]);
        assert_eq!(table.lost(), (vec![3, 4], vec![]));
        table.written = 20;
        assert_eq!(table.lose_all(), (vec![], vec![(7, 2)]));
        assert_eq!(table.calls.bytes, 0);
    }

    #[test]
    fn what_is_behind_a_withdrawn_packet_moves_up() {
        let mut table = Table::new(100, 1000);
        (0..3).for_each(|_| table.send(7));
        table.calls.withdrawn(&Withdrawn::new(&[15..18, 18..20]));
        table.calls.read_up_to(20);
        assert_eq!(table.calls.sent.len(), 1);
        table.calls.accept(1);
        assert_eq!(table.lost(), (vec![], vec![]), "it is the first call now");
    }

    #[test]
    fn of_too_many_only_the_number_is_kept() {
        for (max_calls, max_bytes) in [(3, 1000), (100, 12)] {
            let mut table = Table::new(max_calls, max_bytes);
            for method in [7, 8, 7, 7, 8, 8] {
                table.send(method);
                table.written = table.sent * 10 - 10;
            }
            assert_eq!((table.calls.sent.len(), table.calls.counted.len()), (3, 2));
            table.calls.read_up_to(20);
            assert_eq!(table.calls.counted.len(), 1, "all of method 8 that is counted was read");
            assert_eq!(table.lose_all(), (vec![6], vec![(7, 3), (8, 1)]));
        }
        let mut table = Table::new(1, 1000);
        (0..3).for_each(|_| table.send(7));
        assert_eq!(table.lose_all(), (vec![1, 2, 3], vec![]), "nothing of it was written");
    }
}
