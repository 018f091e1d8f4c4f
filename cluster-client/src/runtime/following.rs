//! Being a follower: one session with one leader, and restoring on it what this member had subscribed and published.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, UNIX_EPOCH};

use cluster_protocol::{ChannelState, ConnObject, PushEvent, Welcome, object_with_call};
use serde::Deserialize;
use tokio::sync::watch;

use super::joining::{Obstacle, Registered, message};
use super::link::{Answer, LeaderLink, LinkEvents, LinkSettings, PendingCall, Push, StartError};
use super::supervisor::{End, Start};
use crate::context::InstanceId;
use crate::error::{Error, Outcome};
use crate::event::Item;
use crate::failure;
use crate::interface::{self, MethodDescription};
use crate::member::{Link, Member};
use crate::membership::{ClusterEvent, LeaderInfo, Role};
use crate::session::calls::{AnswerKind, CallLoss};
use crate::session::publications::PublicationKey;
use crate::subscription::CloseReason;

/// A connection to a leader that is ready, with what was learned about it.
pub struct Session {
    pub(crate) link: Arc<LeaderLink>,
    /// For each method, how it differs from the leader's.
    mismatches: Box<[Option<Error>]>,
}

impl Session {
    /// Whether the leader has this method as we know it.
    pub(crate) fn check(&self, method: usize) -> Result<(), Error> {
        self.mismatches.get(method).cloned().flatten().map_or(Ok(()), Err)
    }
}

/// So many subscriptions and publications are restored at once, well under what a leader lets one follower do.
const RESTORED_AT_ONCE: usize = 256;

/// Follows until the leader is gone or this member closes.
pub(crate) async fn follow(member: &Arc<Member>, registered: Registered, start: &mut Start) -> End {
    let Registered { read, write, welcome, data } = registered;
    member.saw_epoch(welcome.epoch);
    let leader = leader(&welcome);
    let events = Arc::new(Inbound {
        member: Arc::clone(member),
        leader: watch::Sender::new(Known { state: welcome.state, data }),
    });
    let settings = LinkSettings {
        frame: member.frame_limits(),
        inbound: member.options.limits.inbound(),
        heartbeat_interval: member.options.heartbeat_interval,
        outbound_bytes: member.options.limits.outbound_bytes,
    };
    let sequence = Arc::clone(member.sequence());
    let link = LeaderLink::spawn(read, write, settings, sequence, Arc::clone(&events) as _);
    let _closed_at_the_end = CloseLink(Arc::clone(&link));
    let mut states = events.leader.subscribe();
    loop {
        let known = states.borrow_and_update().clone();
        match known.state {
            ChannelState::Ready => {
                let mismatches = compare(member, &known.data);
                let session = Arc::new(Session { link: Arc::clone(&link), mismatches });
                let restored = tokio::select! {
                    biased;
                    () = member.status.close_requested() => return End::Closed,
                    end = link.closed() => {
                        member.lost_leader(&end.reason);
                        return End::Lost;
                    }
                    restored = restore(member, &session) => restored,
                };
                member.clear_obstacle();
                member.status.set_role(Role::Follower, Some(leader));
                member.set_link(Link::Following(session));
                member.send_queued();
                unsubscribe_abandoned(member, &link, &restored);
                member.emit(ClusterEvent::BecameFollower { leader });
                start.succeeded();
                tracing::info!(channel = %member.channel, leader = leader.pid, epoch = leader.epoch, "following");
            }
            ChannelState::Starting => member.set_obstacle(Obstacle::Starting),
            ChannelState::Failed => {
                let error = Error::RealClient {
                    channel: member.channel.to_string(),
                    message: message(&known.data),
                };
                member.emit(ClusterEvent::RealClient(error.clone()));
                member.set_link(Link::Failed(error.clone()));
                if start.failed(error) {
                    return End::Closed;
                }
            }
            ChannelState::GoingAway | ChannelState::NotServed | ChannelState::Refused => {
                // Its connection ends when the port is free: that is the time to compete for it.
                member.lost_leader("the leader is going away");
            }
        }
        tokio::select! {
            biased;
            () = member.status.close_requested() => return End::Closed,
            end = link.closed() => {
                // The last that the leader said, its error perhaps, may have come together with the end.
                if states.has_changed().unwrap_or(false) {
                    continue;
                }
                member.lost_leader(&end.reason);
                return if end.going_away { End::HandedOver } else { End::Lost };
            }
            // Registering again is what makes the leader try again.
            () = member.client_wanted() => return End::Lost,
            // The sender lives in `events`, so this cannot fail.
            _ = states.changed() => {}
        }
    }
}

