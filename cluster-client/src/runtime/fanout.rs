//! The leader's subscriptions: one upstream each, every subscriber told.
//!
//! Lock order: `topics`, then `subscribers`, then a connection's own. A subscriber joins and is given the retained
//! values under one `topics` lock, so that it misses nothing and sees nothing twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use cluster_protocol::{Codec, ConnObject, PushEvent};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::follower::Follower;
use super::leadership::{Arguments, Leadership};
use super::upstream::{self, Opening};
use crate::event::{EventOptions, Item};
use crate::limits::Limits;
use crate::member::Member;
use crate::session::publications::{Owners, PublicationKey};
use crate::session::topics::{Join, SubscriberId, TooMany, TopicId, Topics};
use crate::subscription::{CloseReason, UpstreamEvent};

pub(crate) struct Fanout {
    topics: Mutex<TopicTable>,
    owners: Mutex<Owners<Arguments>>,
    subscribers: Mutex<Subscribers>,
    /// Followers with something new to be written, and the one task that writes it.
    dirty: Mutex<Vec<Arc<Follower>>>,
    flush: Notify,
    max_followers: usize,
}

struct TopicTable {
    topics: Topics,
    entries: HashMap<TopicId, Entry>,
}

struct Entry {
    key: Arc<str>,
    options: EventOptions,
    opening: watch::Sender<Opening>,
    /// Opens the upstream subscription and reads it to its end.
    task: Option<AbortHandle>,
    sequence: u64,
}

#[derive(Default)]
struct Subscribers {
    by_id: HashMap<SubscriberId, Subscriber>,
    followers: usize,
    closed: bool,
}

#[derive(Clone)]
enum Subscriber {
    /// A member of this process.
    Local(Arc<Member>),
    Remote(Arc<Follower>),
}

/// Why a follower was not let in.
pub(crate) enum NotAdmitted {
    GoingAway,
    Full,
}

/// One subscription to be opened, on behalf of whoever asks first.
pub(crate) struct Request {
    pub(crate) method: usize,
    pub(crate) key: String,
    pub(crate) codec: Codec,
    pub(crate) arguments: Bytes,
    /// Joins whatever happens; the upstream subscription is tried again until it opens.
    pub(crate) restore: bool,
}

