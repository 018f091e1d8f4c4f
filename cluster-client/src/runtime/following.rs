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
use crate::error::Error;
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
        heartbeat_interval: member.options.heartbeat_interval,
        outbound_bytes: member.options.limits.outbound_bytes,
    };
    let link = LeaderLink::spawn(
        read,
        write,
        settings,
        Arc::clone(member.sequence()),
        Arc::clone(&events) as _,
    );
    let _closed_at_the_end = CloseLink(Arc::clone(&link));
    let mut states = events.leader.subscribe();
    loop {
        let known = states.borrow_and_update().clone();
        match known.state {
            ChannelState::Ready => {
                let session =
                    Session { link: Arc::clone(&link), mismatches: compare(member, &known.data) };
                let session = Arc::new(session);
                tokio::select! {
                    () = restore(member, &session) => {}
                    () = member.status.close_requested() => return End::Closed,
                }
                member.clear_obstacle();
                member.status.set_role(Role::Follower, Some(leader));
                member.set_link(Link::Following(session));
                member.send_queued();
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
                start.failed(error);
            }
            ChannelState::GoingAway | ChannelState::NotServed | ChannelState::Refused => {
                // Its connection ends when the port is free: that is the time to compete for it.
                member.lost_leader("the leader is going away");
            }
        }
        tokio::select! {
            end = link.closed() => {
                member.lost_leader(&end.reason);
                return if end.going_away { End::HandedOver } else { End::Lost };
            }
            () = member.status.close_requested() => return End::Closed,
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
        self.leader.send_replace(Known { state: ChannelState::GoingAway, data: Vec::new() });
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
async fn restore(member: &Arc<Member>, session: &Session) {
    let requests = requests(member, session);
    if requests.is_empty() {
        return;
    }
    member.subscriptions.resynced_all();
    let deadline = Instant::now() + member.options.subscribe_timeout;
    let mut pending: Vec<Option<Result<PendingCall<'_>, StartError>>> = Vec::new();
    let mut outcomes: Vec<Option<Result<Answer, CallLoss>>> = Vec::new();
    poll_fn(|cx| {
        if pending.is_empty() {
            pending.extend(requests.iter().map(|request| {
                let data = &mut |out: &mut Vec<u8>| {
                    out.extend_from_slice(&request.arguments);
                    Ok(())
                };
                Some(session.link.start(&request.conn, deadline, cx.waker().clone(), data))
            }));
            outcomes.resize_with(pending.len(), || None);
        }
        for (call, outcome) in pending.iter_mut().zip(&mut outcomes) {
            let polled = match call {
                Some(Ok(call)) => std::pin::Pin::new(call).poll(cx),
                Some(Err(_)) => Poll::Ready(Err(CallLoss::Disconnected { sent: false })),
                None => continue,
            };
            if let Poll::Ready(result) = polled {
                *outcome = Some(result);
                *call = None;
            }
        }
        if pending.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    for (request, outcome) in requests.iter().zip(outcomes) {
        request.report(member, outcome);
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

fn requests(member: &Member, session: &Session) -> Vec<Request> {
    let mut requests = Vec::new();
    for wanted in member.subscriptions.wanted() {
        if let (Ok(()), Some(info)) =
            (session.check(wanted.method), member.methods.get(wanted.method))
        {
            requests.push(Request {
                conn: subscribe_object(&wanted.key, info.name, true),
                arguments: wanted.arguments,
                what: What::Subscription(wanted.key),
            });
        }
    }
    let publications = member.remembered().all();
    for (key, sequence, arguments) in publications {
        if let (Ok(()), Some(info)) = (session.check(key.method), member.methods.get(key.method)) {
            // The same number as the first time: the real client can tell.
            let conn = object_with_call(info.conn, sequence).into_bytes();
            requests.push(Request { conn, arguments, what: What::Publication(key.method) });
        }
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
    fn report(&self, member: &Member, outcome: Option<Result<Answer, CallLoss>>) {
        let method = match &self.what {
            What::Subscription(_) => "",
            What::Publication(method) => member.methods.get(*method).map_or("", |info| info.name),
        };
        let error = match outcome {
            Some(Ok(Answer { kind: AnswerKind::Ok, .. })) => return,
            Some(Ok(Answer { kind: AnswerKind::Err, .. })) => Error::RealClient {
                channel: member.channel.to_string(),
                message: "the method returned an error".to_owned(),
            },
            Some(Ok(Answer { kind: AnswerKind::Failed(failure), payload })) => {
                failure::error(method, failure, &payload)
            }
            // The connection is gone, and everything will be restored on the next one.
            Some(Err(CallLoss::Disconnected { .. } | CallLoss::NotAccepted)) | None => return,
            Some(Err(CallLoss::Expired { .. })) => {
                if let What::Subscription(key) = &self.what {
                    let (key, waited) = (key.to_string(), member.options.subscribe_timeout);
                    return member.emit(ClusterEvent::SubscriptionStalled { key, waited });
                }
                let timeout = member.options.subscribe_timeout;
                Error::DeadlineExceeded {
                    method: method.to_owned(),
                    timeout,
                    outcome: crate::Outcome::Unknown,
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
