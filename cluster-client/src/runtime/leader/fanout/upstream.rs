//! What the real client's subscriptions bring, on its way to all that are subscribed.

use cluster_protocol::PushEvent;

use super::{Fanout, Table, lock};
use crate::error::Error;
use crate::event::Item;
use crate::membership::ClusterEvent;
use crate::runtime::leader::Leadership;
use crate::runtime::leader::packets::Packets;
use crate::runtime::leader::upstream::{OpenFailure, OpeningState};
use crate::session::topics::TopicId;
use crate::subscription::UpstreamEvent;

impl Fanout {
    /// The upstream subscription is there. False: nobody wants it any more.
    pub(in crate::runtime::leader) fn opened(&self, topic: TopicId) -> bool {
        let mut table = lock(&self.topics);
        table.topics.opened(topic);
        let Some(entry) = table.entries.get(&topic) else { return false };
        entry.opening.send_modify(|opening| opening.state = OpeningState::Open);
        true
    }

    /// It could not be opened. True: somebody was restored and waits for the next try.
    pub(in crate::runtime::leader) fn failed(&self, topic: TopicId, failure: OpenFailure) -> bool {
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

    pub(in crate::runtime::leader) fn publish(
        &self,
        leadership: &Leadership,
        topic: TopicId,
        event: UpstreamEvent,
    ) {
        match event {
            UpstreamEvent::Value(item) => self.publish_value(leadership, topic, &item),
            UpstreamEvent::Missed(count) => {
                self.announce(&lock(&self.topics), topic, PushEvent::Missed { count });
            }
            UpstreamEvent::Resynced => {
                self.announce(&lock(&self.topics), topic, PushEvent::Resynced);
            }
        }
        self.flush.notify_one();
    }

    fn publish_value(&self, leadership: &Leadership, topic: TopicId, item: &Item) {
        let (source, sequence, retained) = {
            let mut table = lock(&self.topics);
            let Some(entry) = table.entries.get_mut(&topic) else { return };
            entry.sequence += 1;
            (entry.source.clone(), entry.sequence, entry.options.retains())
        };
        // Encoded without a lock: it is the user's code. One task publishes a topic, so nothing comes between.
        let mut packets = Packets::new(source, sequence, item);
        let (codecs, keys) = {
            let roster = lock(&self.roster);
            (roster.codecs(), roster.node_keys(packets.key()))
        };
        for codec in codecs {
            if let Err(error) = packets.get(codec) {
                let key = packets.key().to_owned();
                let error = Error::Encode {
                    what: format!("an event of {key}"),
                    message: error.to_string(),
                };
                tracing::warn!(channel = leadership.channel(), %error, "followers miss an event");
                leadership.emit(ClusterEvent::SubscriptionFailed { key, error });
            }
        }
        for key in &keys {
            // What fails has failed for the codec already.
            let _ = packets.under(key);
        }
        // What is retained counts, also where no follower has it encoded.
        let size = if retained { packets.measure(leadership.terms.codec) } else { 0 };
        let item = &item.sized(size);
        let mut table = lock(&self.topics);
        let Table { topics, entries } = &mut *table;
        let Some(entry) = entries.get(&topic) else { return };
        let affected = topics.publish(topic, item, |n| fastrand::usize(..n));
        {
            let roster = lock(&self.roster);
            let mut dirty = lock(&self.dirty);
            for who in &affected.subscribers {
                dirty.extend(roster.deliver(entry.route(topic), *who, &mut packets, item));
            }
        }
        drop(table);
        drop(affected.released);
    }

    fn announce(&self, table: &Table, topic: TopicId, event: PushEvent) {
        let Some(entry) = table.entries.get(&topic) else { return };
        let roster = lock(&self.roster);
        let mut dirty = lock(&self.dirty);
        for who in table.topics.subscribers(topic) {
            dirty.extend(roster.announce(entry.route(topic), *who, event));
        }
    }

    /// The upstream subscription has ended: so do those of all subscribers.
    pub(in crate::runtime::leader) fn ended(&self, topic: TopicId) {
        let affected = {
            let mut table = lock(&self.topics);
            self.announce(&table, topic, PushEvent::Ended);
            table.entries.remove(&topic);
            table.topics.ended(topic)
        };
        drop(affected);
        self.flush.notify_one();
    }
}
