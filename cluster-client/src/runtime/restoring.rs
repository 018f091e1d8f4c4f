//! Subscribing and publishing again at a new leader in another process.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use cluster_protocol::{ConnObject, Failure, object_to_restore, timeout_millis};

use super::following::Session;
use super::link::{Answer, PendingCall, StartError};
use crate::clock;
use crate::error::{Error, Outcome};
use crate::failure;
use crate::member::Member;
use crate::membership::ClusterEvent;
use crate::session::backoff::Backoff;
use crate::session::calls::{AnswerKind, CallLoss, CallTraits};
use crate::subscription::CloseReason;

/// So many subscriptions and publications are restored at once, well under what a leader lets one follower do.
const RESTORED_AT_ONCE: usize = 256;

/// Subscribes and publishes again. Bounded by `subscribe_timeout`; what fails is told by events.
pub(super) async fn restore(member: &Arc<Member>, session: &Session) -> Vec<Arc<str>> {
    let requests = requests(member, session);
    if requests.is_empty() {
        return Vec::new();
    }
    member.subscriptions.resynced_all();
    let deadline = clock::now() + member.options.subscribe_timeout;
    let (mut asked, told): (Vec<_>, Vec<_>) =
        requests.iter().partition(|request| request.is_answered);
    for request in told {
        if let Err(error) = request.tell(session, deadline).await {
            request.report(member, Err(NotMade::Start(error)));
        }
    }
    let mut room = Room::new(deadline);
    while !asked.is_empty() {
        let mut refused = Vec::new();
        for (request, outcome) in asked.iter().zip(make_all(session, &asked, deadline).await) {
            match outcome {
                Err(NotMade::Start(StartError::Busy))
                | Ok(Answer { kind: AnswerKind::Failed(Failure::Busy), .. }) => {
                    refused.push(*request);
                }
                outcome => request.report(member, outcome),
            }
        }
        if !refused.is_empty() && !room.wait().await {
            for request in refused.drain(..) {
                request.report(member, Err(NotMade::Start(StartError::Busy)));
            }
        }
        asked = refused;
    }
    requests.into_iter().filter_map(Request::key).collect()
}

/// Waits until more can be written.
struct Room {
    backoff: Backoff,
    deadline: Instant,
}

impl Room {
    fn new(deadline: Instant) -> Self {
        Self { backoff: Backoff::default(), deadline }
    }

    /// Waits a moment; `false`: there is no time left.
    async fn wait(&mut self) -> bool {
        let delay = self.backoff.next_delay(fastrand::u64(..)).max(Duration::from_millis(1));
        let in_time = clock::now() + delay < self.deadline;
        if in_time {
            tokio::time::sleep(delay).await;
        }
        in_time
    }
}

