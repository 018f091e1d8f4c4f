//! Who is attached to a leadership: its followers and the members of its own process.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster_protocol::{Codec, PushEvent};

use super::follower::Follower;
use super::node::reopen_later;
use super::packets::{Packets, Source};
use crate::event::{Delivery, Item};
use crate::member::{Member, Said};
use crate::session::topics::{SubscriberId, TopicId};

#[derive(Default)]
pub(super) struct Roster {
    /// In the order in which they came, which is also that in which they are told.
    by_id: BTreeMap<SubscriberId, Subscriber>,
    followers: usize,
    closed: bool,
}

#[derive(Clone)]
pub(super) enum Subscriber {
    /// A member of this process.
    Local(Arc<Member>),
    Remote(Arc<Follower>),
}

impl Subscriber {
    pub(super) fn is_node(&self) -> bool {
        matches!(self, Self::Remote(follower) if follower.node().is_some())
    }
}

/// Why a follower was not let in.
pub(crate) enum NotAdmitted {
    /// The leadership goes, or an older connection of the same follower has yet to end.
    ComeAgain,
    Full,
}

/// Which topic a push belongs to, and how it is delivered.
#[derive(Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) topic: TopicId,
    pub(super) delivery: Delivery,
    pub(super) source: &'a Source,
}

impl Roster {
    pub(super) fn add_local(&mut self, member: Arc<Member>) {
        self.by_id.insert(member.id(), Subscriber::Local(member));
    }

    /// Returns the last that the same member was before, if it is still there: it goes in favour of this one.
    pub(super) fn add_follower(
        &mut self,
        follower: &Arc<Follower>,
        limit: usize,
    ) -> Result<Option<Arc<Follower>>, NotAdmitted> {
        if self.closed {
            return Err(NotAdmitted::ComeAgain);
        }
        let same = |other: &&Arc<Follower>| other.instance() == follower.instance();
        let mut older = self.followers().filter(same);
        let (before, waits) = (older.next().cloned(), older.next().is_some());
        drop(older);
        if waits {
            // For the end of the other one. Who comes now is to come again, or there were no bound on them.
            return Err(NotAdmitted::ComeAgain);
        }
        if self.followers >= limit && before.is_none() {
            return Err(NotAdmitted::Full);
        }
        self.followers += 1;
        self.by_id.insert(follower.id(), Subscriber::Remote(Arc::clone(follower)));
        Ok(before)
    }

    pub(super) fn remove(&mut self, id: SubscriberId) {
        if let Some(Subscriber::Remote(_)) = self.by_id.remove(&id) {
            self.followers -= 1;
        }
    }

    pub(super) fn get(&self, id: SubscriberId) -> Option<Subscriber> {
        self.by_id.get(&id).cloned()
    }

    /// From now on no follower is admitted. True if there are any.
    pub(super) fn close(&mut self) -> bool {
        self.closed = true;
        self.followers > 0
    }

    pub(super) fn clear(&mut self) {
        self.closed = true;
        self.followers = 0;
        self.by_id.clear();
    }

    /// How many followers there are, by the count that is bounded.
    #[cfg(feature = "testing")]
    pub(super) fn count(&self) -> usize {
        self.followers
    }

    pub(super) fn followers(&self) -> impl Iterator<Item = &Arc<Follower>> {
        self.by_id.values().filter_map(|subscriber| match subscriber {
            Subscriber::Remote(follower) => Some(follower),
            Subscriber::Local(_) => None,
        })
    }

    /// The codecs that the followers speak.
    pub(super) fn codecs(&self) -> Vec<Codec> {
        let mut codecs = Vec::new();
        for follower in self.followers() {
            if !codecs.contains(&follower.codec()) {
                codecs.push(follower.codec());
            }
        }
        codecs
    }

    /// The keys under which Node processes are subscribed to a topic.
    pub(super) fn node_keys(&self, topic: &str) -> Vec<Arc<str>> {
        let mut keys = Vec::new();
        for key in self.followers().filter_map(|f| f.node()).flat_map(|node| node.keys(topic)) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Hands a value to one subscriber. Returns a follower that now has something to be written.
    pub(super) fn deliver(
        &self,
        route: Route<'_>,
        who: SubscriberId,
        packets: &mut Packets<'_>,
        item: &Item,
    ) -> Option<Arc<Follower>> {
        match self.by_id.get(&who)? {
            Subscriber::Local(member) => {
                let item = item.sized(packets.size());
                member.subscriptions.tell(&route.source.key, Said::Value(item));
                None
            }
            Subscriber::Remote(follower) => {
                let packet = match follower.node() {
                    None => packets.get(follower.codec()),
                    Some(node) => packets.for_node(&node.keys(&route.source.key)),
                };
                let dirty = match packet {
                    Ok(packet) => follower.push(route, item.key.clone(), packet),
                    // Said to the leader's user by `Fanout`; the follower learns that it has missed something.
                    Err(_) if follower.node().is_some() => false,
                    Err(_) => follower.announce(route, PushEvent::Missed { count: 1 }),
                };
                dirty.then(|| Arc::clone(follower))
            }
        }
    }

    /// Tells one subscriber what is not a value.
    pub(super) fn announce(
        &self,
        route: Route<'_>,
        who: SubscriberId,
        event: PushEvent,
    ) -> Option<Arc<Follower>> {
        match self.by_id.get(&who)? {
            Subscriber::Local(member) => {
                member.subscriptions.tell(&route.source.key, event.into());
                None
            }
            // There is no way to tell a Node process.
            Subscriber::Remote(follower) if follower.node().is_some() => {
                if event == PushEvent::Ended {
                    reopen_later(follower, Arc::clone(&route.source.key));
                }
                None
            }
            Subscriber::Remote(follower) => {
                follower.announce(route, event).then(|| Arc::clone(follower))
            }
        }
    }
}
