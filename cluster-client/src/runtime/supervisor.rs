//! The life of a member: compete for the port, lead or follow, and again, until it is closed.
//!
//! ```text
//!              port won                       stepped down
//! Electing ───────────────► Leader ───────────────────────────────┐
//!    ▲ │                                                          │
//!    │ └─── registered ───► Follower ── leader lost, handed over ─┤
//!    └────────────────────────────────────────────────────────────┘        closed, from anywhere ──► Closed
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::Instrument;

use super::joining::{self, Obstacle};
use super::{following, host, leading, port};
use crate::clock;
use crate::error::Error;
use crate::member::{Factory, Link, Member};
use crate::membership::{ClusterEvent, Role, RolePreference};
use crate::subscription::CloseReason;

/// How a role has ended.
pub(crate) enum End {
    /// This member is to be closed.
    Closed,
    /// The leader's connection broke: the port is, or will be, free.
    Lost,
    /// The leader went in good order: the port is free.
    HandedOver,
    /// This member has led, and gave the port up for the followers of another channel: they go first.
    Yielded,
}

/// How long a member that yields the port leaves it to others.
const HEAD_START: Duration = Duration::from_millis(100);

/// A role that has lasted this long ends a row of failures.
const SETTLED: Duration = Duration::from_secs(1);

/// The waiting `start`: told once whether it succeeded, and what stands in its way.
pub(crate) struct Start {
    outcome: Option<oneshot::Sender<Result<(), Error>>>,
    /// Since when the owner of the port has done nothing but close our connections.
    closing_since: Option<Instant>,
}

impl Start {
    pub(crate) fn succeeded(&mut self) {
        self.closing_since = None;
        if let Some(outcome) = self.outcome.take() {
            // Nobody waits if `start` was dropped, and then the member is closed anyway.
            let _ = outcome.send(Ok(()));
        }
    }

    /// Ends a `start` that still waits. True: it did, so the member is on its way out.
    pub(crate) fn failed(&mut self, error: Error) -> bool {
        let outcome = self.outcome.take();
        outcome.is_some_and(|outcome| {
            let _ = outcome.send(Err(error));
            true
        })
    }

    /// The same, where this is all there is to be done: `start` closes its member, which must not try again.
    pub(crate) async fn fail(&mut self, error: Error) {
        if self.failed(error) {
            std::future::pending::<()>().await;
        }
    }

    /// A stranger on the port may do no more than hang up on us. A leader on its way out does so once or twice.
    fn hung_up_for(&mut self, patience: Duration, now: Instant) -> bool {
        now.duration_since(*self.closing_since.get_or_insert(now)) >= patience
    }
}

/// Starts a member and waits until it is ready, at most `max_wait_time`.
pub(crate) async fn start(member: &Arc<Member>, factory: Factory) -> Result<(), Error> {
    let (outcome, ready) = oneshot::channel();
    let start = Start { outcome: Some(outcome), closing_since: None };
    let waited = member.options.max_wait_time;
    let span = tracing::info_span!("member", channel = %member.channel, port = member.options.port, instance = %member.instance());
    if member.options.single_mode {
        let task = super::single::run(Arc::clone(member), factory, start);
        member.options.host.spawn(task.instrument(span));
    } else {
        member.options.host.spawn(run(Arc::clone(member), factory, start).instrument(span));
    }
    let started = match tokio::time::timeout(waited, ready).await {
        Ok(Ok(outcome)) => outcome,
        // The supervisor has ended without a word: the member was closed.
        Ok(Err(_)) => Err(Error::Closed),
        Err(_) => Err(member.no_leader(waited)),
    };
    if started.is_err() {
        // It must not stand in the way of the next one.
        member.status.request_close();
        member.status.closed().await;
    }
    started
}

