//! What a leader's channel is subscribed to, and for whom.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use crate::event::{EventOptions, Item, Receivers};
use crate::limits::Limits;
use crate::planted::{Bug, planted};
use crate::subscription::queue::Queue;

#[cfg(test)]
mod tests;

/// The topics of one channel on its leader: each key that somebody is subscribed to is one topic
/// with one upstream subscription, however many subscribers there are.
///
/// ```text
///              join              opened            last one leaves
/// (no topic) ────────▶ Opening ─────────▶ Live ──────────────────────▶ lingering
///      ▲                  │                │  ◀────────────────────────    │
///      │      failed      │     ended      │             join              │
///      └──────────────────┴────────────────┴───────────────────────────────┘ expire
/// ```
///
/// A topic that is still opening lingers too when nobody waits for it any more.
///
/// Pure state under the caller's lock. Values that are no longer retained are returned as
/// `released`: drop them without that lock, since their `Drop` is the user's code.
pub(crate) struct Topics {
    limits: Limits,
    by_key: HashMap<Arc<str>, TopicId>,
    topics: HashMap<TopicId, Topic>,
    by_subscriber: HashMap<SubscriberId, HashSet<TopicId>>,
    lingering: BTreeSet<(Instant, TopicId)>,
    /// How many values all topics retain, and their bytes.
    retained: usize,
    retained_bytes: usize,
    next_id: u64,
}

/// A topic from its opening to its end. Never used again, so what comes late for a topic that is
/// gone finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TopicId(u64);

/// Who subscribes: a follower's connection, or the leader's own process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubscriberId(pub(crate) u64);

struct Topic {
    key: Arc<str>,
    options: EventOptions,
    live: bool,
    subscribers: Vec<SubscriberId>,
    /// The newest values, and how many were dropped for want of room.
    retained: Queue<Item>,
    /// When the topic ends unless somebody joins.
    lingers_until: Option<Instant>,
}

/// What became of a [`Topics::join`].
pub(crate) enum Join {
    /// The key's first subscriber: open the upstream, then say [`Topics::opened`] or
    /// [`Topics::failed`].
    Open(TopicId),
    /// The upstream is being opened for somebody else: its outcome is this subscriber's too.
    Wait(TopicId),
    /// The subscriber gets the retained values, and after them, with no gap, all that is published
    /// from now on.
    Joined {
        topic: TopicId,
        /// It was not a subscriber before.
        is_new: bool,
        /// How many values that should have been retained were not, for want of room.
        missed: u64,
        snapshot: Vec<Item>,
    },
}

/// Whom a change concerns, and what it leaves behind.
#[must_use]
#[derive(Default)]
pub(crate) struct Affected {
    pub(crate) subscribers: Vec<SubscriberId>,
    pub(crate) released: Vec<Item>,
}

/// More subscriptions than this are not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) usize);

