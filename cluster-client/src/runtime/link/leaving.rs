//! The end of a connection in good order: no more calls, and those that were sent come to their ends.

use cluster_protocol::{HEARTBEAT, set_id, timeout_millis};

use super::state::{Phase, State};
use super::{LeaderLink, no_data};

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
        let timeout = timeout_millis(self.settings.heartbeat_interval);
        // Never fails: connection objects are allowed to be longer than this one.
        let Ok(mut ping) = self.encode(timeout, HEARTBEAT.as_bytes(), &mut no_data) else { return };
        let sequence = self.next_sequence();
        let mut state = self.lock();
        // Nothing comes behind the heartbeat.
        if state.stop_taking_calls() || state.oneways.is_empty() {
            return;
        }
        let id = state.calls.next_id(sequence);
        set_id(&mut ping, id);
        // One that is under way already may be in front of them.
        state.ping = None;
        state.sends_ping(id);
        let batch = state.send(&ping);
        drop(state);
        self.flush(batch);
    }

    /// Wakes who leaves.
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
        self.is_quiet()
    }

    /// Whether nothing is waited for any more and no call is taken.
    pub(super) fn is_quiet(&self) -> bool {
        self.phase == Phase::GoingAway && self.calls.live() == 0 && self.oneways.is_empty()
    }
}