async fn run(member: Arc<Member>, factory: Factory, mut start: Start) {
    let member = CloseAtTheEnd(member);
    let member = &member.0;
    let mut backoff = member.options.limits.reconnecting();
    loop {
        let began = clock::now();
        let ended = compete(member, &factory, &mut start).await;
        if ended.is_ok() && clock::now() - began >= SETTLED {
            backoff.reset();
        }
        // The first delay of a row is none.
        let mut delay = backoff.next_delay(fastrand::u64(..));
        match ended {
            Ok(End::Closed) => break,
            Ok(End::HandedOver) => delay = Duration::ZERO,
            Ok(End::Yielded) => delay = HEAD_START,
            Ok(End::Lost) => {}
            Err(failed) => {
                tracing::debug!(channel = %member.channel, error = %failed.error, "no leader yet");
                if failed.is_final && start.failed(failed.error) {
                    break;
                }
            }
        }
        tokio::select! {
            biased;
            () = member.status.close_requested() => break,
            () = tokio::time::sleep(delay) => {}
        }
    }
}

/// Whether somebody has asked to close the member.
pub(super) async fn is_closing(member: &Member) -> bool {
    tokio::select! {
        biased;
        () = member.status.close_requested() => true,
        () = std::future::ready(()) => false,
    }
}

/// However the task of a member ends, even with its runtime: the member is out of the cluster then, and everything that
/// waits is told.
pub(super) struct CloseAtTheEnd(pub(super) Arc<Member>);

impl Drop for CloseAtTheEnd {
    fn drop(&mut self) {
        let member = &self.0;
        member.set_link(Link::Closed);
        member.drop_queued();
        member.subscriptions.close_all(CloseReason::Closed);
        member.status.finish_close();
    }
}

/// Why nobody leads, as far as this member can tell.
struct Failed {
    error: Error,
    /// `start` need not wait any longer.
    is_final: bool,
}

/// Tries to win the port, then to reach its owner, and takes the role that results.
async fn compete(
    member: &Arc<Member>,
    factory: &Factory,
    start: &mut Start,
) -> Result<End, Failed> {
    if is_closing(member).await {
        return Ok(End::Closed);
    }
    let options = &member.options;
    if options.role != RolePreference::Follower {
        // Before each attempt to connect: a refused connection proves nothing, and only this one proves a death.
        let claimed =
            port::claim(&options.host, options.port, &member.channel, &options.limits, || {
                leading::elect(member)
            });
        match claimed.map_err(|error| Failed { error, is_final: true })? {
            Some((seat, leadership)) => {
                return Ok(leading::lead(member, factory, seat, leadership, start).await);
            }
            None if options.role == RolePreference::Leader => {
                let endpoint = host::address(options.port).to_string();
                let error = Error::PortOccupied { endpoint, channel: member.channel.to_string() };
                return Err(Failed { error, is_final: true });
            }
            None => {}
        }
    }
    let joined = tokio::select! {
        biased;
        () = member.status.close_requested() => return Ok(End::Closed),
        joined = joining::join(member) => joined,
    };
    match joined {
        Ok(registered) => Ok(following::follow(member, registered, start).await),
        Err(obstacle) => {
            let now = clock::now();
            let (obstacle, is_final) = match obstacle {
                Obstacle::Closed(reason) if start.hung_up_for(options.connect_timeout, now) => {
                    (Obstacle::Foreign(format!("it closes every connection ({reason})")), true)
                }
                Obstacle::Closed(_) => (obstacle, false),
                _ => {
                    start.closing_since = None;
                    let is_final = obstacle.is_final();
                    (obstacle, is_final)
                }
            };
            member.set_obstacle(obstacle.clone());
            Err(Failed {
                error: obstacle.into_error(&member.channel, options.port, Duration::ZERO),
                is_final,
            })
        }
    }
}

impl Member {
    /// There is no leader any more.
    pub(super) fn lost_leader(&self, reason: &str) {
        if matches!(self.link(), Link::Electing | Link::Closed) {
            return;
        }
        tracing::info!(channel = %self.channel, reason, "the leader is lost");
        self.set_link(Link::Electing);
        self.status.set_role(Role::Electing, None);
        self.emit(ClusterEvent::LeaderLost { reason: reason.to_owned() });
    }
}