impl Topics {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            by_key: HashMap::new(),
            topics: HashMap::new(),
            by_subscriber: HashMap::new(),
            lingering: BTreeSet::new(),
            retained: 0,
            retained_bytes: 0,
            next_id: 0,
        }
    }

    /// Subscribes `who` to `key`. Who is already subscribed gets the retained values again.
    ///
    /// # Errors
    ///
    /// [`TooMany`] of this subscriber, or of all together: by their number, or by the bytes that are retained for them.
    pub(crate) fn join(
        &mut self,
        key: &str,
        options: EventOptions,
        who: SubscriberId,
    ) -> Result<Join, TooMany> {
        let known = self.by_key.get(key).copied();
        self.check_subscriber(known, who)?;
        let known = known.filter(|_| !planted(Bug::SubscribesUpstreamTwice));
        let known = known.and_then(|id| Some((id, self.topics.get_mut(&id)?)));
        let Some((id, topic)) = known else {
            return self.open(key, options, who).map(Join::Open);
        };
        if let Some(until) = topic.lingers_until.take() {
            self.lingering.remove(&(until, id));
        }
        let is_new = self.by_subscriber.entry(who).or_default().insert(id);
        if is_new {
            topic.subscribers.push(who);
        }
        Ok(if topic.live {
            let snapshot = topic.retained.values().cloned().collect();
            Join::Joined { topic: id, is_new, missed: topic.retained.missed_before(), snapshot }
        } else {
            Join::Wait(id)
        })
    }

    /// The upstream is open. Those who waited have joined; nothing was published before.
    pub(crate) fn opened(&mut self, topic: TopicId) -> Vec<SubscriberId> {
        let Some(topic) = self.topics.get_mut(&topic) else {
            return Vec::new();
        };
        topic.live = true;
        topic.subscribers.clone()
    }

    /// The upstream could not be opened, which is what those who waited are to be told. The next
    /// one asks anew.
    pub(crate) fn failed(&mut self, topic: TopicId) -> Vec<SubscriberId> {
        // Without an upstream nothing was retained.
        self.remove(topic).subscribers
    }

    /// The upstream has ended. The next subscriber asks anew.
    pub(crate) fn ended(&mut self, topic: TopicId) -> Affected {
        self.remove(topic)
    }

    /// Retains a value, if its event type says so, and says who gets it. `pick` chooses one of so
    /// many, for events that only one gets.
    pub(crate) fn publish(
        &mut self,
        topic: TopicId,
        item: &Item,
        pick: impl FnOnce(usize) -> usize,
    ) -> Affected {
        let Some(topic) = self.topics.get_mut(&topic) else {
            return Affected::default();
        };
        let subscribers = match topic.options.receivers {
            Receivers::All => topic.subscribers.clone(),
            Receivers::One if topic.subscribers.is_empty() => Vec::new(),
            Receivers::One => {
                topic.subscribers.get(pick(topic.subscribers.len())).copied().into_iter().collect()
            }
        };
        let mut released = Vec::new();
        let full = planted(Bug::RetainsFirstValue) && !topic.retained.is_empty();
        if topic.options.retains() && !full {
            let values = &mut topic.retained;
            self.retained -= values.len();
            self.retained_bytes -= values.bytes();
            released = values.push(item.key.clone(), item.clone(), item.size());
            // The topics share the bounds; the one that grows pays, down to its newest value.
            while values.len() > 1
                && (self.retained + values.len() > self.limits.retained_items
                    || self.retained_bytes + values.bytes() > self.limits.retained_bytes)
            {
                released.extend(values.evict());
            }
            self.retained += values.len();
            self.retained_bytes += values.bytes();
        }
        Affected { subscribers, released }
    }

    /// How many topics there are, and how many values they retain.
    #[cfg(feature = "testing")]
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.topics.len(), self.retained)
    }

    /// Everybody who has joined the topic: whom to tell what the upstream says besides values.
    pub(crate) fn subscribers(&self, topic: TopicId) -> &[SubscriberId] {
        self.topics.get(&topic).map_or(&[], |topic| &topic.subscribers)
    }

    /// Ends the subscription of `who` to `key`, if there is one.
    pub(crate) fn leave(&mut self, now: Instant, key: &str, who: SubscriberId) {
        if let Some(topic) = self.by_key.get(key) {
            self.leave_topic(now, *topic, who);
        }
    }

    /// The same, unless the topic is gone.
    pub(crate) fn leave_topic(&mut self, now: Instant, id: TopicId, who: SubscriberId) {
        let Some(joined) = self.by_subscriber.get_mut(&who) else { return };
        if !joined.remove(&id) {
            return;
        }
        if joined.is_empty() {
            self.by_subscriber.remove(&who);
        }
        self.left(now, id, who);
    }

    /// Ends all subscriptions of `who`, who is gone.
    pub(crate) fn leave_all(&mut self, now: Instant, who: SubscriberId) {
        for id in self.by_subscriber.remove(&who).unwrap_or_default() {
            self.left(now, id, who);
        }
    }

    /// When [`Topics::expire`] is next to be called.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.lingering.first().map(|(until, _)| *until)
    }

    /// The topics that nobody came back to, with what is released: drop their upstreams, or the
    /// attempts to open them.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(TopicId, Vec<Item>)> {
        let mut expired = Vec::new();
        while let Some((until, id)) = self.lingering.first().copied()
            && until <= now
        {
            expired.push((id, self.remove(id).released));
        }
        expired
    }

    fn open(
        &mut self,
        key: &str,
        options: EventOptions,
        who: SubscriberId,
    ) -> Result<TopicId, TooMany> {
        within(self.topics.len(), self.limits.subscriptions)?;
        if self.retained_bytes >= self.limits.retained_bytes {
            return Err(TooMany(self.topics.len()));
        }
        let id = TopicId(self.next_id);
        self.next_id += 1;
        let key: Arc<str> = key.into();
        let topic = Topic {
            key: key.clone(),
            options,
            live: false,
            subscribers: vec![who],
            retained: Queue::new(options.delivery, &self.limits),
            lingers_until: None,
        };
        self.by_key.insert(key, id);
        self.topics.insert(id, topic);
        self.by_subscriber.entry(who).or_default().insert(id);
        Ok(id)
    }

    /// Whether `who` may be subscribed to one more topic, or is to this one.
    fn check_subscriber(&self, topic: Option<TopicId>, who: SubscriberId) -> Result<(), TooMany> {
        let joined = self.by_subscriber.get(&who);
        if joined.zip(topic).is_some_and(|(joined, topic)| joined.contains(&topic)) {
            return Ok(());
        }
        within(joined.map_or(0, HashSet::len), self.limits.subscriptions_per_follower)
    }

    fn left(&mut self, now: Instant, id: TopicId, who: SubscriberId) {
        let Some(topic) = self.topics.get_mut(&id) else {
            return;
        };
        topic.subscribers.retain(|subscriber| *subscriber != who);
        if topic.subscribers.is_empty() && !planted(Bug::KeepsUpstream) {
            let until = now + self.limits.linger;
            topic.lingers_until = Some(until);
            self.lingering.insert((until, id));
        }
    }

    fn remove(&mut self, id: TopicId) -> Affected {
        let Some(mut topic) = self.topics.remove(&id) else {
            return Affected::default();
        };
        self.by_key.remove(&topic.key);
        self.retained -= topic.retained.len();
        self.retained_bytes -= topic.retained.bytes();
        if let Some(until) = topic.lingers_until {
            self.lingering.remove(&(until, id));
        }
        for who in &topic.subscribers {
            if let Some(joined) = self.by_subscriber.get_mut(who) {
                joined.remove(&id);
                if joined.is_empty() {
                    self.by_subscriber.remove(who);
                }
            }
        }
        Affected { subscribers: topic.subscribers, released: topic.retained.clear() }
    }
}

fn within(count: usize, limit: usize) -> Result<(), TooMany> {
    if count < limit { Ok(()) } else { Err(TooMany(limit)) }
}
