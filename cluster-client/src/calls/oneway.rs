//! `#[invoke(oneway)]`: sent, or queued until there is a leader. What becomes of it is told by events.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cluster_protocol::{EncodeArguments, EncodeError, timeout_millis};
use tokio::sync::Notify;

use super::attempts::unencodable;
use crate::clock;
use crate::error::{Error, Outcome};
use crate::failure;
use crate::limits::Limits;
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
    match member.send_oneway(&link, info, call)? {
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

/// One-way calls that wait for a leader, each until its deadline.
pub(crate) struct Oneways {
    queue: Mutex<Queue>,
    /// Rung when `Queue::wake_at` has changed.
    rung: Notify,
    max_calls: usize,
    max_bytes: usize,
}

#[derive(Default)]
struct Queue {
    calls: VecDeque<Oneway>,
    bytes: usize,
    /// When [`Member::expire_queued`] is to look: no later than the earliest deadline, and not at all if nothing is queued.
    wake_at: Option<Instant>,
}

impl Oneways {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            queue: Mutex::default(),
            rung: Notify::new(),
            max_calls: limits.waiting_calls,
            max_bytes: limits.waiting_bytes,
        }
    }

    fn push(&self, info: &MethodInfo, call: Oneway) -> Result<(), Error> {
        let mut queue = self.lock();
        let limit = if queue.calls.len() >= self.max_calls {
            "limits.waiting_calls"
        } else if queue.bytes + call.data.len() > self.max_bytes {
            "limits.waiting_bytes"
        } else {
            self.wake_by(&mut queue, call.deadline);
            queue.bytes += call.data.len();
            queue.calls.push_back(call);
            return Ok(());
        };
        Err(Error::Busy { method: info.name.to_owned(), limit: limit.to_owned() })
    }

    /// How many calls are queued, and with how many bytes.
    #[cfg(feature = "testing")]
    pub(crate) fn held(&self) -> (usize, usize) {
        let queue = self.lock();
        (queue.calls.len(), queue.bytes)
    }

    /// In front of those that came later. The bound on their number is that of the table it comes from.
    fn push_back_in(&self, call: Oneway) {
        let mut queue = self.lock();
        self.wake_by(&mut queue, call.deadline);
        queue.bytes += call.data.len();
        queue.calls.push_front(call);
    }

    fn pop(&self) -> Option<Oneway> {
        let mut queue = self.lock();
        let call = queue.calls.pop_front()?;
        queue.bytes -= call.data.len();
        if queue.calls.is_empty() {
            // No timer runs for an empty queue.
            queue.wake_at = None;
            self.rung.notify_one();
        }
        Some(call)
    }

    /// Takes out what is past its deadline: of each method, how many calls.
    fn take_due(&self, now: Instant) -> BTreeMap<usize, u64> {
        let mut queue = self.lock();
        let Queue { calls, bytes, wake_at } = &mut *queue;
        let mut due = BTreeMap::new();
        let mut earliest: Option<Instant> = None;
        // In no order of deadlines, since each method has its own timeout.
        calls.retain(|call| {
            let waits = call.deadline > now;
            if waits {
                earliest = Some(earliest.map_or(call.deadline, |other| other.min(call.deadline)));
            } else {
                *bytes -= call.data.len();
                *due.entry(call.method).or_default() += 1;
            }
            waits
        });
        if *wake_at != earliest {
            *wake_at = earliest;
            self.rung.notify_one();
        }
        due
    }

    /// Sleeps until a deadline may have come, however the queue changes meanwhile.
    async fn may_be_due(&self) {
        loop {
            let wake_at = self.lock().wake_at;
            let sleep = async {
                match wake_at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.rung.notified() => {}
                () = sleep => return,
            }
        }
    }

    fn wake_by(&self, queue: &mut Queue, deadline: Instant) {
        if queue.wake_at.is_none_or(|wake_at| deadline < wake_at) {
            queue.wake_at = Some(deadline);
            self.rung.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    /// There is a leader: sends what has waited for one.
    pub(crate) fn send_queued(self: &Arc<Self>) {
        self.report_due();
        while let Some(call) = self.oneways.pop() {
            let Some(info) = self.methods.get(call.method) else { continue };
            match self.send_oneway(&self.link(), info, call) {
                Ok(None) => {}
                // The leader is gone again.
                Ok(Some(call)) => return self.oneways.push_back_in(call),
                Err(error) => self.report_oneway(info, 1, error),
            }
        }
    }

    /// Reports what is queued as its deadlines come, whether there is a leader or not.
    pub(crate) async fn expire_queued(&self) -> Infallible {
        loop {
            self.oneways.may_be_due().await;
            self.report_due();
        }
    }

    fn report_due(&self) {
        for (method, calls) in self.oneways.take_due(clock::now()) {
            if let Some(info) = self.methods.get(method) {
                self.report_oneway(info, calls, self.no_leader(self.timeout(info)));
            }
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use super::*;

    /// How often `future` was polled until there was nothing to wait for but the end of a day.
    async fn polls_in_a_day(future: impl Future<Output = ()>) -> usize {
        let mut future = pin!(future);
        let mut polls = 0;
        let counted = std::future::poll_fn(|context| {
            polls += 1;
            future.as_mut().poll(context)
        });
        let _ = tokio::time::timeout(Duration::from_secs(86_400), counted).await;
        polls
    }

    fn call(timeout: u64) -> Oneway {
        let deadline = clock::now() + Duration::from_secs(timeout);
        Oneway { method: 7, data: vec![0; 4].into(), deadline }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_queued_call_there_is_no_timer() {
        let oneways = Arc::new(Oneways::new(&Limits::default()));
        // To begin with, and at the end of the day.
        assert_eq!(polls_in_a_day(oneways.may_be_due()).await, 2);
        let expiring = Arc::clone(&oneways);
        let polls = tokio::spawn(async move { polls_in_a_day(expiring.may_be_due()).await });
        tokio::task::yield_now().await;
        oneways.push_back_in(call(10));
        tokio::task::yield_now().await;
        oneways.pop();
        assert_eq!(polls.await.unwrap(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_the_order_the_earliest_deadline_is_waited_for() {
        let oneways = Oneways::new(&Limits::default());
        let began = clock::now();
        for timeout in [20, 5, 10, 5] {
            oneways.push_back_in(call(timeout));
        }
        for (timeout, calls) in [(5, 2), (10, 1), (20, 1)] {
            oneways.may_be_due().await;
            let now = clock::now();
            assert_eq!(now - began, Duration::from_secs(timeout));
            assert_eq!(oneways.take_due(now), BTreeMap::from([(7, calls)]));
        }
        let queue = oneways.lock();
        assert_eq!((queue.calls.len(), queue.bytes, queue.wake_at), (0, 0, None));
    }
}
