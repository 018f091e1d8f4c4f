//! Being a follower: one session with one leader.

mod session;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use cluster_protocol::{ChannelState, ConnObject, Welcome};
use tokio::sync::watch;

pub(crate) use self::session::Session;
use self::session::SharedUnsubscribes;
use super::joining::{Obstacle, Registered, message};
use super::link::{LeaderLink, LinkEvents, LinkSettings, Push};
use super::restoring::Restoration;
use super::standalone::StandIn;
use super::supervisor::{End, Start};
use crate::context::InstanceId;
use crate::error::Error;
use crate::event::Item;
use crate::member::{Link, Member, Said};
use crate::membership::{ClusterEvent, LeaderInfo, Role};
use crate::node::{NodeSession, Peer};
use crate::planted::{Bug, planted};
use crate::session::publications::{PublicationKey, Remembered};

/// Follows until the leader is gone or this member closes. While the leader is silent for too long, the stand-in serves.
pub(super) async fn follow(
    member: &Arc<Member>,
    registered: Registered,
    start: &Start,
    stand_in: &mut StandIn,
) -> End {
    let Registered { read, write, leader: peer, welcome, data } = registered;
    member.saw_epoch(welcome.epoch);
    let leader = leader(&welcome);
    let node = member
        .node
        .as_ref()
        .filter(|_| peer == Peer::Node)
        .map(|interface| NodeSession::new(Arc::clone(interface)));
    let unsubscribes = Arc::new(SharedUnsubscribes::default());
    let events = Arc::new(Inbound {
        member: Arc::clone(member),
        node: node.clone(),
        leader: watch::Sender::new(Known { state: welcome.state, data, silent: false }),
        heeds_pushes: AtomicBool::new(true),
        unsubscribes: Arc::clone(&unsubscribes),
    });
    let settings = LinkSettings {
        frame: member.frame_limits(),
        inbound: member.options.limits.inbound(),
        heartbeat_interval: member.options.heartbeat_interval,
        patience: member.options.standalone_after,
        limits: member.options.limits.clone(),
        leader: peer,
        host: member.options.host.clone(),
    };
    let sequence = Arc::clone(member.sequence());
    let link = LeaderLink::spawn(read, write, settings, sequence, Arc::clone(&events) as _);
    let _closed_at_the_end = CloseLink { link: Arc::clone(&link), member };
    let mut states = events.leader.subscribe();
    // The session whose leader was asked for the subscriptions, and which those were.
    let mut asked: Option<(Arc<Session>, Vec<Arc<str>>)> = None;
    loop {
        let known = states.borrow_and_update().clone();
        let is_behind = link.is_behind();
        if is_behind && let Some((session, restored)) = asked.take() {
            unsubscribe_all(member, &session, restored);
        }
        match known.state {
            _ if known.silent => {
                member.carry_over(link.take_lost());
                stand_in.begin();
            }
            // Until it has caught up the stand-in serves on. If the silence was over before it was seen here there is none,
            // and calls wait: they would put off the time when it has caught up.
            ChannelState::Ready if is_behind => {
                if !stand_in.is_serving() {
                    member.await_leader();
                }
            }
            // It may be told more than once, and what is being published meanwhile is not to be followed by what was before.
            ChannelState::Ready if asked.is_some() => {}
            ChannelState::Ready => {
                let withdrawn = stand_in.end().await;
                events.heed_pushes();
                let (link_of, node_of) = (Arc::clone(&link), node.clone());
                let unsubscribes = Arc::clone(&unsubscribes);
                let session = Session::new(member, link_of, &known.data, node_of, unsubscribes);
                release(member, &session, &withdrawn);
                let restoration = Restoration::new(member, &session);
                let restored = restoration.keys();
                asked = Some((Arc::clone(&session), restored.clone()));
                let stalled = tokio::select! {
                    biased;
                    () = member.status.close_requested() => return End::Closed,
                    end = link.closed() => {
                        member.lost_leader(&end.reason);
                        return End::Lost;
                    }
                    () = silence(&events.leader) => continue,
                    stalled = restoration.make(member, &session) => stalled,
                };
                member.clear_obstacle();
                member.status.set_role(Role::Follower, Some(leader));
                member.set_link(Link::Following(Arc::clone(&session)));
                // A silence may have been over before it was seen here.
                member.carry_over(link.take_lost());
                member.send_queued();
                unsubscribe_abandoned(member, &session, &restored);
                stalled.ask_again(member, &session);
                member.emit(ClusterEvent::BecameFollower { leader });
                start.succeeded();
                tracing::info!(channel = %member.channel, leader = leader.pid, epoch = leader.epoch, "following");
            }
            ChannelState::Starting => member.set_obstacle(Obstacle::Starting),
            ChannelState::Failed => {
                asked = None;
                let error = Error::RealClient {
                    channel: member.channel.to_string(),
                    message: message(&known.data),
                };
                member.emit(ClusterEvent::RealClient(error.clone()));
                // An own client is better than none.
                if !stand_in.is_serving() {
                    member.set_link(Link::Failed(error.clone()));
                }
                if !stand_in.is_serving() && start.failed(error) {
                    return End::Closed;
                }
            }
            ChannelState::GoingAway | ChannelState::NotServed | ChannelState::Refused => {
                // Its connection ends when the port is free: that is the time to compete for it.
                if !stand_in.is_serving() {
                    member.lost_leader("the leader is going away");
                }
            }
        }
        tokio::select! {
            biased;
            () = member.status.close_requested() => {
                leave(member, &link).await;
                return End::Closed;
            }
            end = link.closed() => {
                // The last that the leader said, its error perhaps, may have come together with the end.
                if states.has_changed().unwrap_or(false) {
                    continue;
                }
                member.lost_leader(&end.reason);
                return if end.going_away { End::HandedOver } else { End::Lost };
            }
            // Registering again is what makes the leader try again.
            () = member.client_wanted(),
                if known.state == ChannelState::Failed && !stand_in.is_serving() => return End::Lost,
            // The sender lives in `events`, so this cannot fail.
            _ = states.changed() => {}
            () = link.caught_up(),
                if is_behind && known.state == ChannelState::Ready && !known.silent => {}
            never = stand_in.serve() => match never {},
        }
    }
}

