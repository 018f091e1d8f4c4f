//! A member's subscriptions: who reads what, and which keys the leader has confirmed.
//!
//! However many handles read a key, the leader is asked for it once. The first one asks; those that come meanwhile
//! wait for its answer, and if that is an error, the next of them asks.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cluster_protocol::PushEvent;
use tokio::sync::Notify;

use crate::event::{EventOptions, Item};
use crate::limits::Limits;
use crate::planted::{Bug, planted};
use crate::session::interests::{HandleId, Interests, Joined};
use crate::subscription::{CloseReason, Deliver};

#[cfg(test)]
mod tests;

pub(crate) struct Subscriptions {
    keys: Mutex<Keys>,
    /// Rung when somebody has asked, with whatever result.
    asked: Notify,
}

struct Keys {
    interests: Interests,
    asked: HashMap<Arc<str>, Asked>,
}

/// A key that the leader is asked for, or is about to be told that nobody reads it.
struct Asked {
    state: AskedState,
    /// Who asks or tells just now. As long as there is somebody nobody else asks: what they say might come after that.
    guards: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum AskedState {
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

/// Somebody asks for a key, or tells that nobody reads it. Unless it is [confirmed](Self::confirm), the next one asks.
pub(crate) struct Asking<'a> {
    subscriptions: &'a Subscriptions,
    key: Arc<str>,
}

/// What became of a subscription that the leader has.
#[derive(Debug, PartialEq)]
pub(crate) enum Confirmation {
    Confirmed,
    /// It has ended meanwhile, and the leader is to be told.
    Ended,
    /// There is another leader, which is to be asked.
    LeaderGone,
}

/// What the leader says of a key.
pub(crate) enum Said {
    Value(Item),
    Missed(u64),
    Resynced,
    Ended(CloseReason),
}

impl From<PushEvent> for Said {
    fn from(event: PushEvent) -> Self {
        match event {
            PushEvent::Missed { count } => Self::Missed(count),
            PushEvent::Resynced => Self::Resynced,
            PushEvent::Ended => Self::Ended(CloseReason::Ended),
        }
    }
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
        keys.leaving(key);
        drop(keys);
        let asking = Asking { subscriptions: self, key: Arc::clone(key) };
        // It may be the user's, and without the lock.
        drop(left);
        Some(asking)
    }

