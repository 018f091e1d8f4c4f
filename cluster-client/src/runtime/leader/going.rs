//! The way out of a leadership: whose fault it is, what is still owed, and the end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Leadership, SERVING, State};
use crate::error::{Error, Outcome};
use crate::failure;
use crate::membership::ClusterEvent;
use crate::planted::{Bug, planted};
use crate::serve::CatchPanic;
use crate::service::Served;
use crate::session::topics::SubscriberId;

/// The method of that kind, in errors. It need not be called so.
const CLOSE: &str = "#[close]";

/// How long calls that are cut off may take to notice.
const CUT_OFF: Duration = Duration::from_secs(1);

impl Leadership {
    pub(crate) fn step_down(&self) {
        self.step_down.cancel();
    }

    /// A follower knows a leader with a higher epoch.
    pub(crate) fn outdone(&self, by: u64) {
        self.outdone_by.fetch_max(by, Ordering::AcqRel);
        self.step_down();
    }

    /// Whether it stepped down for an older or another member's sake: `false`, for that of another channel.
    pub(crate) fn was_outdone(&self) -> bool {
        self.outdone_by.load(Ordering::Acquire) > 0
    }

    /// The epoch that the next leadership must exceed.
    pub(crate) fn highest_epoch(&self) -> u64 {
        self.outdone_by.load(Ordering::Acquire).max(self.terms.epoch)
    }

    pub(crate) async fn stepping_down(&self) {
        self.step_down.cancelled().await;
    }

    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Refuses new calls, lets those that were accepted finish within `limits.drain` and cuts off the others, takes back the
    /// publications of `leaving`, who does not make them again elsewhere, within that time too, and closes the real client.
    pub(crate) async fn drain(&self, leaving: Option<SubscriberId>) {
        let client = self.client();
        self.gate.close();
        self.set(State::Draining);
        self.fanout.go_away();
        if tokio::time::timeout(self.terms.limits.drain, self.gate.drained()).await.is_err() {
            tracing::warn!(channel = %self.terms.channel, running = self.gate.running(), "calls outlast the drain time and are cut off");
            self.cut_off.cancel();
            // They are dropped when they have their turns, which is before the client is closed unless they block.
            let _ = tokio::time::timeout(CUT_OFF, self.gate.drained()).await;
        }
        if let Some(client) = client.filter(|_| !planted(Bug::LeavesClientOpen)) {
            self.take_back(&client, leaving).await;
            self.fanout.close_upstreams();
            let closing = CatchPanic(client.close());
            match tokio::time::timeout(
                self.terms.limits.drain,
                SERVING.scope(Arc::clone(&self.gate), closing),
            )
            .await
            {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(message))) => {
                    self.not_closed(failure::method_failed(CLOSE, message));
                }
                Ok(Err(message)) => {
                    self.not_closed(Error::Panicked { method: CLOSE.to_owned(), message });
                }
                Err(_) => self.not_closed(Error::DeadlineExceeded {
                    method: CLOSE.to_owned(),
                    timeout: self.terms.limits.drain,
                    outcome: Outcome::Unknown,
                }),
            }
            self.give_up_departed(&client).await;
        }
    }

    /// Whoever has gone while the real client was closed has left behind what nobody can take back any more. That is told.
    async fn give_up_departed(&self, client: &Arc<dyn Served>) {
        // From here on nothing is undone: it is only told.
        self.undos_cut_off.cancel();
        for gone in self.fanout.departed() {
            self.undo_each(client, gone).await;
        }
    }

    /// Takes back what `leaving`, and whoever has left, has published. What that does not come to in time is told.
    async fn take_back(&self, client: &Arc<dyn Served>, leaving: Option<SubscriberId>) {
        let until = tokio::time::Instant::now() + self.terms.limits.drain;
        let undone = async {
            if let Some(leaving) = leaving {
                self.undo_each(client, leaving).await;
            }
            // Those who leave meanwhile are not held up, and come after.
            let mut seen = BTreeSet::new();
            let departed = || self.fanout.departed().into_iter();
            while let Some(gone) = departed().find(|gone| !seen.contains(gone)) {
                self.undo_each(client, gone).await;
                seen.insert(gone);
            }
        };
        tokio::pin!(undone);
        if tokio::time::timeout_at(until, &mut undone).await.is_err() {
            self.undos_cut_off.cancel();
            undone.await;
        }
        // What was begun before that has the same time.
        if tokio::time::timeout_at(until, self.gate.drained()).await.is_err() {
            self.undos_cut_off.cancel();
            let _ = tokio::time::timeout(CUT_OFF, self.gate.drained()).await;
        }
    }

    fn not_closed(&self, error: Error) {
        tracing::warn!(channel = %self.terms.channel, %error, "the real client was not closed well");
        self.emit(ClusterEvent::RealClient(error));
    }

    /// Ends all connections and tasks. The port is free by now.
    pub(crate) fn end(&self) {
        self.gate.close();
        let _client = self.set(State::Closed);
        self.ended.cancel();
        self.fanout.end();
    }
}