struct CloseLink(Arc<LeaderLink>);

impl Drop for CloseLink {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What the leader has said about the channel.
#[derive(Clone)]
struct Known {
    state: ChannelState,
    data: Vec<u8>,
}

/// What comes in on the connection.
struct Inbound {
    member: Arc<Member>,
    leader: watch::Sender<Known>,
}

impl LinkEvents for Inbound {
    fn pushed(&self, push: Push<'_>) {
        let subscriptions = &self.member.subscriptions;
        match push.event {
            None => {
                let item = Item::encoded(push.item.map(Into::into), self.member.codec(), push.data);
                subscriptions.deliver(push.key, item);
            }
            Some(PushEvent::Missed { count }) => subscriptions.missed(push.key, count),
            Some(PushEvent::Resynced) => subscriptions.resynced(push.key),
            Some(PushEvent::Ended) => subscriptions.ended(push.key, CloseReason::Ended),
        }
    }

    fn publication_taken(&self, method: &str, key: &str, call: u64) {
        if let Some(method) = self.member.method(method) {
            self.member.remembered().taken(&PublicationKey { method, key: key.to_owned() }, call);
        }
    }

    fn channel_state(&self, welcome: Welcome, data: &[u8]) {
        self.leader.send_replace(Known { state: welcome.state, data: data.to_vec() });
    }

    fn going_away(&self) {
        self.leader.send_if_modified(|known| {
            // That it has no real client is what those who wait for one have to hear first; its connection ends anyway.
            let tells_more = known.state != ChannelState::Failed;
            if tells_more {
                *known = Known { state: ChannelState::GoingAway, data: Vec::new() };
            }
            tells_more
        });
    }

    fn unresponsive(&self, silent_for: Duration) {
        tracing::warn!(channel = %self.member.channel, ?silent_for, "the leader holds the port and does not answer");
        self.member.emit(ClusterEvent::LeaderUnresponsive { silent_for });
    }

