//! A call's way to a leader.
//!
//! A call that certainly did not run is sent to the next leader, within its deadline. One that may have run is
//! returned as such, unless its method is idempotent.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use cluster_protocol::{EncodeError, Failure, timeout_millis};

use crate::clock;
use crate::error::{Error, Outcome};
use crate::failure;
use crate::member::{Link, Member, Place};
use crate::planted::{Bug, planted};
use crate::runtime::following::Session;
use crate::runtime::leader::Leadership;
use crate::runtime::link::{Answer, LeaderLink, PendingCall, StartError};
use crate::service::MethodInfo;
use crate::session::backoff::Backoff;
use crate::session::calls::{AnswerKind, CallLoss, CallTraits};
use crate::session::payload::Payload;

pub(super) struct Attempts<'a> {
    pub(super) member: &'a Arc<Member>,
    pub(super) method: usize,
    pub(super) info: &'a MethodInfo,
    pub(super) deadline: Instant,
    timeout: Duration,
    /// Of a proxy that keeps to one role.
    pinned: Option<&'a Link>,
    traits: CallTraits,
    /// An attempt was sent and its answer never came.
    may_have_run: bool,
    /// The link of the last attempt, which brought nothing.
    failed: Option<Link>,
    backoff: Backoff,
    waiting: Option<Place<'a>>,
    has_waited: bool,
}

