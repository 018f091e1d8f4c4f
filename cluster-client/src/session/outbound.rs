//! What is to be written on one connection, and who writes it.
//!
//! Whoever has something to send appends it under the connection's lock and is told whether to write the socket
//! too. Writing happens outside the lock, with a buffer that was swapped out: there is one writer at a time, and it
//! takes along what others append meanwhile.
//!
//! ```text
//! append ── should_flush? ── no ──> somebody else writes it: the writer of this moment, the last of the woken
//!    │                              callers, or the connection's task at its next turn
//!    └──── yes ──> begin ──> (write, unlocked) ──> end ──> Again | Done | WakeTask
//! ```

use std::ops::Range;

use super::share::{Share, Total};

#[cfg(test)]
mod tests;

/// One writer takes along at most so many bytes that callers have put off.
const DEFERRED: usize = 64 * 1024;

/// A buffer that grew larger than this in a burst is given back to the allocator.
const KEPT: usize = 256 * 1024;

/// What is to be written on one connection.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    /// Appended, and taken by no writer yet.
    buf: Vec<u8>,
    /// The empty buffer that takes the place of `buf` when a writer takes that.
    spare: Vec<u8>,
    /// What a writer could not get rid of. It goes before `buf`.
    left: Option<Batch>,
    flushing: bool,
    blocked: bool,
    broken: bool,
    deferred: bool,
    /// How many of the callers that were woken together have not sent anything since.
    woken: usize,
    queued: u64,
    written: u64,
    /// Where the batch ends that a writer has, in the stream of bytes.
    taken: u64,
    /// Of what all connections have pending.
    share: Option<Share>,
}

/// Bytes that a writer has taken.
#[derive(Debug)]
pub(crate) struct Batch {
    buf: Vec<u8>,
    at: usize,
}

/// How an attempt to write a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteStatus {
    /// All of it was written.
    Done,
    /// The socket takes no more for now.
    Blocked,
    /// The socket takes no more, ever.
    Broken,
}

/// What the writer does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// More was appended meanwhile: [`Outbound::begin`] again.
    Again,
    Done,
    /// The connection's task has to go on: it waits until the socket is writable, or notices that it is broken.
    WakeTask,
}

/// Packets that were taken out of a stream of bytes: what is behind them moves up.
#[derive(Debug)]
pub(crate) struct Withdrawn<'a> {
    packets: &'a [Range<u64>],
    /// For each, how many bytes it and those before it were.
    bytes: Vec<u64>,
}

impl<'a> Withdrawn<'a> {
    /// `packets` are in order.
    pub(crate) fn new(packets: &'a [Range<u64>]) -> Self {
        let mut total = 0;
        let bytes = packets.iter().map(|packet| {
            total += packet.end - packet.start;
            total
        });
        Self { packets, bytes: bytes.collect() }
    }

    /// How many packets, and bytes of them, were before `at`.
    pub(crate) fn before(&self, at: u64) -> (u64, u64) {
        let count = self.packets.partition_point(|packet| packet.start < at);
        let bytes = count.checked_sub(1).and_then(|last| self.bytes.get(last));
        (count as u64, bytes.copied().unwrap_or(0))
    }
}

impl Outbound {
    /// What is pending counts in a total.
    pub(crate) fn counted(total: &Total) -> Self {
        Self { share: Some(total.share()), ..Self::default() }
    }

    /// The connection has ended. A writer that has a batch just now may get rid of that, and of nothing more.
    pub(crate) fn break_off(&mut self) {
        self.broken = true;
        self.buf = Vec::new();
        self.left = None;
        self.count();
    }

