//! One subscription or publication to be made again, and what comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use cluster_protocol::{ConnObject, Failure, object_to_restore, timeout_millis};

use crate::clock;
use crate::error::{Error, Outcome};
use crate::failure;
use crate::member::{Member, Said};
use crate::membership::ClusterEvent;
use crate::runtime::following::Session;
use crate::runtime::link::{Answer, PendingCall, StartError};
use crate::session::calls::{AnswerKind, CallLoss, CallTraits};
use crate::session::publications::PublicationKey;
use crate::subscription::CloseReason;

pub(super) struct Request {
    conn: Vec<u8>,
    arguments: bytes::Bytes,
    what: What,
    /// Whether the leader says what came of it. A Node leader does not, but for calls.
    pub(super) is_answered: bool,
}

enum What {
    Subscription(Arc<str>),
    Publication(usize),
}

/// Under each key, the number of the publication that a leader was asked for last.
pub(super) type Asked = BTreeMap<PublicationKey, u64>;

/// Why a request has no answer.
pub(super) enum NotMade {
    Start(StartError),
    Lost(CallLoss),
}

impl From<StartError> for NotMade {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

/// What came of a request.
pub(super) enum Made {
    Done,
    /// There is no room for it now.
    Busy(Error),
    /// A subscription of which the leader has said nothing in time.
    Unanswered,
    /// It failed. If it is a subscription, the leader goes on trying.
    Failed(Error),
    /// The leader does not have the subscription, and nobody would ask for it again.
    Refused(Error),
    LinkGone,
}

/// The subscriptions that this leader is to be asked for. What it does not have is over, and said so.
pub(super) fn subscriptions(member: &Member, session: &Session) -> Vec<Request> {
    let mut requests = Vec::new();
    for wanted in member.subscriptions.wanted() {
        let Some(info) = member.methods.get(wanted.method) else { continue };
        let conn = session.check(wanted.method).and_then(|()| match &session.node {
            None => Ok(subscribe_object(&wanted.key, info.name, true)),
            Some(node) => node.keys().subscribe(&wanted.key, &wanted.arguments),
        });
        match conn {
            Ok(conn) => requests.push(Request {
                conn,
                arguments: wanted.arguments,
                what: What::Subscription(wanted.key),
                is_answered: session.node.is_none(),
            }),
            Err(error) => subscription_refused(member, &wanted.key, error),
        }
    }
    requests
}

/// The publications that this leader is to be asked for, but for those that it was: they are added to `asked`.
pub(super) fn publications(member: &Member, session: &Session, asked: &mut Asked) -> Vec<Request> {
    let mut requests = Vec::new();
    let publications = member.remembered().all();
    for (key, sequence, arguments) in publications {
        let Some(info) = member.methods.get(key.method) else { continue };
        if asked.insert(key.clone(), sequence) == Some(sequence) {
            continue;
        }
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

fn subscription_refused(member: &Member, key: &str, error: Error) {
    member.subscriptions.tell(key, Said::Ended(CloseReason::Failed(error.clone())));
    member.emit(ClusterEvent::SubscriptionFailed { key: key.to_owned(), error });
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
    /// The key, of a subscription.
    pub(super) fn key(&self) -> Option<&Arc<str>> {
        match &self.what {
            What::Subscription(key) => Some(key),
            What::Publication(_) => None,
        }
    }

    /// Whether the subscription is one that the leader is still to have.
    pub(super) fn is_wanted(&self, member: &Member) -> bool {
        self.key().is_some_and(|key| member.subscriptions.is_wanted(key))
    }

    pub(super) fn start<'l>(
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
        let settles = matches!(self.what, What::Publication(_));
        let traits = CallTraits { idempotent: false, settles };
        session.link.start(&self.conn, deadline, traits, waker, data).map_err(NotMade::Start)
    }

    /// Makes a request that has no answer.
    pub(super) fn write(&self, session: &Session, deadline: Instant) -> Result<(), StartError> {
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

    pub(super) fn outcome(&self, member: &Member, answer: Result<Answer, NotMade>) -> Made {
        let timeout = member.options.subscribe_timeout;
        let method = self.method(member);
        match answer {
            Ok(Answer { kind: AnswerKind::Ok, .. }) => Made::Done,
            Ok(Answer { kind: AnswerKind::Err, .. }) => {
                Made::Failed(failure::method_failed(method, "an error of its own".to_owned()))
            }
            Ok(Answer { kind: AnswerKind::Failed(failure), payload }) => {
                let error = failure::error(method, timeout, failure, &payload);
                match (failure, &self.what) {
                    (Failure::Busy, _) => Made::Busy(error),
                    (Failure::Expired, What::Subscription(_)) => Made::Unanswered,
                    (
                        Failure::UnknownMethod
                        | Failure::BadArguments
                        | Failure::TooManySubscriptions,
                        _,
                    ) => Made::Refused(error),
                    // What its real client has refused the leader tries again.
                    _ => Made::Failed(error),
                }
            }
            Err(
                NotMade::Lost(CallLoss::Disconnected { .. } | CallLoss::NotAccepted)
                | NotMade::Start(StartError::Closed | StartError::GoingAway),
            ) => Made::LinkGone,
            Err(NotMade::Start(StartError::Busy)) => Made::Busy(Error::Busy {
                method: method.to_owned(),
                limit: "limits.outbound_bytes".to_owned(),
            }),
            Err(NotMade::Start(StartError::Encode(error))) => Made::Refused(Error::Encode {
                what: format!("the arguments of `{method}`"),
                message: error.to_string(),
            }),
            Err(NotMade::Lost(CallLoss::Expired { sent })) => match self.what {
                What::Subscription(_) => Made::Unanswered,
                What::Publication(_) => {
                    let outcome = if sent { Outcome::Unknown } else { Outcome::NotExecuted };
                    let method = method.to_owned();
                    Made::Failed(Error::DeadlineExceeded { method, timeout, outcome })
                }
            },
        }
    }

    /// Tells by an event what came of it, if it is not as before.
    pub(super) fn report(&self, member: &Member, outcome: Made) {
        match (outcome, &self.what) {
            // On the next connection everything will be restored.
            (Made::Done | Made::LinkGone, _) | (Made::Unanswered, What::Publication(_)) => {}
            (Made::Unanswered, What::Subscription(key)) => {
                let (key, waited) = (key.to_string(), member.options.subscribe_timeout);
                member.emit(ClusterEvent::SubscriptionStalled { key, waited });
            }
            (Made::Refused(error), What::Subscription(key)) => {
                subscription_refused(member, key, error);
            }
            (Made::Failed(error) | Made::Busy(error), What::Subscription(key)) => {
                member.emit(ClusterEvent::SubscriptionFailed { key: key.to_string(), error });
            }
            (
                Made::Failed(error) | Made::Busy(error) | Made::Refused(error),
                What::Publication(_),
            ) => {
                let method = self.method(member).to_owned();
                member.emit(ClusterEvent::PublicationFailed { method, error });
            }
        }
    }

    fn method<'m>(&self, member: &'m Member) -> &'m str {
        match self.what {
            What::Subscription(_) => "subscribe",
            What::Publication(method) => member.methods.get(method).map_or("", |info| info.name),
        }
    }
}
