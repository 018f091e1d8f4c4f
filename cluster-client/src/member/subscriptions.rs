//! A member's subscriptions: who reads what, and which keys the leader has confirmed.
//!
//! However many handles read a key, the leader is asked for it once. The first one asks; those that come meanwhile
//! wait for its answer, and if that is an error, the next of them asks.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::event::{EventOptions, Item};
use crate::limits::Limits;
use crate::planted::{Bug, planted};
use crate::session::interests::{HandleId, Interests, Joined, Notice};
use crate::subscription::{CloseReason, Deliver};

pub(crate) struct Subscriptions {
    keys: Mutex<Keys>,
    /// Rung when somebody has asked, with whatever result.
    asked: Notify,
}

struct Keys {
    interests: Interests,
    asked: HashMap<Arc<str>, Asked>,
}

#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Asking,
    Confirmed,
    /// Nobody reads it any more, and the leader is about to be told. What comes meanwhile is not for who joins meanwhile.
    Leaving,
}

/// Whose turn it is to ask the leader for a key.
pub(crate) enum Turn<'a> {
    Mine(Asking<'a>),
    /// The key is confirmed, or the subscription has ended already.
    Done,
}

/// Somebody is asking; unless it is [confirmed](Self::confirm), the next one asks.
pub(crate) struct Asking<'a> {
    subscriptions: &'a Subscriptions,
    key: Arc<str>,
}

/// What a new leader is asked for.
pub(crate) struct Wanted {
    pub(crate) key: Arc<str>,
    pub(crate) method: usize,
    pub(crate) arguments: Bytes,
    pub(crate) options: EventOptions,
}

impl Subscriptions {
    pub(crate) fn new(limits: &Limits) -> Self {
        let keys = Keys { interests: Interests::new(limits), asked: HashMap::new() };
        Self { keys: Mutex::new(keys), asked: Notify::new() }
    }

    pub(crate) fn join(
        &self,
        key: &str,
        method: usize,
        arguments: Bytes,
        options: EventOptions,
        to: Arc<dyn Deliver>,
    ) -> HandleId {
        match self.keys().interests.join(key, method, arguments, options, to) {
            Joined::First(id) | Joined::Live(id) => id,
        }
    }

    /// Takes a handle away. If it was the key's last one, the leader is to be told, and until the guard is dropped
    /// nobody asks for the key anew.
    pub(crate) fn leave(&self, key: &Arc<str>, id: HandleId) -> Option<Asking<'_>> {
        let mut keys = self.keys();
        let left = keys.interests.leave(key, id)?;
        keys.asked.insert(Arc::clone(key), Asked::Leaving);
        drop(keys);
        drop(left);
        Some(Asking { subscriptions: self, key: Arc::clone(key) })
    }

    /// For a key that nobody reads any more, whom there was no leader to be told of: the same.
    pub(crate) fn abandon(&self, key: &Arc<str>) -> Option<Asking<'_>> {
        let mut keys = self.keys();
        if keys.interests.is_read(key) {
            return None;
        }
        keys.asked.insert(Arc::clone(key), Asked::Leaving);
        Some(Asking { subscriptions: self, key: Arc::clone(key) })
    }

    /// Waits for a handle's turn to ask for its key.
    pub(crate) async fn turn(&self, key: &Arc<str>, id: HandleId) -> Turn<'_> {
        loop {
            let asked = self.asked.notified();
            tokio::pin!(asked);
            // Registered before the look, so that no change is missed.
            asked.as_mut().enable();
            if let Some(turn) = self.take_turn(key, id) {
                return turn;
            }
            asked.await;
        }
    }

    fn take_turn(&self, key: &Arc<str>, id: HandleId) -> Option<Turn<'_>> {
        let mut keys = self.keys();
        if !keys.interests.has(key, id) {
            // It has ended already.
            return Some(Turn::Done);
        }
        match keys.asked.entry(Arc::clone(key)) {
            Entry::Vacant(vacant) => {
                vacant.insert(Asked::Asking);
                Some(Turn::Mine(Asking { subscriptions: self, key: Arc::clone(key) }))
            }
            Entry::Occupied(asked) => (*asked.get() == Asked::Confirmed).then_some(Turn::Done),
        }
    }

    /// The leader that has confirmed the key is gone already.
    pub(crate) fn unconfirm(&self, key: &str) {
        self.keys().forget(key);
    }

    /// What a new leader is asked for, in an order that is the same each time. Keys that are being asked for just now are not
    /// among them: whoever asks goes on until there is an answer.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        if planted(Bug::ForgetsSubscriptions) {
            return Vec::new();
        }
        let keys = self.keys();
        let confirmed = keys
            .interests
            .iter()
            .filter(|(key, _)| keys.asked.get(*key) == Some(&Asked::Confirmed));
        let mut wanted: Vec<_> = confirmed
            .map(|(key, interest)| Wanted {
                key: Arc::clone(key),
                method: interest.method,
                arguments: interest.args.clone(),
                options: interest.options,
            })
            .collect();
        wanted.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        wanted
    }

    /// What the leader was asked for, whether it has answered or not.
    pub(crate) fn asked(&self) -> BTreeSet<Arc<str>> {
        self.keys().asked.keys().cloned().collect()
    }

    /// How many keys are read.
    #[cfg(feature = "testing")]
    pub(crate) fn len(&self) -> usize {
        self.keys().interests.iter().count()
    }

    /// Whether no value of a key has come yet, although somebody reads it.
    pub(crate) fn awaits_first(&self, key: &str) -> bool {
        self.keys().interests.awaits_first(key)
    }

    // What the leader says. Notices are delivered without the lock, in the order they were made: it is one task, or
    // one lock of the leader, that calls these.

    pub(crate) fn deliver(&self, key: &str, item: Item) {
        self.tell(key, |keys| keys.interests.deliver(key, item));
    }

    pub(crate) fn missed(&self, key: &str, count: u64) {
        self.tell(key, |keys| keys.interests.missed(key, count));
    }

    pub(crate) fn resynced(&self, key: &str) {
        self.tell(key, |keys| keys.interests.resynced(key));
    }

    pub(crate) fn ended(&self, key: &str, reason: CloseReason) {
        self.tell(key, |keys| {
            keys.forget(key);
            keys.interests.ended(key, reason)
        });
    }

    /// What is not told is dropped after the lock: it may be the user's.
    fn tell(&self, key: &str, what: impl FnOnce(&mut Keys) -> Notice) {
        let mut keys = self.keys();
        if keys.asked.get(key) != Some(&Asked::Leaving) {
            let notice = what(&mut keys);
            drop(keys);
            notice.deliver();
        }
    }

    pub(crate) fn resynced_all(&self) {
        let notice = self.keys().interests.resynced_all();
        notice.deliver();
    }

    pub(crate) fn close_all(&self, reason: CloseReason) {
        let notice = self.keys().interests.close_all(reason);
        notice.deliver();
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn forget(&mut self, key: &str) {
        if self.asked.get(key) == Some(&Asked::Confirmed) {
            self.asked.remove(key);
        }
    }
}