    /// Appends bytes and returns where they end in the connection's stream of bytes.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> u64 {
        self.queued += bytes.len() as u64;
        if !self.broken {
            self.buf.extend_from_slice(bytes);
        }
        self.count();
        self.queued
    }

    /// Whether the one who has just appended writes. Otherwise it will be taken along.
    pub(crate) fn should_flush(&mut self) -> bool {
        if !self.deferred {
            return self.is_writable();
        }
        self.woken = self.woken.saturating_sub(1);
        self.is_writable() && (self.woken == 0 || self.buf.len() >= DEFERRED)
    }

    /// Takes what is to be written. `None`: there is nothing, or somebody else writes, or nobody can.
    pub(crate) fn begin(&mut self) -> Option<Batch> {
        if !self.is_writable() {
            return None;
        }
        let batch = match self.left.take() {
            Some(left) => left,
            None if self.buf.is_empty() => return None,
            None => Batch {
                buf: std::mem::replace(&mut self.buf, std::mem::take(&mut self.spare)),
                at: 0,
            },
        };
        self.flushing = true;
        self.taken = self.written + batch.bytes().len() as u64;
        Some(batch)
    }

    /// Gives back what [`begin`](Self::begin) took, of which the socket has accepted `written` bytes.
    pub(crate) fn end(&mut self, mut batch: Batch, written: usize, status: WriteStatus) -> Next {
        self.flushing = false;
        self.written += written as u64;
        self.taken = self.written;
        batch.at += written;
        self.broken |= status == WriteStatus::Broken;
        self.count();
        let status = if self.broken { WriteStatus::Broken } else { status };
        match status {
            WriteStatus::Done => {
                self.keep(batch.buf);
                if self.buf.is_empty() { Next::Done } else { Next::Again }
            }
            WriteStatus::Blocked => {
                self.left = Some(batch);
                self.blocked = true;
                Next::WakeTask
            }
            WriteStatus::Broken => {
                self.buf = Vec::new();
                Next::WakeTask
            }
        }
    }

    /// Takes packets out again, whose sender has given up before any writer had them. They are in order, and none
    /// begins before [`maybe_written`](Self::maybe_written).
    pub(crate) fn withdraw(&mut self, packets: &[Range<u64>]) {
        let buf_start = self.queued - self.buf.len() as u64;
        let (in_left, in_buf) =
            packets.split_at(packets.partition_point(|packet| packet.start < buf_start));
        if let Some(left) = &mut self.left {
            cut(&mut left.buf, self.written - left.at as u64, in_left);
        }
        cut(&mut self.buf, buf_start, in_buf);
        self.queued -= packets.iter().map(|packet| packet.end - packet.start).sum::<u64>();
    }

    /// The socket is writable again.
    pub(crate) fn unblock(&mut self) {
        self.blocked = false;
    }

    /// `n` callers are about to be woken. The last of them to send something writes for all; what they leave, the
    /// connection's task writes at its next turn, so it must have one.
    pub(crate) fn batch_woken(&mut self, n: usize) {
        self.deferred = true;
        self.woken = n;
    }

    /// A turn of the connection's task begins: nothing is put off any longer.
    pub(crate) fn begin_turn(&mut self) {
        self.deferred = false;
        self.woken = 0;
    }

    /// Bytes that were appended and that the socket has not accepted.
    pub(crate) fn pending(&self) -> usize {
        usize::try_from(self.queued - self.written).unwrap_or(usize::MAX)
    }

    /// Bytes that were ever appended.
    pub(crate) fn queued(&self) -> u64 {
        self.queued
    }

    /// Bytes that the socket has accepted.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that the socket may have accepted: a writer that has some of them has not reported back.
    pub(crate) fn maybe_written(&self) -> u64 {
        self.taken
    }

    /// Whether the task must wait until the socket is writable.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether a write has failed for good.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    fn count(&mut self) {
        let held = if self.broken { 0 } else { self.pending() };
        if let Some(share) = &mut self.share {
            share.set(held);
        }
    }

    fn is_writable(&self) -> bool {
        !(self.flushing || self.blocked || self.broken)
    }

    fn keep(&mut self, mut buf: Vec<u8>) {
        if buf.capacity() <= KEPT {
            buf.clear();
            self.spare = buf;
        }
    }
}

impl Batch {
    /// What is still to be written of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buf.get(self.at..).unwrap_or_default()
    }
}

/// Cuts `packets` out of a buffer that starts at `start` in the stream.
fn cut(buf: &mut Vec<u8>, start: u64, packets: &[Range<u64>]) {
    let in_buf = |at: u64| (at - start) as usize;
    let (mut kept, mut from) = (0, 0);
    for packet in packets {
        let until = in_buf(packet.start);
        buf.copy_within(from..until, kept);
        kept += until - from;
        from = in_buf(packet.end);
    }
    buf.copy_within(from.., kept);
    buf.truncate(buf.len() - (from - kept));
}