/// Where an attempt goes.
pub(super) enum Route {
    Here(Arc<Leadership>),
    There(Arc<Session>),
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        member: &'a Arc<Member>,
        pinned: Option<&'a Link>,
        method: usize,
    ) -> Result<Self, Error> {
        let info = member.methods.get(method);
        // The index is generated together with the table.
        let Some(info) = info else {
            return Err(Error::UnknownMethod { method: format!("#{method}") });
        };
        if member.is_building() {
            return Err(Error::CalledFromFactory { method: info.name.to_owned() });
        }
        let timeout = member.timeout(info);
        member.count_call();
        Ok(Self {
            member,
            method,
            info,
            deadline: clock::now() + timeout,
            timeout,
            pinned,
            traits: CallTraits { idempotent: info.idempotent, settles: member.settles(method) },
            may_have_run: false,
            failed: None,
            backoff: Backoff::default(),
            waiting: None,
            has_waited: false,
        })
    }

    /// As if the method were idempotent: to ask twice is to ask once.
    pub(super) fn idempotent(mut self) -> Self {
        self.traits.idempotent = true;
        self
    }

    /// From now on, whatever role the process has, and with as much time as before: this is owed to whoever was answered.
    pub(super) fn once_more(mut self) -> Self {
        self.pinned = None;
        self.deadline = clock::now() + self.timeout;
        self
    }

    /// Waits for a leader to send the call to. `size` tells how many bytes of arguments wait.
    pub(super) async fn route(&mut self, size: impl FnOnce() -> usize) -> Result<Route, Error> {
        if self.failed.is_some() && clock::now() >= self.deadline {
            // This process may have slept during the last attempt.
            return Err(self.expired(Outcome::NotExecuted));
        }
        let link = self.member.link();
        if let Some(route) = self.usable(link)? {
            return Ok(route);
        }
        if self.waiting.is_none() {
            let place = self.member.waiting.enter(size());
            self.waiting = Some(place.map_err(|limit| self.busy(limit))?);
        }
        let (member, deadline) = (self.member, self.deadline);
        let found = async {
            loop {
                let relinked = member.relinked();
                if let Some(route) = self.usable(member.link())? {
                    return Ok(route);
                }
                self.has_waited = true;
                relinked.await;
            }
        };
        let found = tokio::time::timeout_at(deadline.into(), found).await;
        match found {
            // This process may have slept.
            Ok(Ok(_)) if clock::now() >= self.deadline => Err(self.expired(Outcome::NotExecuted)),
            Ok(route) => {
                self.waiting = None;
                route
            }
            Err(_) => Err(self.member.no_leader(self.timeout)),
        }
    }

    fn usable(&self, link: Link) -> Result<Option<Route>, Error> {
        if let Some(pinned) = self.pinned
            && !pinned.is(&link)
        {
            return Err(self.role_changed());
        }
        if self.failed.as_ref().is_some_and(|failed| failed.is(&link)) {
            return Ok(None);
        }
        match link {
            Link::Leading(leadership) => Ok(Some(Route::Here(leadership))),
            Link::Following(session) => {
                session.check(self.method)?;
                Ok(Some(Route::There(session)))
            }
            Link::Electing if self.member.is_leaving_from_within() => {
                Err(Error::GoingAway { method: self.info.name.to_owned() })
            }
            Link::Electing => Ok(None),
            // A call that comes later tries again; one that has waited is told.
            Link::Failed(_) if !self.has_waited => {
                self.member.want_client();
                Ok(None)
            }
            Link::Failed(error) => Err(error),
            Link::Closed => Err(Error::Closed),
        }
    }

    /// Sends the call to a leader in another process.
    pub(super) fn start<'l>(
        &self,
        link: &'l LeaderLink,
        conn: &[u8],
        waker: Waker,
        data: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<PendingCall<'l>, StartError> {
        link.start(conn, self.deadline, self.traits, waker, data)
    }

    /// Waits for what comes of a call that was sent to a leader in another process, in the same turn. `Ok(None)`: it
    /// did not run, try the next one.
    pub(super) async fn answer(
        &mut self,
        session: &Arc<Session>,
        call: Result<PendingCall<'_>, StartError>,
    ) -> Result<Option<Answer>, Error> {
        let lost = match call {
            Ok(call) => match call.await {
                Ok(Answer { kind: AnswerKind::Failed(Failure::Busy), payload }) => {
                    let limit = String::from_utf8_lossy(&payload).into_owned();
                    return self.turned_away(self.busy(&limit)).await.map(|()| None);
                }
                Ok(Answer {
                    kind: AnswerKind::Failed(Failure::GoingAway | Failure::NotReady),
                    ..
                }) => None,
                Ok(answer) => return Ok(Some(answer)),
                Err(CallLoss::NotAccepted | CallLoss::Disconnected { sent: false }) => None,
                Err(loss) => Some(loss),
            },
            Err(StartError::Encode(error)) => return Err(self.unencodable(&error)),
            Err(StartError::Busy) => {
                return self.back_off(self.busy("limits.outbound_bytes")).await.map(|()| None);
            }
            Err(StartError::Closed | StartError::GoingAway) => None,
        };
        match lost {
            None if planted(Bug::GivesUpUnsentCalls) => return Err(self.role_changed()),
            None => {}
            Some(CallLoss::Expired { sent: true }) => return Err(self.expired(Outcome::Unknown)),
            Some(CallLoss::Expired { sent: false }) => {
                return Err(self.expired(Outcome::NotExecuted));
            }
            Some(_) if planted(Bug::ResendsUnknownCalls) => {}
            Some(_) if planted(Bug::AcknowledgesUnknownCalls) => {
                return Ok(Some(Answer { kind: AnswerKind::Ok, payload: Payload::default() }));
            }
            Some(_) => self.cut_off()?,
        }
        self.next_link(Link::Following(Arc::clone(session)));
        self.pinned.map_or(Ok(None), |_| Err(self.role_changed()))
    }

    /// The leader went away, and the call may have run. Ok: it may be sent to the next one all the same.
    pub(super) fn cut_off(&mut self) -> Result<(), Error> {
        if self.traits.idempotent && !planted(Bug::GivesUpIdempotentCalls) {
            self.may_have_run = true;
            Ok(())
        } else {
            Err(self.disconnected())
        }
    }

    /// This link brings nothing: wait for another one.
    pub(super) fn next_link(&mut self, failed: Link) {
        tracing::debug!(
            method = self.info.name,
            "the leader did not take the call; waiting for the next one"
        );
        self.failed = Some(failed);
    }

    /// The time that is left, as the header of a packet has it.
    pub(super) fn timeout_millis(&self) -> u32 {
        timeout_millis(self.deadline.saturating_duration_since(clock::now()))
    }

    /// The leader has no room. The same as to [back off](Self::back_off), as often as calls may be sent again for that.
    pub(super) async fn turned_away(&mut self, error: Error) -> Result<(), Error> {
        if !self.member.may_retry() {
            return Err(error);
        }
        self.back_off(error).await
    }

    /// Waits a moment before the next attempt; `error` if there is no time left for one.
    pub(super) async fn back_off(&mut self, error: Error) -> Result<(), Error> {
        let delay = self.backoff.next_delay(fastrand::u64(..)).max(Duration::from_millis(1));
        if clock::now() + delay >= self.deadline {
            return Err(error);
        }
        tokio::time::sleep(delay).await;
        if clock::now() < self.deadline { Ok(()) } else { Err(error) }
    }

    /// What the call fails with: that its last attempt did not run says nothing about those before.
    pub(super) fn verdict(&self, error: Error) -> Error {
        if !self.may_have_run || error.outcome() != Outcome::NotExecuted {
            return error;
        }
        match error {
            Error::DeadlineExceeded { .. } => self.expired(Outcome::Unknown),
            _ => self.disconnected(),
        }
    }

    pub(super) fn disconnected(&self) -> Error {
        let outcome = if planted(Bug::SaysNotExecutedOfUnknownCalls) {
            Outcome::NotExecuted
        } else {
            Outcome::Unknown
        };
        Error::Disconnected { method: self.info.name.to_owned(), outcome }
    }

    pub(super) fn busy(&self, limit: &str) -> Error {
        Error::Busy { method: self.info.name.to_owned(), limit: limit.to_owned() }
    }

    pub(super) fn expired(&self, outcome: Outcome) -> Error {
        Error::DeadlineExceeded {
            method: self.info.name.to_owned(),
            timeout: self.timeout,
            outcome,
        }
    }

    /// What the leader said instead of a result.
    pub(super) fn failed(&self, failure: Failure, message: &[u8]) -> Error {
        failure::error(self.info.name, self.timeout, failure, message)
    }

    pub(super) fn unencodable(&self, error: &EncodeError) -> Error {
        unencodable(self.info, error)
    }

    fn role_changed(&self) -> Error {
        Error::RoleChanged { method: self.info.name.to_owned() }
    }
}

/// The arguments of a call could not be sent.
pub(super) fn unencodable(info: &MethodInfo, error: &EncodeError) -> Error {
    Error::Encode { what: format!("the arguments of `{}`", info.name), message: error.to_string() }
}
