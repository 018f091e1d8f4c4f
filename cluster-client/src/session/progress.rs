//! Whether a peer keeps up: with the packet that it sends, and with reading the answers that it is owed. Looked at from
//! time to time; a process that was itself late blames nobody, as in [`Liveness`](super::liveness::Liveness).

use std::time::{Duration, Instant};

use crate::limits::Limits;

/// The rate at which a packet comes is an average over at least this.
const SAMPLE: Duration = Duration::from_secs(5);

/// A packet that has begun and is not whole yet.
#[derive(Debug)]
pub(crate) struct Arrival {
    time: Duration,
    rate: usize,
    /// When the packet began, by which it is told from others.
    began: Option<Instant>,
    /// What it is timed from, and what its rate is measured from.
    since: Option<Instant>,
    sample: Option<Instant>,
    /// What has come since then.
    bytes: usize,
    was_not_read: bool,
}

/// A packet takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    /// It has begun this long ago.
    Time(Duration),
    /// So many bytes have come in this time.
    Rate(usize, Duration),
}

impl Arrival {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            time: limits.packet_time,
            rate: limits.packet_rate,
            began: None,
            since: None,
            sample: None,
            bytes: 0,
            was_not_read: false,
        }
    }

    /// When the packet began that is not whole yet, if there is one.
    pub(crate) fn begun(&mut self, at: Option<Instant>) {
        if self.began != at {
            (self.began, self.since, self.sample, self.bytes) = (at, at, at, 0);
        }
    }

    /// So many bytes have come.
    pub(crate) fn read(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// This process has not read for a while, or was late: until it is looked at again the peer is not blamed.
    pub(crate) fn was_not_read(&mut self) {
        self.was_not_read = true;
    }

    /// Whether the packet takes too long.
    pub(crate) fn late(&mut self, now: Instant) -> Option<Late> {
        let (since, sample) = (self.since?, self.sample?);
        if std::mem::take(&mut self.was_not_read) {
            (self.since, self.sample, self.bytes) = (Some(now), Some(now), 0);
            return None;
        }
        if now - since >= self.time {
            return Some(Late::Time(now - since));
        }
        let sampled = now - sample;
        if sampled < SAMPLE {
            return None;
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.sample = Some(now);
        let least = self.rate as f64 * sampled.as_secs_f64();
        ((bytes as f64) < least).then_some(Late::Rate(bytes, sampled))
    }
}

impl std::fmt::Display for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Time(time) => {
                write!(f, "a packet took more than {time:.1?} (limits.packet_time)")
            }
            Self::Rate(bytes, time) => {
                write!(f, "of a packet {bytes} bytes came in {time:.1?} (limits.packet_rate)")
            }
        }
    }
}

/// What a peer is owed and has not read.
#[derive(Debug)]
pub(crate) struct Stall {
    patience: Duration,
    /// Where the last answer ends in the stream of bytes.
    owed: u64,
    written: u64,
    /// Since when nothing moves.
    since: Option<Instant>,
}

impl Stall {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience, owed: 0, written: 0, since: None }
    }

    /// An answer ends there.
    pub(crate) fn owe(&mut self, until: u64) {
        self.owed = until;
    }

    /// This process was late.
    pub(crate) fn spare(&mut self) {
        self.since = None;
    }

    /// For how long it has read nothing of what it is owed, if that is too long. `written`: how far it has been written.
    pub(crate) fn stalled(&mut self, now: Instant, written: u64) -> Option<Duration> {
        let moves = written > self.written || written >= self.owed;
        self.written = written;
        if moves {
            self.since = None;
            return None;
        }
        let stalled = now - *self.since.get_or_insert(now);
        (stalled >= self.patience).then_some(stalled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn arrival() -> (Arrival, Instant) {
        let limits = Limits { packet_time: SECOND * 30, packet_rate: 1000, ..Limits::default() };
        let start = Instant::now();
        let mut arrival = Arrival::new(&limits);
        arrival.begun(Some(start));
        (arrival, start)
    }

    #[test]
    fn a_packet_keeps_its_rate_and_still_comes_to_an_end() {
        let (mut arrival, start) = arrival();
        for second in 1..30 {
            arrival.read(1000);
            assert_eq!(arrival.late(start + SECOND * second), None, "second {second}");
        }
        assert_eq!(arrival.late(start + SECOND * 30), Some(Late::Time(SECOND * 30)));
    }

    #[test]
    fn a_packet_that_dribbles_is_late() {
        let (mut arrival, start) = arrival();
        arrival.read(4999);
        assert_eq!(arrival.late(start + SECOND * 4), None, "it may still come");
        assert_eq!(arrival.late(start + SECOND * 5), Some(Late::Rate(4999, SECOND * 5)));
    }

    #[test]
    fn each_packet_is_timed_from_its_own_beginning() {
        let (mut arrival, start) = arrival();
        arrival.begun(Some(start + SECOND * 4));
        assert_eq!(arrival.late(start + SECOND * 6), None);
        arrival.begun(None);
        assert_eq!(arrival.late(start + SECOND * 100), None, "nothing is coming");
    }

    #[test]
    fn who_has_not_read_blames_nobody() {
        let (mut arrival, start) = arrival();
        arrival.was_not_read();
        assert_eq!(arrival.late(start + SECOND * 40), None);
        arrival.begun(Some(start));
        assert_eq!(arrival.late(start + SECOND * 44), None);
        assert_eq!(arrival.late(start + SECOND * 45), Some(Late::Rate(0, SECOND * 5)));
    }

    #[test]
    fn who_reads_none_of_its_answers_has_stalled() {
        let start = Instant::now();
        let mut stall = Stall::new(SECOND * 10);
        stall.owe(100);
        assert_eq!(stall.stalled(start, 50), None);
        for second in 1..=10 {
            assert_eq!(stall.stalled(start + SECOND * second, 50), None);
        }
        assert_eq!(stall.stalled(start + SECOND * 11, 50), Some(SECOND * 10));
        stall.spare();
        assert_eq!(stall.stalled(start + SECOND * 12, 50), None, "this process was late");
        assert_eq!(stall.stalled(start + SECOND * 25, 51), None, "it moves");
    }

    #[test]
    fn who_is_owed_nothing_has_not_stalled() {
        let start = Instant::now();
        let mut stall = Stall::new(SECOND);
        stall.owe(100);
        assert_eq!([0, 50].map(|at| stall.stalled(start + SECOND * at, 100)), [None; 2]);
    }
}
