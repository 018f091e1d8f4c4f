//! The end of a connection in good order: no more calls, and those that were sent come to their ends.

use super::LeaderLink;
use super::state::{Phase, State};

impl LeaderLink {
    /// Takes no more calls, and returns when none waits for its answer any more and the leader has read all.
    pub(crate) async fn leave(&self) {
        self.confirm_oneways();
        while !self.lock().stop_taking_calls() {
            self.quiet.notified().await;
        }
    }

    /// Nothing answers a one-way call, but a heartbeat behind it is answered by who has read it.
    fn confirm_oneways(&self) {
        self.ping_unless(|state| state.stop_taking_calls() || state.oneways.is_empty());
    }

    /// Wakes who leaves, or waits for the leader to catch up.
    pub(super) fn ring_if(&self, quiet: bool) {
        if quiet {
            self.quiet.notify_one();
        }
    }
}

impl State {
    /// True once nothing is waited for any more.
    fn stop_taking_calls(&mut self) -> bool {
        match self.phase {
            Phase::Open | Phase::GoingAway => self.phase = Phase::GoingAway,
            // Of one that is silent nothing is to be expected.
            Phase::GivenUp | Phase::Closed => return true,
        }
        self.awaits_nothing()
    }

    /// Whether nothing is waited for any more and no call is taken, or the leader has caught up.
    pub(super) fn is_quiet(&self) -> bool {
        let has_left = self.phase == Phase::GoingAway && self.awaits_nothing();
        has_left || self.is_behind && self.has_caught_up()
    }

    fn awaits_nothing(&self) -> bool {
        self.calls.live() == 0 && self.oneways.is_empty()
    }
}
