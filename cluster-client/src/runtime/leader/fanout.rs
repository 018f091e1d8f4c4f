//! The leader's subscriptions: one upstream each, every subscriber told.
//!
//! Lock order: `topics`, then `roster`, then a connection's own. A subscriber joins and is given the retained values
//! under one `topics` lock, so that it misses nothing and sees nothing twice.

mod upstream;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cluster_protocol::{Failure, PushEvent};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::Leadership;
use super::admission::Told;
use super::follower::Follower;
use super::packets::{Packets, Source};
use super::publications::Arguments;
use super::roster::{NotAdmitted, Roster, Route};
use super::upstream::{OpenFailure, Opening, OpeningState, Request, run};
use crate::clock;
use crate::event::EventOptions;
use crate::limits::Limits;
use crate::member::Member;
use crate::serve::{Answered, Reply};
use crate::session::publications::Owners;
use crate::session::topics::{Join, SubscriberId, TooMany, TopicId, Topics};

pub(crate) struct Fanout {
    topics: Mutex<Table>,
    pub(super) owners: Mutex<Owners<Arguments>>,
    pub(super) roster: Mutex<Roster>,
    /// Followers with something new to be written, and the one task that writes it.
    dirty: Mutex<Vec<Arc<Follower>>>,
    flush: Notify,
    /// Rung when a subscriber has left: its topics may begin to linger.
    left: Notify,
    max_followers: usize,
}

struct Table {
    topics: Topics,
    entries: BTreeMap<TopicId, Entry>,
}

struct Entry {
    source: Source,
    options: EventOptions,
    opening: watch::Sender<Opening>,
    /// Opens the upstream subscription and reads it to its end.
    task: AbortHandle,
    sequence: u64,
}

/// Somebody has joined a topic that is being opened.
pub(super) struct Waiting {
    topic: TopicId,
    opening: watch::Receiver<Opening>,
}

/// Why somebody could not join a topic.
pub(super) enum NotJoined {
    TooMany(usize),
    /// It is not, or no longer, attached to the leadership.
    Gone,
}

impl Entry {
    fn route(&self, topic: TopicId) -> Route<'_> {
        Route { topic, delivery: self.options.delivery, source: &self.source }
    }
}