impl Asking<'_> {
    /// The leader has the subscription, for this handle. False: it has ended meanwhile, and the leader is to be told.
    pub(crate) fn confirm(&self, id: HandleId) -> bool {
        let mut keys = self.subscriptions.keys();
        let is_there = keys.interests.has(&self.key, id);
        let asked = if is_there { Asked::Confirmed } else { Asked::Leaving };
        keys.asked.insert(Arc::clone(&self.key), asked);
        is_there
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut keys = self.subscriptions.keys();
        if keys.asked.get(&self.key) != Some(&Asked::Confirmed) {
            keys.asked.remove(&self.key);
        }
        drop(keys);
        self.subscriptions.asked.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Delivery, Subscribe as _};
    use crate::subscription::Inbox;
    use crate::subscription::testing::Latest;

    fn join(subscriptions: &Subscriptions) -> HandleId {
        let inbox = Inbox::new(Delivery::Latest, &Limits::default());
        subscriptions.join("key", 0, Bytes::new(), Latest::OPTIONS, Arc::new(inbox))
    }

    #[tokio::test]
    async fn a_subscription_that_ends_before_it_is_confirmed_leaves_its_key_to_the_next() {
        let subscriptions = Subscriptions::new(&Limits::default());
        let key = "key".into();
        let first = join(&subscriptions);
        let also = join(&subscriptions);
        let Turn::Mine(asking) = subscriptions.turn(&key, first).await else {
            panic!("nobody has asked")
        };
        subscriptions.ended(&key, CloseReason::Ended);
        let next = join(&subscriptions);
        assert!(!asking.confirm(first));
        drop(asking);
        let turn = subscriptions.turn(&key, also).await;
        assert!(matches!(turn, Turn::Done), "it has ended too");
        let turn = subscriptions.turn(&key, next).await;
        assert!(matches!(turn, Turn::Mine(_)), "nobody has asked for this one");
    }

    #[tokio::test]
    async fn what_comes_while_a_key_is_left_is_not_for_who_joins_meanwhile() {
        let subscriptions = Subscriptions::new(&Limits::default());
        let key = "key".into();
        let older = join(&subscriptions);
        let leaving = subscriptions.leave(&key, older).expect("it was the last one");
        let newer = join(&subscriptions);
        subscriptions.deliver(&key, Item::typed(Latest(1)));
        subscriptions.ended(&key, CloseReason::Ended);
        assert!(subscriptions.awaits_first(&key), "as if nothing had come");
        drop(leaving);
        let turn = subscriptions.turn(&key, newer).await;
        assert!(matches!(turn, Turn::Mine(_)), "the leader was told");
        subscriptions.deliver(&key, Item::typed(Latest(2)));
        assert!(!subscriptions.awaits_first(&key));
    }
}
