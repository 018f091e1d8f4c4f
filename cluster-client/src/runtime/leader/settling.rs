//! Running a call, whoever makes it: in its turn, to its end or until the leadership cuts it off, and what it has changed is
//! written down.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use cluster_protocol::Failure;
use tokio_util::sync::CancellationToken;

use super::Leadership;
use super::publications::Settlement;
use crate::planted::{Bug, planted};
use crate::runtime::turns::Turn;
use crate::serve::{Answered, Reply};
use crate::session::publications::PublicationKey;
use crate::session::topics::SubscriberId;

/// A call that has yet to run. It has its places in the rows for what it publishes or takes back until that is written down:
/// otherwise the real client could have done such calls in another order.
pub(super) struct Settling {
    caller: SubscriberId,
    settlement: Settlement,
    turn: Turn<PublicationKey>,
}

impl Settling {
    pub(super) fn new(
        leadership: &Leadership,
        caller: SubscriberId,
        settlement: Settlement,
    ) -> Self {
        let keys = settlement.keys().filter(|_| !planted(Bug::UndoesOutOfTurn));
        let turn = leadership.turns.ask(keys);
        Self { caller, settlement, turn }
    }

    /// Whether it may run now.
    pub(super) fn may_run(&self) -> bool {
        self.turn.has_come()
    }

    /// Whether it must be written down what has become of it, so that it is not cut off with its caller: what it publishes
    /// can be taken back some day, or it takes something back, which is not to be published again.
    pub(super) fn is_owed(&self) -> bool {
        self.settlement.undoable().next().is_some()
    }

    /// Whether it would publish again what somebody else has published since. To be asked when it may run.
    pub(super) fn is_outdone(&self, leadership: &Leadership) -> bool {
        leadership.is_outdone(&self.settlement, self.caller)
    }

    /// It has run.
    pub(super) fn settle(self, leadership: &Arc<Leadership>, answered: Answered) {
        leadership.settle(self.settlement, answered, self.caller);
    }

    /// Runs it in its turn; not at all, if that comes after the deadline or when the call is not `wanted` any more.
    pub(super) async fn run(
        mut self,
        leadership: &Arc<Leadership>,
        call: impl Future<Output = Reply>,
        deadline: Option<Instant>,
        wanted: impl FnOnce() -> bool,
    ) -> Reply {
        if !self.may_run() {
            let comes = self.turn.comes_by(deadline);
            match leadership.unless_cut_off(comes).await {
                Some(true) if wanted() => {}
                Some(_) => {
                    let message = "calls for the same key were before it until its time had passed";
                    return Reply::failed(Failure::Expired, message);
                }
                None => return Reply::failed(Failure::GoingAway, "its turn has not come"),
            }
        }
        if self.is_outdone(leadership) {
            leadership.tell_outdone(&self.settlement, self.caller);
            return Reply::ok();
        }
        let running = leadership.scope(call);
        let reply = leadership.unless_cut_off(running).await;
        let reply = reply.unwrap_or_else(Reply::cut_off);
        self.settle(leadership, reply.answered);
        reply
    }
}

impl Leadership {
    /// The output of a call that runs, unless it is cut off because the leadership goes and waits no longer.
    pub(crate) async fn unless_cut_off<F: Future>(&self, running: F) -> Option<F::Output> {
        unless(&self.cut_off, running).await
    }
}

/// The output, unless that comes too late.
pub(super) async fn unless<F: Future>(
    cut_off: &CancellationToken,
    running: F,
) -> Option<F::Output> {
    tokio::select! {
        // What ends at once does without the rest.
        biased;
        output = running => Some(output),
        () = cut_off.cancelled() => None,
    }
}
