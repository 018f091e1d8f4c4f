//! Standing alone: a member serves itself by a real client of its own while its leader, or whoever holds the port, is silent.
//!
//! It is a leadership without a port, beside what the member does all the time: its connection to the silent leader stays, where
//! what the leader may have got is waited for, and without one it goes on trying to win the port and to register. As soon as
//! a leader answers and has caught up, or the port is won, the own client is closed, and only then subscriptions and
//! publications are made again: where a service keeps publications by name, closing takes them back.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use super::leading::{self, EndLeadership};
use super::supervisor::Start;
use crate::clock;
use crate::member::{Factory, Member};
use crate::planted::{Bug, planted};
use crate::service::BoxFuture;
use crate::session::epoch;
use crate::session::liveness::{Liveness, Verdict};
use crate::session::publications::PublicationKey;

/// What a member has in place of a leader.
pub(super) struct StandIn {
    member: Arc<Member>,
    factory: Factory,
    start: Arc<Start>,
    state: State,
}

enum State {
    /// Nothing: somebody leads, or nobody holds the port.
    Idle,
    /// Somebody holds the port and does not answer.
    Waiting(Liveness),
    /// A real client, or an attempt to build one.
    Serving { leadership: EndLeadership, work: BoxFuture<'static, Infallible> },
}

impl StandIn {
    pub(super) fn new(member: Arc<Member>, factory: Factory, start: Arc<Start>) -> Self {
        Self { member, factory, start, state: State::Idle }
    }

    /// Whether the member serves itself, or is about to.
    pub(super) fn is_serving(&self) -> bool {
        matches!(self.state, State::Serving { .. })
    }

    /// The leader is silent: the member serves itself, as soon as [`serve`](Self::serve) is polled.
    pub(super) fn begin(&mut self) {
        if self.is_serving() {
            return;
        }
        let (member, factory) = (Arc::clone(&self.member), Arc::clone(&self.factory));
        let start = Arc::clone(&self.start);
        // Calls wait for the own client.
        member.await_leader();
        let options = &member.options;
        let stored = options.host.stored_epoch(options.port);
        let epoch = epoch::of_silent(stored, member.highest_epoch());
        tracing::warn!(channel = %member.channel, epoch, "the leader is silent; this member serves itself");
        let leadership = leading::leadership(&member, epoch, true);
        leadership.fanout.add_local(Arc::clone(&member));
        member.status.set_gate(leadership.gate());
        leadership.spawn_tasks();
        let ended = EndLeadership(Arc::clone(&leadership));
        let work =
            Box::pin(async move { leading::serve(&member, &factory, &leadership, &start).await });
        self.state = State::Serving { leadership: ended, work };
    }

    /// Serves if it has begun, or once a silence that it waits for has lasted for `standalone_after`. Cancel safe: polled
    /// again, it goes on.
    pub(super) async fn serve(&mut self) -> Infallible {
        while let State::Waiting(silence) = &mut self.state {
            tokio::time::sleep_until(silence.due().into()).await;
            if silence.tick(clock::now()) == Verdict::GivenUp {
                self.begin();
            }
        }
        match &mut self.state {
            State::Serving { work, .. } => work.await,
            State::Idle | State::Waiting(_) => pending().await,
        }
    }

    /// The same while the owner of the port owes an answer. Its silence lasts over as many attempts to reach it as there are.
    pub(super) async fn serve_in_silence(&mut self) -> Infallible {
        let options = &self.member.options;
        if let State::Idle = self.state
            && options.standalone_after.is_some()
        {
            let liveness = Liveness::new(clock::now(), options.heartbeat_interval);
            self.state = State::Waiting(liveness.with_patience(options.standalone_after));
        }
        self.serve().await
    }

    /// The owner of the port has said something, or there is none.
    pub(super) fn heard(&mut self) {
        if let State::Waiting(_) = self.state {
            self.state = State::Idle;
        }
    }

    /// A leader answers, or this member is one: closes the own client. What was published by it is made again elsewhere. Returns
    /// what was taken back by it.
    pub(super) async fn end(&mut self) -> BTreeSet<PublicationKey> {
        if let Some(EndLeadership(leadership)) = &self.stop() {
            self.member.leaving(leadership, false);
            if !planted(Bug::KeepsStandInOpen) {
                leadership.drain(None).await;
            }
        }
        self.member.remembered().take_withdrawn()
    }

    /// The member closes: takes back what it has published and closes the own client.
    pub(super) async fn close(&mut self) {
        if let Some(EndLeadership(leadership)) = &self.stop() {
            self.member.leaving(leadership, true);
            leadership.drain(Some(self.member.id())).await;
        }
    }

    /// Builds no more. The leadership that is still to be drained.
    fn stop(&mut self) -> Option<EndLeadership> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Serving { leadership, .. } => Some(leadership),
            State::Idle | State::Waiting(_) => None,
        }
    }
}