/// As a leader does: takes no more calls, and lets those come to their ends that are under way.
async fn leave(member: &Member, link: &LeaderLink) {
    member.set_link(Link::Closed);
    if tokio::time::timeout(member.options.limits.drain, link.leave()).await.is_err() {
        tracing::warn!(channel = %member.channel, "calls outlast the drain time and are given up");
    }
}

struct CloseLink<'a> {
    link: Arc<LeaderLink>,
    member: &'a Member,
}

impl Drop for CloseLink<'_> {
    fn drop(&mut self) {
        self.link.close();
        self.member.carry_over(self.link.take_lost());
    }
}

/// What the leader has said about the channel.
#[derive(Clone)]
struct Known {
    state: ChannelState,
    data: Vec<u8>,
    /// It has said nothing for too long since.
    silent: bool,
}

/// Resolves when the leader has been silent for too long.
async fn silence(leader: &watch::Sender<Known>) {
    // The sender is here, so waiting cannot fail.
    let _ = leader.subscribe().wait_for(|known| known.silent).await;
}

/// What comes in on the connection.
struct Inbound {
    member: Arc<Member>,
    node: Option<NodeSession>,
    leader: watch::Sender<Known>,
    /// False while the own client's values count.
    heeds_pushes: AtomicBool,
    unsubscribes: Arc<SharedUnsubscribes>,
}

impl Inbound {
    fn heeds_pushes(&self) -> bool {
        self.heeds_pushes.load(Ordering::Acquire)
    }

    /// The leader's values count.
    fn heed_pushes(&self) {
        let heeds = !planted(Bug::IgnoresPushesAfterStandingAlone);
        let returns = !self.heeds_pushes.fetch_or(heeds, Ordering::AcqRel);
        if returns && planted(Bug::ForgetsPublicationsOnReturn) {
            *self.member.remembered() = Remembered::default();
        }
    }
}

