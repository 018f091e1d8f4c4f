//! `#[invoke(oneway)]`: sent, or queued until there is a leader. What becomes of it is told by events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use cluster_protocol::{EncodeArguments, EncodeError, timeout_millis};

use super::attempts::unencodable;
use crate::clock;
use crate::error::{Error, Outcome};
use crate::failure;
use crate::member::{Link, Member};
use crate::membership::ClusterEvent;
use crate::planted::{Bug, planted};
use crate::proxy::Target;
use crate::runtime::following::Session;
use crate::runtime::leader::{Leadership, Refusal};
use crate::runtime::link::StartError;
use crate::serve::Errors;
use crate::service::{Kind, MethodInfo, Service};
use crate::session::oneways::{Lost, Oneway};

/// Sends a one-way call. Ok: it is on its way, or queued.
pub fn oneway<S, A>(target: &impl Target<S>, method: usize, args: A) -> Result<(), Error>
where
    S: Service,
    A: EncodeArguments,
{
    let member = &target.handle().member;
    let Some(info) = member.methods.get(method) else {
        return Err(Error::UnknownMethod { method: format!("#{method}") });
    };
    if member.is_building() {
        return Err(Error::CalledFromFactory { method: info.name.to_owned() });
    }
    let link = member.link();
    if target.pinned().is_some_and(|pinned| !pinned.is(&link)) {
        return Err(Error::RoleChanged { method: info.name.to_owned() });
    }
    let mut data = Vec::new();
    args.encode(member.codec(), &mut data).map_err(|error| unencodable(info, &error))?;
    let call = Oneway { method, data: data.into(), deadline: clock::now() + member.timeout(info) };
    let left = if member.oneways.is_empty() {
        member.send_oneway(&link, info, call)?
    } else {
        // Behind those that wait.
        Some(call)
    };
    match left {
        None => Ok(()),
        Some(call) => {
            member.oneways.push(info, call)?;
            // The link may have changed before the call was in the queue.
            match member.link() {
                Link::Leading(_) | Link::Following(_) => member.send_queued(),
                Link::Closed => member.drop_queued(),
                Link::Electing | Link::Failed(_) => {}
            }
            Ok(())
        }
    }
}

/// A leader that had no room for what was queued is asked again after this.
const PAUSE: Duration = Duration::from_millis(10);

impl Member {
    /// There is a leader: sends what has waited for one.
    pub(crate) fn send_queued(self: &Arc<Self>) {
        self.report_due();
        while let Some(call) = self.oneways.pop() {
            let Some(info) = self.methods.get(call.method) else { continue };
            let link = self.link();
            match self.send_oneway(&link, info, call.clone()) {
                Ok(None) => {}
                Ok(Some(call)) => {
                    self.oneways.push_back_in(call);
                    // The leader is gone again, or has been followed by another one since it was asked for.
                    if link.is(&self.link()) {
                        return;
                    }
                }
                // There will be room before its deadline.
                Err(Error::Busy { .. }) => return self.oneways.push_back_for(call, PAUSE),
                Err(error) => self.report_oneway(info, 1, error),
            }
        }
    }

    /// Looks after what is queued, for ever: reports what is past its deadline, whether there is a leader or not, and sends
    /// again what a leader had no room for.
    pub(crate) async fn tend_queued(self: &Arc<Self>) -> Infallible {
        loop {
            self.oneways.may_be_due().await;
            match self.link() {
                Link::Leading(_) | Link::Following(_) => self.send_queued(),
                Link::Electing | Link::Failed(_) | Link::Closed => self.report_due(),
            }
        }
    }

    fn report_due(&self) {
        let has_leader = matches!(self.link(), Link::Leading(_) | Link::Following(_));
        for (method, calls) in self.oneways.take_due(clock::now()) {
            let Some(info) = self.methods.get(method) else { continue };
            if planted(Bug::HidesExpiredOneways) {
                continue;
            }
            let timeout = self.timeout(info);
            let error = if has_leader {
                let method = info.name.to_owned();
                Error::DeadlineExceeded { method, timeout, outcome: Outcome::NotExecuted }
            } else {
                self.no_leader(timeout)
            };
            self.report_oneway(info, calls, error);
        }
    }

    /// The member closes: what is queued will not be sent.
    pub(crate) fn drop_queued(&self) {
        while let Some(call) = self.oneways.pop() {
            if let Some(info) = self.methods.get(call.method) {
                self.report_oneway(info, 1, Error::Closed);
            }
        }
    }