/// Makes the requests, so many at once, and waits for all answers.
async fn make_all(
    session: &Session,
    requests: &[&Request],
    deadline: Instant,
) -> Vec<Result<Answer, NotMade>> {
    let mut made = BTreeMap::new();
    let mut running: Vec<(usize, PendingCall<'_>)> = Vec::new();
    let mut waiting = requests.iter().enumerate();
    poll_fn(|cx| {
        loop {
            running.retain_mut(|(at, call)| match Pin::new(call).poll(cx) {
                Poll::Ready(result) => {
                    made.insert(*at, result.map_err(NotMade::Lost));
                    false
                }
                Poll::Pending => true,
            });
            let room = RESTORED_AT_ONCE - running.len();
            let mut started = false;
            for (at, request) in waiting.by_ref().take(room) {
                started = true;
                match request.start(session, deadline, cx.waker().clone()) {
                    Ok(call) => running.push((at, call)),
                    Err(error) => drop(made.insert(at, Err(error))),
                }
            }
            if !started {
                break;
            }
        }
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    // In the order of the requests, each of which has been started and has ended.
    made.into_values().collect()
}

/// Why a request has no answer.
enum NotMade {
    Start(StartError),
    Lost(CallLoss),
}

/// One subscription or publication to be made again.
struct Request {
    conn: Vec<u8>,
    arguments: bytes::Bytes,
    what: What,
    /// Whether the leader says what came of it. A Node leader does not, but for calls.
    is_answered: bool,
}

enum What {
    Subscription(Arc<str>),
    Publication(usize),
}

/// What is to be asked of this leader. What it does not have is over, and said so.
fn requests(member: &Member, session: &Session) -> Vec<Request> {
    let mut requests = Vec::new();
    for wanted in member.subscriptions.wanted() {
        let Some(info) = member.methods.get(wanted.method) else { continue };
        if let Err(error) = session.check(wanted.method) {
            let key = wanted.key.to_string();
            member.subscriptions.ended(&key, CloseReason::Failed(error.clone()));
            member.emit(ClusterEvent::SubscriptionFailed { key, error });
            continue;
        }
        let conn = match &session.node {
            None => Ok(subscribe_object(&wanted.key, info.name, true)),
            Some(node) => node.keys().subscribe(&wanted.key, &wanted.arguments),
        };
        match conn {
            Ok(conn) => requests.push(Request {
                conn,
                arguments: wanted.arguments,
                what: What::Subscription(wanted.key),
                is_answered: session.node.is_none(),
            }),
            Err(error) => {
                let key = wanted.key.to_string();
                member.emit(ClusterEvent::SubscriptionFailed { key, error });
            }
        }
    }
    let publications = member.remembered().all();
    for (key, sequence, arguments) in publications {
        let Some(info) = member.methods.get(key.method) else { continue };
        if let Err(error) = session.check(key.method) {
            member.emit(ClusterEvent::PublicationFailed { method: info.name.to_owned(), error });
            continue;
        }
        let by_node = session.node.as_ref().and_then(|node| node.publish_object(key.method));
        requests.push(Request {
            conn: match by_node {
                // The same number as the first time: the real client can tell.
                None => object_to_restore(info.conn, sequence).into_bytes(),
                Some(conn) => conn.to_vec(),
            },
            arguments,
            what: What::Publication(key.method),
            is_answered: by_node.is_none(),
        });
    }
    requests
}

/// The connection object that subscribes to a key.
pub(crate) fn subscribe_object(key: &str, method: &str, restore: bool) -> Vec<u8> {
    let conn = ConnObject::Subscribe {
        key: key.into(),
        reg: None,
        method: Some(method.into()),
        arg_length: None,
        restore,
    };
    conn.to_bytes()
}

impl Request {
    fn start<'l>(
        &self,
        session: &'l Session,
        deadline: Instant,
        waker: Waker,
    ) -> Result<PendingCall<'l>, NotMade> {
        if clock::now() >= deadline {
            return Err(NotMade::Lost(CallLoss::Expired { sent: false }));
        }
        let data = &mut |out: &mut Vec<u8>| {
            out.extend_from_slice(&self.arguments);
            Ok(())
        };
        let call = session.link.start(&self.conn, deadline, self.traits(), waker, data);
        call.map_err(NotMade::Start)
    }

    /// Makes a request that has no answer, once there is room for it.
    async fn tell(&self, session: &Session, deadline: Instant) -> Result<(), StartError> {
        let mut room = Room::new(deadline);
        loop {
            match self.write(session, deadline) {
                Err(StartError::Busy) if room.wait().await => {}
                told => return told,
            }
        }
    }

    fn write(&self, session: &Session, deadline: Instant) -> Result<(), StartError> {
        match self.what {
            // A Node leader finds the argument in the connection object.
            What::Subscription(_) => session.link.send_oneway(&self.conn, 0, None, &mut |_| Ok(())),
            What::Publication(_) => {
                let timeout = timeout_millis(deadline.saturating_duration_since(clock::now()));
                session.link.send_oneway(&self.conn, timeout, None, &mut |out| {
                    out.extend_from_slice(&self.arguments);
                    Ok(())
                })
            }
        }
    }

    fn traits(&self) -> CallTraits {
        let settles = matches!(self.what, What::Publication(_));
        CallTraits { idempotent: false, settles }
    }

    /// The key, of a subscription.
    fn key(self) -> Option<Arc<str>> {
        match self.what {
            What::Subscription(key) => Some(key),
            What::Publication(_) => None,
        }
    }

    fn report(&self, member: &Member, outcome: Result<Answer, NotMade>) {
        let timeout = member.options.subscribe_timeout;
        let method = match &self.what {
            What::Subscription(_) => "subscribe",
            What::Publication(method) => member.methods.get(*method).map_or("", |info| info.name),
        };
        let goes_on = goes_on(&outcome);
        let error = match outcome {
            Ok(Answer { kind: AnswerKind::Ok, .. }) => return,
            Ok(Answer { kind: AnswerKind::Err, .. }) => {
                failure::method_failed(method, "an error of its own".to_owned())
            }
            Ok(Answer { kind: AnswerKind::Failed(failure), payload }) => {
                failure::error(method, timeout, failure, &payload)
            }
            // The connection is gone, and everything will be restored on the next one.
            Err(
                NotMade::Lost(CallLoss::Disconnected { .. } | CallLoss::NotAccepted)
                | NotMade::Start(StartError::Closed | StartError::GoingAway),
            ) => return,
            Err(NotMade::Start(StartError::Busy)) => {
                Error::Busy { method: method.to_owned(), limit: "limits.outbound_bytes".to_owned() }
            }
            Err(NotMade::Start(StartError::Encode(error))) => Error::Encode {
                what: format!("the arguments of `{method}`"),
                message: error.to_string(),
            },
            Err(NotMade::Lost(CallLoss::Expired { sent })) => {
                if let (true, What::Subscription(key)) = (sent, &self.what) {
                    let key = key.to_string();
                    return member.emit(ClusterEvent::SubscriptionStalled { key, waited: timeout });
                }
                let outcome = if sent { Outcome::Unknown } else { Outcome::NotExecuted };
                Error::DeadlineExceeded { method: method.to_owned(), timeout, outcome }
            }
        };
        match &self.what {
            What::Subscription(key) => {
                if !goes_on {
                    member.subscriptions.ended(key, CloseReason::Failed(error.clone()));
                }
                member.emit(ClusterEvent::SubscriptionFailed { key: key.to_string(), error });
            }
            What::Publication(_) => {
                let method = method.to_owned();
                member.emit(ClusterEvent::PublicationFailed { method, error });
            }
        }
    }
}

/// Whether the leader goes on trying for a subscription whose real client has refused it. What it refuses itself it does
/// not have, and nobody would ask it again.
fn goes_on(outcome: &Result<Answer, NotMade>) -> bool {
    match outcome {
        Ok(Answer { kind: AnswerKind::Failed(failure), .. }) => !matches!(
            failure,
            Failure::Busy
                | Failure::Expired
                | Failure::UnknownMethod
                | Failure::BadArguments
                | Failure::TooManySubscriptions
        ),
        Ok(_) => true,
        Err(_) => false,
    }
}