impl LinkEvents for Inbound {
    fn pushed(&self, push: Push<'_>) {
        let subscriptions = &self.member.subscriptions;
        if let Some(node) = &self.node {
            let keys = node.keys().topics(push.key);
            if keys.is_empty() {
                return;
            }
            let codec = self.member.codec();
            let item_key = node.item_key(&self.member.methods);
            let item_key = item_key.and_then(|read| read(codec, &push.data));
            let item = Item::encoded(item_key, codec, push.data);
            for key in keys {
                let said = Said::Value(item.clone());
                subscriptions.tell_unless(|| !self.heeds_pushes(), &key, said);
            }
            return;
        }
        let said = match push.event {
            Some(event) => event.into(),
            None => {
                let item = push.item.map(Into::into);
                Said::Value(Item::encoded(item, self.member.codec(), push.data))
            }
        };
        let is_over = || !self.heeds_pushes() || self.unsubscribes.lock().covers(push.key);
        subscriptions.tell_unless(is_over, push.key, said);
    }

    fn unsubscribed(&self, key: &str) {
        self.unsubscribes.lock().confirmed(key);
    }

    fn publication_taken(&self, method: &str, key: &str, call: u64) {
        if let Some(method) = self.member.method(method) {
            self.member.remembered().taken(&PublicationKey { method, key: key.to_owned() }, call);
        }
    }

    fn channel_state(&self, welcome: Welcome, data: &[u8]) {
        self.leader.send_modify(|known| {
            (known.state, known.data) = (welcome.state, data.to_vec());
        });
    }

    fn going_away(&self) {
        self.leader.send_if_modified(|known| {
            // That it has no real client is what those who wait for one have to hear first; its connection ends anyway.
            let tells_more = known.state != ChannelState::Failed;
            if tells_more {
                (known.state, known.data) = (ChannelState::GoingAway, Vec::new());
            }
            tells_more
        });
    }

    fn unresponsive(&self, silent_for: Duration) {
        tracing::warn!(channel = %self.member.channel, ?silent_for, "the leader holds the port and does not answer");
        self.member.emit(ClusterEvent::LeaderUnresponsive { silent_for });
    }

    fn given_up(&self) {
        self.heeds_pushes.store(false, Ordering::Release);
        self.leader.send_modify(|known| known.silent = true);
    }

    fn responsive(&self) {
        self.member.emit(ClusterEvent::LeaderResponsive);
        self.leader.send_if_modified(|known| std::mem::take(&mut known.silent));
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

/// The leader is silent. When it goes on it is asked anew for what is still read then.
fn unsubscribe_all(member: &Member, session: &Session, restored: Vec<Arc<str>>) {
    let mut keys = member.subscriptions.asked();
    // Who has left such a key meanwhile could not tell anybody.
    keys.extend(restored);
    for key in keys {
        session.unsubscribe(&key);
    }
}

/// What was taken back meanwhile, by the own client, is to be taken back by the leader's, too.
fn release(member: &Member, session: &Session, withdrawn: &BTreeSet<PublicationKey>) {
    // A Node leader would not understand it.
    for gone in withdrawn.iter().filter(|_| session.node.is_none()) {
        let Some(info) = member.methods.get(gone.method) else { continue };
        let (method, key) = (info.name.into(), gone.key.as_str().into());
        let conn = ConnObject::PublicationReleased { method, key }.to_bytes();
        // It always fits. A link that is closed takes back everything.
        let _ = session.link.send_control(&conn);
    }
}

/// A restored key that nobody reads any more: while it was restored there was no leader to be told.
fn unsubscribe_abandoned(member: &Member, session: &Session, restored: &[Arc<str>]) {
    for key in restored {
        if let Some(_asking) = member.subscriptions.abandon(key) {
            session.unsubscribe(key);
        }
    }
}