    /// Gives the call back if it has to wait for another leader.
    fn send_oneway(
        self: &Arc<Self>,
        link: &Link,
        info: &MethodInfo,
        call: Oneway,
    ) -> Result<Option<Oneway>, Error> {
        match link {
            Link::Leading(leadership) => self.run_oneway(leadership, info, call),
            Link::Following(session) => {
                session.check(call.method)?;
                self.forward_oneway(session, info, call)
            }
            Link::Electing => Ok(Some(call)),
            Link::Failed(_) => {
                self.want_client();
                Ok(Some(call))
            }
            Link::Closed => Err(Error::Closed),
        }
    }

    fn run_oneway(
        self: &Arc<Self>,
        leadership: &Arc<Leadership>,
        info: &MethodInfo,
        call: Oneway,
    ) -> Result<Option<Oneway>, Error> {
        // At once and not in the task: a leadership that goes before that has its turn waits for it.
        let admitted = match leadership.admit(call.data.len()) {
            Ok(admitted) => admitted,
            Err(Refusal::Closed) => return Ok(Some(call)),
            Err(Refusal::Full(limit)) => {
                return Err(Error::Busy { method: info.name.to_owned(), limit: limit.to_owned() });
            }
        };
        let (member, leadership, info) = (Arc::clone(self), Arc::clone(leadership), *info);
        Arc::clone(&leadership).spawn(async move {
            let context =
                leadership.context(member.next_call(), Some(call.deadline), member.caller());
            let mut bytes = member.call(&info, call.data, context);
            bytes.errors = Errors::Text;
            let reply = leadership.call_admitted(admitted, call.method, bytes, member.id()).await;
            if let Err(error) = failure::check(info.name, member.timeout(&info), &reply) {
                member.report_oneway(&info, 1, error);
            }
        });
        Ok(None)
    }

    fn forward_oneway(
        &self,
        session: &Session,
        info: &MethodInfo,
        call: Oneway,
    ) -> Result<Option<Oneway>, Error> {
        let timeout = timeout_millis(call.deadline.saturating_duration_since(clock::now()));
        let data = &mut |out: &mut Vec<u8>| -> Result<(), EncodeError> {
            out.extend_from_slice(&call.data);
            Ok(())
        };
        match session.link.send_oneway(info.conn.as_bytes(), timeout, Some(&call), data) {
            Ok(()) => Ok(None),
            Err(StartError::Encode(error)) => Err(unencodable(info, &error)),
            Err(StartError::Busy) => Err(Error::Busy {
                method: info.name.to_owned(),
                limit: "limits.outbound_bytes".to_owned(),
            }),
            Err(StartError::Closed | StartError::GoingAway) => Ok(Some(call)),
        }
    }

    /// What a connection has not delivered, or not for certain: what did not run goes to the next leader.
    pub(crate) fn carry_over(&self, lost: Lost) {
        for call in lost.unsent.into_iter().rev() {
            match self.methods.get(call.method) {
                Some(info) if is_publication(info) => {
                    self.report_lost(info, 1, Outcome::NotExecuted);
                }
                _ => self.oneways.push_back_in(call),
            }
        }
        for (method, calls) in lost.unknown {
            if planted(Bug::HidesLostOneways) {
                continue;
            }
            if let Some(info) = self.methods.get(method) {
                self.report_lost(info, calls, Outcome::Unknown);
            }
        }
    }

    fn report_lost(&self, info: &MethodInfo, calls: u64, outcome: Outcome) {
        let method = info.name.to_owned();
        let error = Error::Disconnected { method: method.clone(), outcome };
        tracing::warn!(channel = %self.channel, method, calls, %outcome, "one-way calls were lost with the connection");
        self.emit(if is_publication(info) {
            ClusterEvent::PublicationFailed { method, error }
        } else {
            ClusterEvent::OnewayFailed { method, calls, error }
        });
    }

    fn report_oneway(&self, info: &MethodInfo, calls: u64, error: Error) {
        self.emit(ClusterEvent::OnewayFailed { method: info.name.to_owned(), calls, error });
    }
}

/// One that a Node leader was sent: it answers none, and who publishes is told by another event.
fn is_publication(info: &MethodInfo) -> bool {
    matches!(info.kind, Kind::Publish { .. })
}
