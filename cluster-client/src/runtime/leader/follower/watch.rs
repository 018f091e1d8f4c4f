//! What is looked at from time to time: whether a follower still lives, and what it is owed.

use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::{Follower, State};
use crate::runtime::leader::node;

impl Follower {
    /// Ends the connection of a follower that has been silent for longer than `allowed` (`None`: it may be for ever), that
    /// does not read its answers or that does not come to the end of a packet.
    pub(in crate::runtime::leader) fn check(&self, now: Instant, allowed: Option<Duration>) {
        let joins =
            self.peer.node.is_some() && node::keeps_waiting(&self.leadership.state.borrow());
        let mut state = self.lock();
        let State { running, cancels, .. } = &mut *state;
        let cancelled = running.cancel_late(now, cancels);
        if state.liveness.check(now) {
            state.arrival.was_not_read();
            state.stall.spare();
        }
        let end = allowed
            .and_then(|allowed| self.silence(&mut state, now, allowed, joins))
            .or_else(|| state.slowness(now));
        drop(state);
        cancelled.iter().for_each(AbortHandle::abort);
        if let Some(reason) = end {
            self.end(reason);
        }
    }

    fn silence(
        &self,
        state: &mut State,
        now: Instant,
        allowed: Duration,
        joins: bool,
    ) -> Option<String> {
        let allowed = if self.peer.node.is_some() {
            // It sends no heartbeats while it waits for an answer, and otherwise every 20 s unless told otherwise.
            if joins || state.running.is_awaited() {
                state.liveness.heard(now);
            }
            allowed * node::PATIENCE
        } else {
            allowed
        };
        let silent = state.liveness.overdue(now, allowed)?;
        Some(format!("it was silent for {silent:.1?}, {allowed:.1?} are allowed"))
    }
}

impl State {
    fn slowness(&mut self, now: Instant) -> Option<String> {
        if self.outbound.is_blocked() {
            self.arrival.was_not_read();
        }
        if let Some(stalled) = self.stall.stalled(now, self.outbound.written()) {
            return Some(format!(
                "slow follower: it read none of its answers for {stalled:.1?} (limits.write_stall)"
            ));
        }
        self.arrival.late(now).map(|late| late.to_string())
    }
}
