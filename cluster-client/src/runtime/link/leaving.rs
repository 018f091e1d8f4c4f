//! The end of a connection in good order: no more calls, and those that were sent come to their ends.

use super::LeaderLink;
use super::state::{Phase, State};

impl LeaderLink {
    /// Takes no more calls, and returns when none waits for its answer any more.
    pub(crate) async fn leave(&self) {
        while !self.lock().stop_taking_calls() {
            self.quiet.notified().await;
        }
    }

    /// Wakes who leaves.
    pub(super) fn ring_if(&self, quiet: bool) {
        if quiet {
            self.quiet.notify_one();
        }
    }
}

impl State {
    /// True once no call waits any more.
    fn stop_taking_calls(&mut self) -> bool {
        if self.phase != Phase::Closed {
            self.phase = Phase::GoingAway;
        }
        self.phase == Phase::Closed || self.is_quiet()
    }

    /// Whether no call waits any more and none is taken.
    pub(super) fn is_quiet(&self) -> bool {
        self.phase == Phase::GoingAway && self.calls.live() == 0
    }
}
