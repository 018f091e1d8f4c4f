//! The life of a member: compete for the port, lead or follow, and again, until it is closed.
//!
//! ```text
//!              port won                       stepped down
//! Electing ───────────────► Leader ───────────────────────────────┐
//!    ▲ │                                                          │
//!    │ └─── registered ───► Follower ── leader lost, handed over ─┤
//!    └────────────────────────────────────────────────────────────┘        closed, from anywhere ──► Closed
//!
//! Electing, Follower ── whoever holds the port is silent ──► Standalone ── it answers, or the port is won ──► Electing
//! ```
//!
//! To stand alone is what a member does beside the rest ([`StandIn`]): it goes on competing, or listening to the silent leader.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::Instrument;

use super::joining::{self, Obstacle};
use super::standalone::StandIn;
use super::{following, host, leading, patience, port, single};
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

/// A role that has lasted this long ends a row of failures. Where leaders die more often than this, the members no longer
/// all try at once.
const SETTLED: Duration = Duration::from_millis(50);

/// The waiting `start`, which is told once whether it succeeded.
pub(crate) struct Start(Mutex<Option<oneshot::Sender<Result<(), Error>>>>);

impl Start {
    pub(crate) fn succeeded(&self) {
        self.tell(Ok(()));
    }

    /// Ends a `start` that still waits. True: it did, so the member is on its way out.
    pub(crate) fn failed(&self, error: Error) -> bool {
        self.tell(Err(error))
    }

    /// The same, where this is all there is to be done: `start` closes its member, which must not try again.
    pub(crate) async fn fail(&self, error: Error) {
        if self.failed(error) {
            std::future::pending::<()>().await;
        }
    }

    fn tell(&self, outcome: Result<(), Error>) -> bool {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        waiting.is_some_and(|waiting| {
            // Nobody waits if `start` was dropped, and then the member is closed anyway.
            let _ = waiting.send(outcome);
            true
        })
    }
}

/// Starts a member and waits until it is ready, at most `max_wait_time`.
pub(crate) async fn start(member: &Arc<Member>, factory: Factory) -> Result<(), Error> {
    let (outcome, ready) = oneshot::channel();
    let start = Start(Mutex::new(Some(outcome)));
    let waited = member.options.max_wait_time;
    let span = tracing::info_span!("member", channel = %member.channel, port = member.options.port, instance = %member.instance());
    member.options.host.spawn(live(Arc::clone(member), factory, start).instrument(span));
    let started = match patience::wait(waited, ready).await {
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

/// All that a member does. Whatever its role is, or the way to one, one-way calls wait no longer than they may.
async fn live(member: Arc<Member>, factory: Factory, start: Start) {
    let life = async {
        if member.options.single_mode {
            single::run(Arc::clone(&member), factory, start).await;
        } else {
            run(Arc::clone(&member), factory, start).await;
        }
    };
    tokio::select! {
        biased;
        never = member.tend_queued() => match never {},
        () = life => {}
    }
}

async fn run(member: Arc<Member>, factory: Factory, start: Start) {
    let member = CloseAtTheEnd(member);
    let member = &member.0;
    let start = Arc::new(start);
    let mut candidate = Candidate {
        stand_in: StandIn::new(Arc::clone(member), Arc::clone(&factory), Arc::clone(&start)),
        member: Arc::clone(member),
        factory,
        start,
        closing_since: None,
    };
    let mut backoff = member.options.limits.reconnecting();
    loop {
        let began = clock::now();
        let ended = candidate.compete().await;
        if ended.is_ok() && clock::now() - began >= SETTLED {
            backoff.reset();
        }
        let mut delay = backoff.next_delay(fastrand::u64(..));
        match ended {
            Ok(End::Closed) => break,
            Ok(End::HandedOver) => delay = Duration::ZERO,
            Ok(End::Yielded) => delay = HEAD_START,
            Ok(End::Lost) => {}
            Err(failed) => {
                tracing::debug!(channel = %member.channel, error = %failed.error, "no leader yet");
                if failed.is_final && candidate.start.failed(failed.error) {
                    break;
                }
            }
        }
        // A timer would take its millisecond for nothing, too.
        if delay.is_zero() {
            continue;
        }
        tokio::select! {
            biased;
            () = member.status.close_requested() => break,
            () = tokio::time::sleep(delay) => {}
            never = candidate.stand_in.serve() => match never {},
        }
    }
    candidate.stand_in.close().await;
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

/// A member on its way through the roles.
struct Candidate {
    member: Arc<Member>,
    factory: Factory,
    start: Arc<Start>,
    stand_in: StandIn,
    /// Since when the owner of the port has done nothing but close our connections.
    closing_since: Option<Instant>,
}

impl Candidate {
    /// Tries to win the port, then to reach its owner, and takes the role that results.
    async fn compete(&mut self) -> Result<End, Failed> {
        let Self { member, factory, start, stand_in, .. } = self;
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
                    self.closing_since = None;
                    let led = leading::lead(member, factory, seat, leadership, start, stand_in);
                    return Ok(led.await);
                }
                None if options.role == RolePreference::Leader => {
                    let endpoint = host::address(options.port).to_string();
                    let error =
                        Error::PortOccupied { endpoint, channel: member.channel.to_string() };
                    return Err(Failed { error, is_final: true });
                }
                None => {}
            }
        }
        let joined = tokio::select! {
            biased;
            () = member.status.close_requested() => return Ok(End::Closed),
            joined = joining::join(member) => joined,
            never = stand_in.serve_in_silence() => match never {},
        };
        match joined {
            Ok(registered) => {
                self.closing_since = None;
                stand_in.heard();
                Ok(following::follow(member, registered, start, stand_in).await)
            }
            Err(obstacle) => Err(self.failed(obstacle)),
        }
    }

    fn failed(&mut self, obstacle: Obstacle) -> Failed {
        let member = Arc::clone(&self.member);
        let options = &member.options;
        let is_silent = matches!(obstacle, Obstacle::Silent(_) | Obstacle::NodeSilent(_));
        if !is_silent {
            self.stand_in.heard();
        }
        let (obstacle, is_final) = match obstacle {
            Obstacle::Closed(reason) if self.hung_up_for(options.connect_timeout) => {
                (Obstacle::Foreign(format!("it closes every connection ({reason})")), true)
            }
            Obstacle::Closed(_) => (obstacle, false),
            _ => {
                self.closing_since = None;
                let waits = is_silent && options.standalone_after.is_some();
                let is_final = obstacle.is_final() && !waits;
                (obstacle, is_final)
            }
        };
        member.set_obstacle(obstacle.clone());
        let error = obstacle.into_error(&member.channel, options.port, Duration::ZERO);
        Failed { error, is_final }
    }

    /// A stranger on the port may do no more than hang up on us. A leader on its way out does so once or twice.
    fn hung_up_for(&mut self, patience: Duration) -> bool {
        let now = clock::now();
        now.duration_since(*self.closing_since.get_or_insert(now)) >= patience
    }
}

impl Member {
    /// From now on calls wait.
    pub(super) fn await_leader(&self) {
        self.set_link(Link::Electing);
        self.status.set_role(Role::Electing, None);
    }

    /// There is no leader any more.
    pub(super) fn lost_leader(&self, reason: &str) {
        match self.link() {
            Link::Electing | Link::Closed => return,
            // That of its own goes on.
            Link::Leading(_) => {}
            Link::Following(_) | Link::Failed(_) => self.await_leader(),
        }
        tracing::info!(channel = %self.channel, reason, "the leader is lost");
        self.emit(ClusterEvent::LeaderLost { reason: reason.to_owned() });
    }
}