impl Fanout {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            topics: Mutex::new(Table { topics: Topics::new(limits), entries: BTreeMap::new() }),
            owners: Mutex::default(),
            roster: Mutex::default(),
            dirty: Mutex::default(),
            flush: Notify::new(),
            left: Notify::new(),
            max_followers: limits.followers,
        }
    }

    // Who is there.

    pub(crate) fn add_local(&self, member: Arc<Member>) {
        lock(&self.roster).add_local(member);
    }

    /// Returns what is still there of the same member: an older connection, which that has given up.
    pub(super) fn add_follower(
        &self,
        follower: &Arc<Follower>,
    ) -> Result<Option<Arc<Follower>>, NotAdmitted> {
        lock(&self.roster).add_follower(follower, self.max_followers)
    }

    /// A follower or local member has gone, with its subscriptions.
    pub(crate) fn remove(&self, id: SubscriberId) {
        lock(&self.roster).remove(id);
        lock(&self.topics).topics.leave_all(clock::now(), id);
        self.left.notify_one();
    }

    /// Whether the follower or local member is still there.
    pub(super) fn is_attached(&self, id: SubscriberId) -> bool {
        lock(&self.roster).get(id).is_some()
    }

    /// From now on no follower is admitted. True if there are any.
    pub(crate) fn close_to_followers(&self) -> bool {
        lock(&self.roster).close()
    }

    /// Tells the followers that no more calls are accepted.
    pub(crate) fn go_away(&self) {
        let mut roster = lock(&self.roster);
        roster.close();
        roster.followers().for_each(|follower| follower.go_away());
    }

    pub(super) fn tell_state(&self, told: &Told) {
        lock(&self.roster).followers().for_each(|follower| follower.tell_state(told.clone()));
    }

    /// Looks after the followers, and closes those that have been silent for longer than `allowed`.
    pub(crate) fn check(&self, now: Instant, allowed: Option<Duration>) {
        lock(&self.roster).followers().for_each(|follower| follower.check(now, allowed));
    }

    /// Stops reading the real client's subscriptions. Their subscribers are not told: the next leader goes on.
    pub(crate) fn close_upstreams(&self) {
        let entries = std::mem::take(&mut lock(&self.topics).entries);
        entries.values().for_each(|entry| entry.task.abort());
    }

    pub(crate) fn end(&self) {
        // First, so that nobody joins what is closed next.
        lock(&self.roster).clear();
        self.close_upstreams();
        // Nobody writes any more, and a follower that is kept here keeps the leadership, and its own socket.
        let unwritten = std::mem::take(&mut *lock(&self.dirty));
        drop(unwritten);
    }

    #[cfg(feature = "testing")]
    pub(super) fn load(&self) -> crate::testing::Load {
        let mut load = crate::testing::Load::default();
        (load.upstreams, load.retained_values) = lock(&self.topics).topics.held();
        load.owned_publications = lock(&self.owners).len();
        let roster = lock(&self.roster);
        load.followers = roster.count();
        roster.followers().for_each(|follower| load += follower.load());
        load
    }

    // Subscribing.

    /// Subscribes `who`, and answers when the real client has.
    pub(crate) async fn subscribe(
        &self,
        leadership: &Arc<Leadership>,
        who: SubscriberId,
        options: EventOptions,
        request: Request,
    ) -> Reply {
        let joined = self.join(leadership, who, options, &request);
        self.joined(leadership, who, options, request, joined).await
    }

    /// The same for who has [joined](Self::join) already, or tried to.
    pub(super) async fn joined(
        &self,
        leadership: &Arc<Leadership>,
        who: SubscriberId,
        options: EventOptions,
        request: Request,
        mut joined: Result<Option<Waiting>, NotJoined>,
    ) -> Reply {
        loop {
            let Waiting { topic, mut opening } = match joined {
                Ok(None) => return Reply::ok(),
                Ok(Some(waiting)) => waiting,
                Err(NotJoined::TooMany(limit)) => {
                    return Reply::failed(Failure::TooManySubscriptions, &limit.to_string());
                }
                Err(NotJoined::Gone) => {
                    return Reply::failed(Failure::GoingAway, "the connection has ended");
                }
            };
            loop {
                let settled = opening
                    .wait_for(|opening| !matches!(opening.state, OpeningState::Pending))
                    .await;
                match settled.map(|opening| opening.state.clone()) {
                    Ok(OpeningState::Failed(failure))
                        if request.restore || speaks(&request, &failure) =>
                    {
                        // Others may still wait for the next try; who is told of this one does not. By the topic: nobody
                        // may wait for this call any more, and have subscribed to the key anew.
                        if !request.restore {
                            self.leave_topic(topic, who);
                        }
                        return failure.into_reply();
                    }
                    // The answer is for somebody of another codec: wait for the next try, or ask again in one's own.
                    Ok(OpeningState::Failed(_)) => {
                        if opening.changed().await.is_err() {
                            break;
                        }
                    }
                    Ok(OpeningState::Open | OpeningState::Pending) => return Reply::ok(),
                    Err(_) => return Reply::failed(Failure::GoingAway, "the leader is going away"),
                }
            }
            joined = self.join(leadership, who, options, &request);
        }
    }

    /// `None`: joined. Otherwise the topic is being opened.
    pub(super) fn join(
        &self,
        leadership: &Arc<Leadership>,
        who: SubscriberId,
        options: EventOptions,
        request: &Request,
    ) -> Result<Option<Waiting>, NotJoined> {
        let mut table = lock(&self.topics);
        // Who leaves is taken from the roster first, and then, under the present lock, from the topics.
        let Some(subscriber) = lock(&self.roster).get(who) else {
            return Err(NotJoined::Gone);
        };
        let Table { topics, entries } = &mut *table;
        let joined = topics.join(&request.key, options, who);
        match joined.map_err(|TooMany(limit)| NotJoined::TooMany(limit))? {
            // It has got these before, and asks for nothing but whether it is subscribed. A Node process has several keys of
            // one topic, and expects them for each.
            Join::Joined { is_new: false, .. } if request.restore && !subscriber.is_node() => {
                Ok(None)
            }
            Join::Joined { topic, missed, snapshot, .. } => {
                if let Some(entry) = entries.get(&topic) {
                    let roster = lock(&self.roster);
                    let mut dirty = lock(&self.dirty);
                    if missed > 0 {
                        dirty.extend(roster.announce(
                            entry.route(topic),
                            who,
                            PushEvent::Missed { count: missed },
                        ));
                    }
                    for item in &snapshot {
                        // The one place where the user's `Serialize` runs under a lock: joining must be atomic.
                        let mut packets = Packets::new(entry.source.clone(), entry.sequence, item);
                        dirty.extend(roster.deliver(entry.route(topic), who, &mut packets, item));
                    }
                    self.flush.notify_one();
                }
                drop(table);
                Ok(None)
            }
            Join::Wait(topic) => Ok(entries.get(&topic).map(|entry| {
                entry.opening.send_modify(|opening| opening.persist(request.restore));
                Waiting { topic, opening: entry.opening.subscribe() }
            })),
            Join::Open(topic) => {
                let (sender, opening) = watch::channel(Opening::started(request.restore));
                let upstream = run(Arc::clone(leadership), topic, request.clone());
                let task = leadership.spawn(upstream);
                let source = Source {
                    key: Arc::clone(&request.key),
                    epoch: leadership.terms.epoch,
                    limits: leadership.frame_limits(),
                };
                let entry = Entry { source, options, opening: sender, task, sequence: 0 };
                entries.insert(topic, entry);
                Ok(Some(Waiting { topic, opening }))
            }
        }
    }

    pub(crate) fn leave(&self, key: &str, who: SubscriberId) {
        lock(&self.topics).topics.leave(clock::now(), key, who);
        self.left.notify_one();
    }

    fn leave_topic(&self, topic: TopicId, who: SubscriberId) {
        lock(&self.topics).topics.leave_topic(clock::now(), topic, who);
        self.left.notify_one();
    }

    /// Drops the topics that nobody came back to after their linger, for ever.
    pub(super) async fn drop_lingering(&self) {
        loop {
            let deadline = lock(&self.topics).topics.next_deadline();
            match deadline {
                None => self.left.notified().await,
                Some(deadline) => {
                    tokio::time::sleep_until(deadline.into()).await;
                    self.expire();
                }
            }
        }
    }

    fn expire(&self) {
        let mut table = lock(&self.topics);
        let expired = table.topics.expire(clock::now());
        for (topic, _) in &expired {
            if let Some(entry) = table.entries.remove(topic) {
                entry.task.abort();
            }
        }
        drop(table);
        drop(expired);
    }

    /// Writes what has been pushed, for all followers, for ever.
    pub(super) async fn write_pushes(&self) {
        loop {
            self.flush.notified().await;
            let dirty = std::mem::take(&mut *lock(&self.dirty));
            dirty.iter().for_each(|follower| follower.flush_pushes());
        }
    }
}

fn speaks(request: &Request, failure: &OpenFailure) -> bool {
    request.codec == failure.codec
        || matches!(failure.answered, Answered::Failed(_) | Answered::CutOff)
}

/// A panic while one of these locks is held leaves nothing half done that another one would trip over.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
