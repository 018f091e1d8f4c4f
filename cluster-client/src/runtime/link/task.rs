//! The connection's task: it waits for the socket, hands out what has come, and writes what nobody else writes.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use cluster_protocol::Failure;

use super::{
    LeaderLink, LinkEvents, Phase, State,
    inbound::{Inbound, Violation},
};
use crate::clock;
use crate::node::Peer;
use crate::runtime::transport::ReadHalf;
use crate::session::{calls::AnswerKind, outbound::Batch, payload::COPIED};

/// An answer that does not show that one-way calls before it were accepted.
const REFUSED: AnswerKind = AnswerKind::Failed(Failure::GoingAway);

/// Completes when the connection has ended.
pub(super) struct Task {
    link: Arc<LeaderLink>,
    read: ReadHalf,
    events: Arc<dyn LinkEvents>,
    inbound: Inbound,
    /// The callers to be woken.
    wakers: Vec<Waker>,
    /// When the packet began that has not come as a whole.
    begun: Option<Instant>,
    /// What came together with the end of the handshake: the socket will not announce it again.
    early: usize,
}

/// What the state has for a turn of the task.
enum Turn {
    Write(Option<Batch>),
    /// The socket takes no more for now.
    Blocked,
    /// The socket takes no more, ever. What the leader has sent before can still be read.
    Broken,
    Closed,
}

/// How many callers have got their answers.
enum Woken {
    Few,
    Several,
}

impl Task {
    pub(super) fn new(link: Arc<LeaderLink>, read: ReadHalf, events: Arc<dyn LinkEvents>) -> Self {
        let early = read.buffered().len();
        let inbound = Inbound::new(&link.settings.limits);
        Self { link, read, events, inbound, wakers: Vec::new(), begun: None, early }
    }

    /// Hands out what was read.
    fn receive(&mut self, came: usize) -> Result<Woken, Violation> {
        let Self { link, read, events, inbound, wakers, begun, .. } = self;
        let parsed = inbound.parse(read.buffered(), link, &**events);
        let (now, whole) = (clock::now(), inbound.consumed > 0);
        let coming = read.buffered().len() > inbound.consumed;
        *begun = coming.then(|| begun.filter(|_| !whole).unwrap_or(now));
        let shared = inbound.large.then(|| read.take(inbound.consumed));
        let bytes = shared.as_deref().unwrap_or(read.buffered());

        let mut state = link.lock();
        let responsive = state.heard(now);
        state.arrival.read(came);
        state.arrival.begun(*begun);
        let mut read_up_to = 0;
        for answer in inbound.answers.drain(..) {
            if !state.oneways.is_empty() && answer.kind != REFUSED {
                read_up_to = state.calls.end_of(answer.id).unwrap_or(0).max(read_up_to);
            }
            let waker = state.calls.answer(answer.id, answer.kind, |payload| match &shared {
                Some(shared) if answer.data.len() > COPIED => {
                    payload.share(shared.slice(answer.data));
                }
                _ => payload.fill(bytes.get(answer.data).unwrap_or_default()),
            });
            wakers.extend(waker);
        }
        // First, as it is exact: what the leader has read it need not have accepted.
        if let Some(accepted) = inbound.accepted {
            state.go_away(accepted, wakers);
        }
        state.oneways.read_up_to(read_up_to);
        inbound.heartbeats.iter().for_each(|id| state.pinged(*id));
        state.outbound.append(&inbound.replies);
        let (woken, batch) = if wakers.len() < 2 {
            (Woken::Few, state.outbound.begin())
        } else {
            state.outbound.batch_woken(wakers.len());
            (Woken::Several, None)
        };
        let quiet = state.is_quiet();
        drop(state);

        link.flush(batch);
        link.ring_if(quiet);
        wakers.drain(..).for_each(Waker::wake);
        if shared.is_none() {
            read.consume(inbound.consumed);
        }
        if inbound.accepted.is_some() {
            events.going_away();
        }
        if responsive {
            events.responsive();
        }
        parsed.map(|()| woken)
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.link.begin_turn(cx.waker()) {
            Turn::Write(batch) => self.link.flush(batch),
            Turn::Blocked => {
                if self.link.socket.poll_write_ready(cx).is_ready() {
                    let batch = self.link.unblock();
                    self.link.flush(batch);
                }
            }
            // The end is still to be read, behind what was sent before it: the runtime need not have heard of either yet. In
            // case that the leader has not ended the connection, it is ended here.
            Turn::Broken => self.link.socket.shutdown(),
            Turn::Closed => return Poll::Ready(()),
        }
        loop {
            if self.link.holds_back(cx.waker()) {
                return Poll::Pending;
            }
            let read = match std::mem::take(&mut self.early) {
                0 => self.read.poll_read(cx),
                early => Poll::Ready(Ok(early)),
            };
            let end = match read {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => {
                    if self.link.was_closed_by_leader() {
                        self.link.socket.peer_has_closed();
                    }
                    "the leader closed the connection".to_owned()
                }
                Poll::Ready(Err(error)) => format!("reading from the leader failed: {error}"),
                Poll::Ready(Ok(came)) => match self.receive(came) {
                    Ok(Woken::Few) => continue,
                    // To run again behind the callers that were woken, and to write what they leave.
                    Ok(Woken::Several) => {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Err(violation) => format!("the leader broke the protocol: {violation}"),
                },
            };
            self.link.end(&end);
            return Poll::Ready(());
        }
    }
}

impl Drop for Task {
    /// However it ends, with its runtime or by a panic: nobody waits for answers that nobody reads.
    fn drop(&mut self) {
        self.link.end("the task of the connection has ended");
    }
}

impl LeaderLink {
    fn begin_turn(&self, waker: &Waker) -> Turn {
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return Turn::Closed;
        }
        if state.task.as_ref().is_none_or(|current| !current.will_wake(waker)) {
            state.task = Some(waker.clone());
        }
        state.outbound.begin_turn();
        if state.outbound.is_broken() {
            Turn::Broken
        } else if state.outbound.is_blocked() {
            Turn::Blocked
        } else {
            Turn::Write(state.outbound.begin())
        }
    }

    /// Whether to read no more for now: a Node leader that pushes and does not read lets the answers to its pushes pile
    /// up. A Rust one gets none, and may itself wait to be read.
    fn holds_back(&self, waker: &Waker) -> bool {
        if self.settings.leader == Peer::Rust {
            return false;
        }
        let State { outbound, arrival, .. } = &mut *self.lock();
        if outbound.is_broken() || outbound.pending() <= self.settings.limits.outbound_bytes {
            return false;
        }
        arrival.was_not_read();
        // The task is woken for a socket that is blocked, not by a writer that gets rid of everything.
        if !outbound.is_blocked() {
            waker.wake_by_ref();
        }
        true
    }

    /// Now that the end was read: whether it is the leader's, and not what this process has done to the socket itself. A
    /// Node process is left out, which may not handle an error of a connection that it has closed.
    fn was_closed_by_leader(&self) -> bool {
        let state = self.lock();
        let by_us = state.phase == Phase::Closed || state.outbound.is_broken();
        !by_us && self.settings.leader == Peer::Rust
    }

    fn unblock(&self) -> Option<Batch> {
        let mut state = self.lock();
        state.outbound.unblock();
        state.outbound.begin()
    }
}
