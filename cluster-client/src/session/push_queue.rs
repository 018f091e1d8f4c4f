//! What a leader has yet to push to one follower.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::topics::TopicId;
use crate::event::{Delivery, ItemKey};
use crate::limits::Limits;
use crate::planted::{Bug, planted};
use crate::subscription::Event;
use crate::subscription::queue::Queue;

#[cfg(test)]
mod tests;

/// The pushes of one connection that are not in its socket's buffer yet.
///
/// Each topic has a [`Queue`] of its own: values conflate or overflow there by the topic's
/// delivery, in order. The topics take turns, so that a busy one does not hold up the others.
///
/// Where only the latest values matter, nearly all that wait are also retained, and every connection
/// shares their bytes; they share the bound of what is retained, [`Limits::retained_bytes`], or that of
/// the other topics' values, [`Limits::outbound_bytes`], if it is greater: here the heads of their packets
/// count as well. The topic that grows beyond a bound pays with its older values, down to the newest.
pub(crate) struct PushQueue {
    limits: Limits,
    /// Never empty ones.
    topics: HashMap<TopicId, Pending>,
    /// The topics that have something pending, the next one first.
    turns: VecDeque<TopicId>,
    totals: Totals,
}

/// The bytes of all packets, by the delivery of their topics.
#[derive(Default)]
struct Totals {
    latest: usize,
    every: usize,
}

struct Pending {
    delivery: Delivery,
    queue: Queue<Bytes>,
    /// The last packet of the topic, behind all in the queue.
    end: Option<Bytes>,
}

/// What is to be pushed next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// A packet as it went in.
    Packet(Bytes),
    /// To be announced by a packet: so many values of the topic were dropped.
    Missed { topic: TopicId, count: u64 },
    /// To be announced by a packet: the real client's own leader has changed.
    Resynced { topic: TopicId },
}

impl PushQueue {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            topics: HashMap::new(),
            turns: VecDeque::new(),
            totals: Totals::default(),
        }
    }

    /// Queues the packet of a value.
    pub(crate) fn push(&mut self, topic: TopicId, key: ItemKey, delivery: Delivery, packet: Bytes) {
        let max_bytes = match delivery {
            Delivery::Latest => self.limits.retained_bytes.max(self.limits.outbound_bytes),
            Delivery::Every { .. } => self.limits.outbound_bytes,
        };
        self.update(topic, delivery, |pending, others| {
            if planted(Bug::KeepsOlderPush) && !pending.queue.is_empty() {
                return;
            }
            let size = packet.len();
            // Packets are bytes: dropping them is nobody's code.
            drop(pending.queue.push(key, packet, size));
            while others + pending.queue.bytes() > max_bytes && pending.queue.len() > 1 {
                pending.queue.evict();
            }
        });
    }

    /// Notes that `count` values of the topic were lost before they came here.
    pub(crate) fn missed(&mut self, topic: TopicId, delivery: Delivery, count: u64) {
        if count > 0 {
            self.update(topic, delivery, |pending, _| pending.queue.missed(count));
        }
    }

    /// Notes that what follows comes from another leader of the real client.
    pub(crate) fn resynced(&mut self, topic: TopicId, delivery: Delivery) {
        self.update(topic, delivery, |pending, _| pending.queue.resynced());
    }

    /// Queues the packet that says that the topic has ended, behind all its values.
    pub(crate) fn end(&mut self, topic: TopicId, delivery: Delivery, packet: Bytes) {
        self.update(topic, delivery, |pending, _| pending.end = Some(packet));
    }

    /// Takes out what is to be pushed next.
    pub(crate) fn pop(&mut self) -> Option<Next> {
        let topic = self.turns.pop_front()?;
        let pending = self.topics.get_mut(&topic)?;
        let before = pending.bytes();
        let next = match pending.queue.pop() {
            Some(Event::Value(packet)) => Some(Next::Packet(packet)),
            Some(Event::Missed(count)) => Some(Next::Missed { topic, count }),
            Some(Event::Resynced) => Some(Next::Resynced { topic }),
            None => pending.end.take().map(Next::Packet),
        };
        *self.totals.of(pending.delivery) -= before - pending.bytes();
        if pending.is_empty() {
            self.topics.remove(&topic);
        } else {
            self.turns.push_back(topic);
        }
        next
    }

    /// Forgets what is pending for a topic: the follower has unsubscribed.
    pub(crate) fn drop_topic(&mut self, topic: TopicId) {
        if let Some(pending) = self.topics.remove(&topic) {
            *self.totals.of(pending.delivery) -= pending.bytes();
            self.turns.retain(|turn| *turn != topic);
        }
    }

    /// The bytes of all packets in it.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn bytes(&self) -> usize {
        self.totals.latest + self.totals.every
    }

    /// Whether there is nothing to push.
    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Changes what is pending for a topic, given the bytes of the others like it; then the topic
    /// has a turn.
    fn update(
        &mut self,
        topic: TopicId,
        delivery: Delivery,
        change: impl FnOnce(&mut Pending, usize),
    ) {
        let pending = self.topics.entry(topic).or_insert_with(|| {
            self.turns.push_back(topic);
            Pending { delivery, queue: Queue::new(delivery, &self.limits), end: None }
        });
        let total = self.totals.of(pending.delivery);
        let others = *total - pending.bytes();
        change(pending, others);
        *total = others + pending.bytes();
    }
}

impl Totals {
    fn of(&mut self, delivery: Delivery) -> &mut usize {
        match delivery {
            Delivery::Latest => &mut self.latest,
            Delivery::Every { .. } => &mut self.every,
        }
    }
}

impl Pending {
    fn bytes(&self) -> usize {
        self.queue.bytes() + self.end.as_ref().map_or(0, Bytes::len)
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.end.is_none()
    }
}