    /// For a key that nobody reads any more, whom there was no leader to be told of: the same.
    pub(crate) fn abandon(&self, key: &Arc<str>) -> Option<Asking<'_>> {
        let mut keys = self.keys();
        if keys.interests.is_read(key) {
            return None;
        }
        keys.leaving(key);
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
                vacant.insert(Asked { state: AskedState::Asking, guards: 1 });
                Some(Turn::Mine(Asking { subscriptions: self, key: Arc::clone(key) }))
            }
            Entry::Occupied(asked) => asked.get().is_confirmed().then_some(Turn::Done),
        }
    }

    /// What a new leader is asked for, in an order that is the same each time. Keys that are being asked for just now are not
    /// among them: whoever asks goes on until there is an answer.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        if planted(Bug::ForgetsSubscriptions) {
            return Vec::new();
        }
        let keys = self.keys();
        let confirmed =
            keys.interests.iter().filter(|(key, _)| keys.is(key, AskedState::Confirmed));
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

    /// Whether a new leader would be asked for the key.
    pub(crate) fn is_wanted(&self, key: &str) -> bool {
        self.keys().is(key, AskedState::Confirmed)
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

    /// Whether a handle that waits for the first value is to tell that none has come: once for each key.
    pub(crate) fn take_stall(&self, key: &str, id: HandleId) -> bool {
        self.keys().interests.take_stall(key, id)
    }

    // What the leader says. Notices are delivered without the lock, in the order they were made: it is one task, or
    // one lock of the leader, that calls these.

    pub(crate) fn tell(&self, key: &str, said: Said) {
        self.tell_unless(|| false, key, said);
    }

    /// The same, unless it is of a subscription that is over, which is looked at under the lock: between that and the telling
    /// nobody leaves the key or joins it.
    pub(crate) fn tell_unless(&self, is_over: impl FnOnce() -> bool, key: &str, said: Said) {
        let mut keys = self.keys();
        if keys.is(key, AskedState::Leaving) || is_over() {
            // What was said may be the user's.
            drop(keys);
            return;
        }
        let notice = match said {
            Said::Value(item) => keys.interests.deliver(key, item),
            Said::Missed(count) => keys.interests.missed(key, count),
            Said::Resynced => keys.interests.resynced(key),
            Said::Ended(reason) => {
                keys.forget(key);
                keys.interests.ended(key, reason)
            }
        };
        drop(keys);
        notice.deliver();
    }

    /// The member has a new leader. Who has not been asked for and has got nothing has missed nothing.
    pub(crate) fn resynced_all(&self) {
        let mut keys = self.keys();
        let Keys { interests, asked } = &mut *keys;
        let confirmed = |key: &str| asked.get(key).is_some_and(Asked::is_confirmed);
        let notice = interests.resynced_all(confirmed);
        drop(keys);
        notice.deliver();
    }

    pub(crate) fn close_all(&self, reason: CloseReason) {
        let mut keys = self.keys();
        // Who comes later asks, and is told that the member is closed.
        keys.asked.retain(|_, asked| !asked.is_confirmed());
        let notice = keys.interests.close_all(reason);
        drop(keys);
        notice.deliver();
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    fn is_confirmed(&self) -> bool {
        self.state == AskedState::Confirmed
    }
}

impl Keys {
    fn is(&self, key: &str, state: AskedState) -> bool {
        self.asked.get(key).is_some_and(|asked| asked.state == state)
    }

    fn leaving(&mut self, key: &Arc<str>) {
        let state = AskedState::Leaving;
        let asked = self.asked.entry(Arc::clone(key)).or_insert(Asked { state, guards: 0 });
        asked.state = state;
        asked.guards += 1;
    }

    /// The key is not confirmed any more.
    fn forget(&mut self, key: &str) {
        if let Some(asked) = self.asked.get_mut(key)
            && asked.is_confirmed()
        {
            asked.state = AskedState::Asking;
            self.remove_unheld(key);
        }
    }

    fn remove_unheld(&mut self, key: &str) {
        let is_held = |asked: &Asked| asked.guards > 0 || asked.is_confirmed();
        if !self.asked.get(key).is_some_and(is_held) {
            self.asked.remove(key);
        }
    }
}

impl Asking<'_> {
    /// The leader has the subscription, for this handle. `is_linked` is whether it is still the leader, which is looked at
    /// under the lock: the next one is asked for what is confirmed by then.
    pub(crate) fn confirm(&self, id: HandleId, is_linked: impl FnOnce() -> bool) -> Confirmation {
        let mut keys = self.subscriptions.keys();
        let confirmation = if !keys.interests.has(&self.key, id) {
            Confirmation::Ended
        } else if is_linked() {
            Confirmation::Confirmed
        } else {
            Confirmation::LeaderGone
        };
        if let Some(asked) = keys.asked.get_mut(&self.key) {
            // Where this handle is there nobody was the last one meanwhile, so nobody else leaves the key.
            asked.state = match confirmation {
                Confirmation::Confirmed => AskedState::Confirmed,
                Confirmation::Ended => AskedState::Leaving,
                Confirmation::LeaderGone => AskedState::Asking,
            };
        }
        confirmation
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut keys = self.subscriptions.keys();
        if let Some(asked) = keys.asked.get_mut(&self.key) {
            asked.guards -= 1;
            keys.remove_unheld(&self.key);
        }
        drop(keys);
        self.subscriptions.asked.notify_waiters();
    }
}