    fn responsive(&self) {
        self.member.emit(ClusterEvent::LeaderResponsive);
    }
}

fn leader(welcome: &Welcome) -> LeaderInfo {
    LeaderInfo {
        pid: welcome.pid,
        instance: InstanceId(welcome.instance),
        epoch: welcome.epoch,
        since: UNIX_EPOCH + Duration::from_millis(welcome.since),
    }
}

#[derive(Deserialize)]
struct Interface {
    interface: Vec<MethodDescription>,
}

fn compare(member: &Member, data: &[u8]) -> Box<[Option<Error>]> {
    // A leader that describes nothing has none of our methods.
    let theirs =
        serde_json::from_slice(data).unwrap_or(Interface { interface: Vec::new() }).interface;
    let mismatch = |mine: &MethodDescription| {
        compare_with(mine, theirs.iter().find(|method| method.name == mine.name))
    };
    member.interface.iter().map(mismatch).collect()
}

fn compare_with(mine: &MethodDescription, theirs: Option<&MethodDescription>) -> Option<Error> {
    match theirs {
        Some(theirs) => interface::compare(mine, theirs),
        None => Some(interface::missing(mine)),
    }
}

/// Subscribes and publishes again. Bounded by `subscribe_timeout`; what fails is told by events.
async fn restore(member: &Arc<Member>, session: &Session) -> Vec<Arc<str>> {
    let requests = requests(member, session);
    if requests.is_empty() {
        return Vec::new();
    }
    member.subscriptions.resynced_all();
    let deadline = Instant::now() + member.options.subscribe_timeout;
    for window in requests.chunks(RESTORED_AT_ONCE) {
        for (request, outcome) in window.iter().zip(make_all(session, window, deadline).await) {
            request.report(member, outcome);
        }
    }
    requests.into_iter().filter_map(Request::key).collect()
}

/// Makes the requests at once and waits for all answers.
async fn make_all(
    session: &Session,
    requests: &[Request],
    deadline: Instant,
) -> Vec<Result<Answer, NotMade>> {
    let mut calls: Vec<Result<PendingCall<'_>, NotMade>> = Vec::new();
    let mut answers: Vec<Option<Result<Answer, NotMade>>> = Vec::new();
    poll_fn(|cx| {
        if answers.is_empty() {
            calls.extend(requests.iter().map(|request| {
                let data = &mut |out: &mut Vec<u8>| {
                    out.extend_from_slice(&request.arguments);
                    Ok(())
                };
                let call = session.link.start(&request.conn, deadline, cx.waker().clone(), data);
                call.map_err(NotMade::Start)
            }));
            answers.resize_with(calls.len(), || None);
        }
        for (call, answer) in calls.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let Ok(call) = call
                && let Poll::Ready(result) = std::pin::Pin::new(call).poll(cx)
            {
                *answer = Some(result.map_err(NotMade::Lost));
            }
        }
        let waits =
            calls.iter().zip(&answers).any(|(call, answer)| call.is_ok() && answer.is_none());
        if waits { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    // Each call that was started has an answer by now, and each other one an error.
    let made = calls.into_iter().zip(answers);
    made.filter_map(|(call, answer)| answer.or_else(|| call.err().map(Err))).collect()
}

/// Why a request has no answer.
enum NotMade {
    Start(StartError),
    Lost(CallLoss),
}

/// A restored key that nobody reads any more: while it was restored there was no leader to be told.
fn unsubscribe_abandoned(member: &Member, link: &LeaderLink, restored: &[Arc<str>]) {
    for key in restored.iter().filter(|key| !member.subscriptions.is_read(key)) {
        let conn = ConnObject::UnSubscribe { key: key.as_ref().into(), reg: None };
        // A link that is closed has nothing to be unsubscribed from.
        let _ = link.send_control(&conn.to_bytes());
    }
}

/// One subscription or publication to be made again.
struct Request {
    conn: Vec<u8>,
    arguments: bytes::Bytes,
    what: What,
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
        requests.push(Request {
            conn: subscribe_object(&wanted.key, info.name, true),
            arguments: wanted.arguments,
            what: What::Subscription(wanted.key),
        });
    }
    let publications = member.remembered().all();
    for (key, sequence, arguments) in publications {
        let Some(info) = member.methods.get(key.method) else { continue };
        if let Err(error) = session.check(key.method) {
            member.emit(ClusterEvent::PublicationFailed { method: info.name.to_owned(), error });
            continue;
        }
        // The same number as the first time: the real client can tell.
        let conn = object_with_call(info.conn, sequence).into_bytes();
        requests.push(Request { conn, arguments, what: What::Publication(key.method) });
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
            Err(NotMade::Lost(CallLoss::Expired { .. })) => {
                if let What::Subscription(key) = &self.what {
                    let key = key.to_string();
                    return member.emit(ClusterEvent::SubscriptionStalled { key, waited: timeout });
                }
                Error::DeadlineExceeded {
                    method: method.to_owned(),
                    timeout,
                    outcome: Outcome::Unknown,
                }
            }
        };
        member.emit(match &self.what {
            What::Subscription(key) => {
                ClusterEvent::SubscriptionFailed { key: key.to_string(), error }
            }
            What::Publication(_) => {
                ClusterEvent::PublicationFailed { method: method.to_owned(), error }
            }
        });
    }
}
