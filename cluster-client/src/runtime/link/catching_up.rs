//! A leader that was given up and goes on is behind: it has yet to read what it was sent before, and what it sent then has yet
//! to be read here. None of that may come after what it is asked anew.

use cluster_protocol::{HEARTBEAT, set_id, timeout_millis};

use super::state::State;
use super::{LeaderLink, no_data};

impl LeaderLink {
    /// Whether the leader was given up, and has not [caught up](Self::caught_up) since.
    pub(crate) fn is_behind(&self) -> bool {
        self.lock().is_behind
    }

    /// Returns when everything that the leader has sent until now has come, and when no call is under way that publishes
    /// something or takes it back.
    pub(crate) async fn caught_up(&self) {
        // It answers when it has read what was sent before.
        self.ping_unless(|_| false);
        while !self.lock().catch_up() {
            self.quiet.notified().await;
        }
    }

    /// Sends a heartbeat behind all that was sent, unless there is nothing that the answer would tell.
    pub(super) fn ping_unless(&self, useless: impl FnOnce(&mut State) -> bool) {
        let timeout = timeout_millis(self.settings.heartbeat_interval);
        // Never fails: connection objects are allowed to be longer than these.
        let Ok(mut ping) = self.encode(timeout, HEARTBEAT.as_bytes(), &mut no_data) else { return };
        let sequence = self.next_sequence();
        let mut state = self.lock();
        // Nothing comes behind the heartbeat of who leaves.
        if useless(&mut state) {
            return;
        }
        let id = state.calls.next_id(sequence);
        set_id(&mut ping, id);
        // One that is under way already is in front of some of it.
        state.ping = None;
        state.sends_ping(id);
        let batch = state.send(&ping);
        drop(state);
        self.flush(batch);
    }
}

impl State {
    /// True once the leader has caught up.
    fn catch_up(&mut self) -> bool {
        let has_caught_up = self.has_caught_up();
        self.is_behind &= !has_caught_up;
        has_caught_up
    }

    pub(super) fn has_caught_up(&self) -> bool {
        self.ping.is_none() && !self.calls.any_settles()
    }
}
