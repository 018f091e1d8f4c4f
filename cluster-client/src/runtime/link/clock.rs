//! Deadlines and heartbeats of a connection: one task that sleeps until the earliest of them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cluster_protocol::{CANCEL, HEARTBEAT, Kind, timeout_millis, write_packet};
use tokio::time::timeout_at;

use super::{LeaderLink, LinkEvents, Phase, no_data, scratch::Scratch};
use crate::clock;
use crate::node::Peer;
use crate::session::{calls::Ended, liveness::Verdict};

/// Calls expire at their deadline or up to this much later, together with others: to look for them takes time.
const RESOLUTION: Duration = Duration::from_millis(10);

/// Bytes that wait for a Node leader and may be answers to its pushes, a thousand of them.
const ANSWERS_WAITING: usize = 64 << 10;

/// Runs until the connection ends.
pub(super) async fn run(link: Arc<LeaderLink>, events: Arc<dyn LinkEvents>) {
    let mut clock = Clock { link, events, said: 0, ended: Vec::new() };
    while let Some(next) = clock.look(clock::now()) {
        // Whichever comes first, it looks again.
        let _ = timeout_at(next.into(), clock.link.bell.notified()).await;
    }
}

struct Clock {
    link: Arc<LeaderLink>,
    events: Arc<dyn LinkEvents>,
    /// How much had been said the last time.
    said: u64,
    ended: Vec<Ended>,
}

impl Clock {
    /// Does what is due and returns when to look again. `None`: never, the connection has ended.
    fn look(&mut self, now: Instant) -> Option<Instant> {
        let mut state = self.link.lock();
        if state.phase == Phase::Closed {
            return None;
        }
        let said = match self.link.settings.leader {
            Peer::Rust => state.outbound.written(),
            // To a Node leader only requests are a sign of life, not the answers to its pushes.
            Peer::Node => state.ordinal,
        };
        if said > self.said {
            self.said = said;
            state.liveness.said(now);
        }
        state.expire(now, &mut self.ended);
        let is_unconfirmed = !state.oneways.is_empty();
        state.liveness.unconfirmed(now, is_unconfirmed);
        let verdict = state.liveness.tick(now);
        if verdict == Verdict::GivenUp {
            state.give_up(&mut self.ended);
        }
        if state.liveness.excuses(now) {
            state.arrival.was_not_read();
        }
        let late = state.arrival.late(now);
        let expiry = state.calls.earliest_deadline().map(|at| at.max(now + RESOLUTION));
        let next = expiry.into_iter().chain([state.liveness.due()]).min()?;
        state.clock_looks_at = next;
        // What waits to be written is as good as a heartbeat, once it gets through. To a Node leader it may be answers,
        // which are not, unless it is so much that one more packet would not get through either.
        let waiting = match self.link.settings.leader {
            Peer::Rust => 0,
            Peer::Node => ANSWERS_WAITING,
        };
        let ping = verdict == Verdict::Ping && state.outbound.pending() <= waiting;
        if ping {
            state.liveness.said(now);
        }
        let ping = ping.then(|| state.calls.next_id(self.link.next_sequence()));
        let quiet = state.is_quiet();
        drop(state);

        self.link.ring_if(quiet);
        if let Some(late) = late {
            self.link.end(&format!("the leader is slow: {late}"));
        }
        self.send(ping);
        match verdict {
            Verdict::Silent(silent) => self.events.unresponsive(silent),
            Verdict::GivenUp => self.events.given_up(),
            Verdict::Ping | Verdict::Fine => {}
        }
        // It may have said something in between, and that was told before its silence was.
        let is_silent = matches!(verdict, Verdict::Silent(_) | Verdict::GivenUp);
        if is_silent && !self.link.lock().liveness.is_silent() {
            self.events.responsive();
        }
        for call in self.ended.drain(..) {
            call.waker.wake();
        }
        Some(next)
    }

    /// Sends a heartbeat, and tells the leader which calls nobody waits for any more.
    fn send(&self, ping: Option<u64>) {
        let link = &*self.link;
        let timeout = timeout_millis(link.settings.heartbeat_interval);
        let ping = ping.map(|id| (id, timeout, HEARTBEAT));
        let cancelled = |call: &&Ended| call.unsent.is_none() && link.settings.leader.can_cancel();
        let cancels = self.ended.iter().filter(cancelled).map(|call| (call.id, 0, CANCEL));
        let mut packets = Scratch::take();
        for (id, timeout, conn) in cancels.chain(ping) {
            // Never fails: connection objects are allowed to be longer than these.
            let _ = write_packet(
                &mut packets,
                Kind::Request,
                id,
                timeout,
                conn.as_bytes(),
                &link.settings.frame,
                no_data,
            );
        }
        if !packets.is_empty() {
            let mut state = link.lock();
            if let Some((id, ..)) = ping {
                state.sends_ping(id);
            }
            let batch = state.send(&packets);
            drop(state);
            link.flush(batch);
        }
    }
}
