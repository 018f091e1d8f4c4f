//! A leader that did not run for a while finds calls that nobody waits for any more. That they were given up stands behind
//! them: so, until it has caught up, it reads as much as its buffer takes before it starts any.

use std::collections::HashSet;
use std::task::{Context, Poll};
use std::time::Duration;

use cluster_protocol::{CANCEL, FrameLimits, Parse, parse};

use crate::planted::{Bug, planted};
use crate::runtime::transport::{BUSY, ReadHalf};

/// Who has not looked for so long is late. A call that may wait less than this is started all the same.
const LATE: Duration = Duration::from_millis(100);

/// Which of the buffered calls nobody waits for.
#[derive(Default)]
pub(super) struct GivenUp {
    calls: HashSet<u64>,
    /// Those of a follower that is gone.
    all: bool,
    /// There may be more that has waited for long.
    behind: bool,
}

impl GivenUp {
    pub(super) fn contains(&self, call: u64) -> bool {
        self.all || self.calls.contains(&call)
    }

    /// Something was read that may have waited for so long. Returns how many bytes were read behind that.
    pub(super) fn after_a_read(
        &mut self,
        waited: Duration,
        read: &mut ReadHalf,
        cx: &mut Context<'_>,
        limits: &FrameLimits,
    ) -> usize {
        let behind = self.behind || waited >= LATE;
        *self = Self::default();
        if !behind || planted(Bug::RunsCallsGivenUpMeanwhile) {
            return 0;
        }
        let before = read.buffered().len();
        self.behind = true;
        while self.behind && read.buffered().len() < BUSY {
            match read.poll_read(cx) {
                // The connection ends when what came before is handled: there may be one-way calls in it.
                Poll::Ready(Ok(0) | Err(_)) => (self.all, self.behind) = (true, false),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => self.behind = false,
            }
        }
        self.calls = cancels(read.buffered(), limits);
        read.buffered().len() - before
    }
}

/// The calls that are cancelled in what is buffered.
fn cancels(mut buffered: &[u8], limits: &FrameLimits) -> HashSet<u64> {
    let mut calls = HashSet::new();
    // What cannot be read is found out when it is its turn.
    while let Ok(Parse::Complete(packet)) = parse(buffered, limits) {
        if packet.conn == CANCEL.as_bytes() {
            calls.insert(packet.header.id);
        }
        buffered = buffered.get(packet.header.packet_len()..).unwrap_or_default();
    }
    calls
}