impl Fanout {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            topics: Mutex::new(TopicTable { topics: Topics::new(limits), entries: HashMap::new() }),
            owners: Mutex::default(),
            subscribers: Mutex::default(),
            dirty: Mutex::default(),
            flush: Notify::new(),
            max_followers: limits.followers,
        }
    }

    // Who is there.

    pub(crate) fn add_local(&self, member: Arc<Member>) {
        lock(&self.subscribers).by_id.insert(member.id(), Subscriber::Local(member));
    }

    pub(crate) fn add_follower(&self, follower: &Arc<Follower>) -> Result<(), NotAdmitted> {
        let mut subscribers = lock(&self.subscribers);
        if subscribers.closed {
            return Err(NotAdmitted::GoingAway);
        }
        if subscribers.followers >= self.max_followers {
            return Err(NotAdmitted::Full);
        }
        subscribers.followers += 1;
        subscribers.by_id.insert(follower.id(), Subscriber::Remote(Arc::clone(follower)));
        Ok(())
    }

    /// A follower or local member has gone, with its subscriptions.
    pub(crate) fn remove(&self, leadership: &Arc<Leadership>, id: SubscriberId) {
        {
            let mut subscribers = lock(&self.subscribers);
            if let Some(Subscriber::Remote(_)) = subscribers.by_id.remove(&id) {
                subscribers.followers -= 1;
            }
        }
        let mut table = lock(&self.topics);
        table.topics.leave_all(Instant::now(), id);
        self.linger(leadership, &table);
    }

    pub(crate) fn close_to_followers(&self) -> bool {
        let mut subscribers = lock(&self.subscribers);
        subscribers.closed = true;
        subscribers.followers > 0
    }

    pub(crate) fn followers(&self) -> Vec<Arc<Follower>> {
        let subscribers = lock(&self.subscribers);
        subscribers.by_id.values().filter_map(Subscriber::remote).cloned().collect()
    }

    pub(crate) fn going_away(&self) {
        lock(&self.subscribers).closed = true;
        for follower in self.followers() {
            follower.go_away();
        }
    }

    /// Stops reading the real client's subscriptions. Their subscribers are not told: the next leader goes on.
    pub(crate) fn close_upstreams(&self) {
        for (_, entry) in lock(&self.topics).entries.drain() {
            if let Some(task) = entry.task {
                task.abort();
            }
        }
    }

    pub(crate) fn end(&self) {
        self.close_upstreams();
        let mut subscribers = lock(&self.subscribers);
        subscribers.closed = true;
        subscribers.by_id.clear();
        subscribers.followers = 0;
    }

    // Subscribing.

    /// Joins a topic, or starts it. `Ok(None)`: joined. `Ok(Some(_))`: it is being opened, await the outcome.
    pub(crate) fn join(
        &self,
        leadership: &Arc<Leadership>,
        who: SubscriberId,
        options: EventOptions,
        request: Request,
    ) -> Result<Option<watch::Receiver<Opening>>, TooMany> {
        let mut table = lock(&self.topics);
        match table.topics.join(&request.key, options, who)? {
            Join::Joined { topic, snapshot } => {
                if let Some(entry) = table.entries.get(&topic) {
                    let subscribers = lock(&self.subscribers);
                    for item in snapshot {
                        subscribers.deliver(leadership, entry, topic, who, &Packets::new(entry, &item), &item);
                    }
                }
                drop(table);
                self.flush.notify_one();
                Ok(None)
            }
            Join::Wait(topic) => {
                let entry = table.entries.get(&topic);
                Ok(entry.map(|entry| {
                    entry.opening.send_if_modified(|opening| opening.persist(request.restore));
                    entry.opening.subscribe()
                }))
            }
            Join::Open(topic) => {
                let opening = watch::Sender::new(Opening::started(request.restore));
                let outcome = opening.subscribe();
                let key: Arc<str> = request.key.as_str().into();
                let task = tokio::spawn(upstream::run(Arc::clone(leadership), topic, Arc::clone(&key), request));
                let entry = Entry { key, options, opening, task: Some(task.abort_handle()), sequence: 0 };
                table.entries.insert(topic, entry);
                Ok(Some(outcome))
            }
        }
    }

    pub(crate) fn leave(&self, leadership: &Arc<Leadership>, key: &str, who: SubscriberId) {
        let mut table = lock(&self.topics);
        table.topics.leave(Instant::now(), key, who);
        self.linger(leadership, &table);
    }

    /// Has the topics whose last subscriber has left dropped after their linger.
    fn linger(&self, leadership: &Arc<Leadership>, table: &TopicTable) {
        let Some(deadline) = table.topics.next_deadline() else { return };
        let leadership = Arc::clone(leadership);
        tokio::spawn(async move {
            tokio::select! {
                () = leadership.ended() => {}
                () = tokio::time::sleep_until(deadline.into()) => leadership.fanout.expire(),
            }
        });
    }

    fn expire(&self) {
        let mut table = lock(&self.topics);
        for topic in table.topics.expire(Instant::now()) {
            if let Some(Entry { task: Some(task), .. }) = table.entries.remove(&topic) {
                task.abort();
            }
        }
    }

    // What the upstream task reports.

    /// The upstream subscription is there. False: nobody wants it any more.
    pub(crate) fn opened(&self, topic: TopicId) -> bool {
        let mut table = lock(&self.topics);
        table.topics.opened(topic);
        let Some(entry) = table.entries.get(&topic) else { return false };
        entry.opening.send_replace(Opening::Open);
        true
    }

    /// It could not be opened. True: somebody was restored and waits for the next try.
    pub(crate) fn failed(&self, topic: TopicId, failure: upstream::OpenFailure) -> bool {
        let mut table = lock(&self.topics);
        let Some(entry) = table.entries.get(&topic) else { return false };
        let mut again = false;
        entry.opening.send_modify(|opening| again = opening.fail(failure));
        if !again {
            table.topics.failed(topic);
            table.entries.remove(&topic);
        }
        again
    }

    pub(crate) fn publish(&self, leadership: &Arc<Leadership>, topic: TopicId, event: UpstreamEvent) {
        match event {
            UpstreamEvent::Value(item) => self.publish_value(leadership, topic, &item),
            UpstreamEvent::Missed(count) => self.announce(topic, &PushEvent::Missed { count }),
            UpstreamEvent::Resynced => self.announce(topic, &PushEvent::Resynced),
        }
        self.flush.notify_one();
    }

    fn publish_value(&self, leadership: &Arc<Leadership>, topic: TopicId, item: &Item) {
        // Encoded before the lock: it is the user's code.
        let prepared = {
            let codecs = lock(&self.subscribers).codecs();
            let table = lock(&self.topics);
            let Some(entry) = table.entries.get(&topic) else { return };
            let packets = Packets::new(entry, item);
            drop(table);
            packets.prepare(leadership, item, &codecs)
        };
        let mut table = lock(&self.topics);
        let TopicTable { topics, entries } = &mut *table;
        let Some(entry) = entries.get_mut(&topic) else { return };
        entry.sequence += 1;
        let targets = topics.publish(topic, item, |n| fastrand::usize(..n));
        let subscribers = lock(&self.subscribers);
        let mut dirty = lock(&self.dirty);
        for who in targets {
            dirty.extend(subscribers.deliver(leadership, entry, topic, who, &prepared, item));
        }
    }

    fn announce(&self, topic: TopicId, event: &PushEvent) {
        let table = lock(&self.topics);
        let Some(entry) = table.entries.get(&topic) else { return };
        let subscribers = lock(&self.subscribers);
        let mut dirty = lock(&self.dirty);
        for who in table.topics.subscribers(topic) {
            dirty.extend(subscribers.announce(entry, topic, who, event));
        }
    }

    /// The upstream subscription has ended: so do those of all subscribers.
    pub(crate) fn ended(&self, topic: TopicId) {
        self.announce(topic, &PushEvent::Ended);
        let mut table = lock(&self.topics);
        table.topics.ended(topic);
        table.entries.remove(&topic);
        self.flush.notify_one();
    }

    /// Writes what has been pushed, for all followers, until the leadership ends.
    pub(crate) async fn write_pushes(&self) {
        loop {
            self.flush.notified().await;
            let dirty = std::mem::take(&mut *lock(&self.dirty));
            for follower in dirty {
                follower.flush_pushes();
            }
        }
    }

    // Publications.

    pub(crate) fn published(&self, leadership: &Leadership, key: PublicationKey, who: SubscriberId, undo: Option<Arguments>) {
        let before = lock(&self.owners).published(key.clone(), who, undo);
        if let Some(before) = before {
            self.publication_taken(leadership, before, &key);
        }
    }

    pub(crate) fn undone(&self, leadership: &Leadership, key: &PublicationKey) {
        let owner = lock(&self.owners).undone(key);
        if let Some(owner) = owner {
            self.publication_taken(leadership, owner, key);
        }
    }

    pub(crate) fn gone(&self, who: SubscriberId) -> Vec<(PublicationKey, Arguments)> {
        lock(&self.owners).gone(who)
    }

    fn publication_taken(&self, leadership: &Leadership, owner: SubscriberId, key: &PublicationKey) {
        let owner = lock(&self.subscribers).by_id.get(&owner).cloned();
        match owner {
            Some(Subscriber::Local(member)) => member.forget(key),
            Some(Subscriber::Remote(follower)) => {
                let Some(method) = leadership.terms.methods.get(key.method) else { return };
                follower.control(&ConnObject::PublicationTaken {
                    method: method.name.into(),
                    key: key.key.as_str().into(),
                });
            }
            None => {}
        }
    }
}

impl Subscriber {
    fn remote(&self) -> Option<&Arc<Follower>> {
        match self {
            Self::Remote(follower) => Some(follower),
            Self::Local(_) => None,
        }
    }
}
