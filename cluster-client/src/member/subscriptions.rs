//! A member's subscriptions: who reads what, and which keys the leader has confirmed.
//!
//! However many handles read a key, the leader is asked for it once. The first one asks; those that come meanwhile
//! wait for its answer, and if that is an error, the next of them asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::event::{EventOptions, Item};
use crate::limits::Limits;
use crate::session::interests::{HandleId, Interests, Joined};
use crate::subscription::{CloseReason, Deliver};

pub(crate) struct Subscriptions {
    interests: Mutex<Interests>,
    asked: watch::Sender<HashMap<Arc<str>, Asked>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Asking,
    Confirmed,
}

/// Whose turn it is to ask the leader for a key.
pub(crate) enum Turn<'a> {
    Mine(Asking<'a>),
    /// The key is confirmed.
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
        Self { interests: Mutex::new(Interests::new(limits)), asked: watch::Sender::default() }
    }

    pub(crate) fn join(
        &self,
        key: &str,
        method: usize,
        arguments: Bytes,
        options: EventOptions,
        to: Arc<dyn Deliver>,
    ) -> HandleId {
        match self.interests().join(key, method, arguments, options, to) {
            Joined::First(id) | Joined::Live(id) => id,
        }
    }

    /// Takes a handle away. True: it was the key's last one, so the leader is to be told.
    pub(crate) fn leave(&self, key: &str, id: HandleId) -> bool {
        let left = self.interests().leave(key, id);
        if left.is_some() {
            self.forget(key);
        }
        left.is_some()
    }

    /// Waits for one's turn to ask for a key.
    pub(crate) async fn turn(&self, key: &Arc<str>) -> Turn<'_> {
        let mut changes = self.asked.subscribe();
        loop {
            let mut asked = None;
            self.asked.send_if_modified(|keys| {
                asked = keys.get(key).copied();
                if asked.is_none() {
                    keys.insert(Arc::clone(key), Asked::Asking);
                }
                // Nobody waits for a turn to begin.
                false
            });
            match asked {
                None => return Turn::Mine(Asking { subscriptions: self, key: Arc::clone(key) }),
                Some(Asked::Confirmed) => return Turn::Done,
                // The sender lives in `self`, so waiting cannot fail.
                Some(Asked::Asking) => {
                    let _ = changes.changed().await;
                }
            }
        }
    }

    /// The leader that has confirmed the key is gone already.
    pub(crate) fn unconfirm(&self, key: &str) {
        self.forget(key);
    }

    /// What a new leader is asked for. Keys that are being asked for just now are not among them: whoever asks goes
    /// on until there is an answer.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let interests = self.interests();
        let asked = self.asked.borrow();
        let confirmed =
            interests.iter().filter(|(key, _)| asked.get(*key) == Some(&Asked::Confirmed));
        confirmed
            .map(|(key, interest)| Wanted {
                key: Arc::clone(key),
                method: interest.method,
                arguments: interest.args.clone(),
                options: interest.options,
            })
            .collect()
    }

    /// Whether no value of a key has come yet, although somebody reads it.
    pub(crate) fn awaits_first(&self, key: &str) -> bool {
        self.interests().awaits_first(key)
    }

    // What the leader says. Notices are delivered without the lock, in the order they were made: it is one task, or
    // one lock of the leader, that calls these.

    pub(crate) fn deliver(&self, key: &str, item: Item) {
        let notice = self.interests().deliver(key, item);
        notice.deliver();
    }

    pub(crate) fn missed(&self, key: &str, count: u64) {
        let notice = self.interests().missed(key, count);
        notice.deliver();
    }

    pub(crate) fn resynced(&self, key: &str) {
        let notice = self.interests().resynced(key);
        notice.deliver();
    }

    pub(crate) fn resynced_all(&self) {
        let notice = self.interests().resynced_all();
        notice.deliver();
    }

    pub(crate) fn ended(&self, key: &str, reason: CloseReason) {
        let notice = self.interests().ended(key, reason);
        self.forget(key);
        notice.deliver();
    }

    pub(crate) fn close_all(&self, reason: CloseReason) {
        let notice = self.interests().close_all(reason);
        notice.deliver();
    }

    fn forget(&self, key: &str) {
        self.asked.send_if_modified(|keys| {
            let confirmed = keys.get(key) == Some(&Asked::Confirmed);
            if confirmed {
                keys.remove(key);
            }
            confirmed
        });
    }

    fn interests(&self) -> MutexGuard<'_, Interests> {
        self.interests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking<'_> {
    /// The leader has the subscription.
    pub(crate) fn confirm(self) {
        self.subscriptions.asked.send_modify(|keys| {
            keys.insert(Arc::clone(&self.key), Asked::Confirmed);
        });
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.subscriptions.asked.send_if_modified(|keys| {
            let asking = keys.get(&self.key) == Some(&Asked::Asking);
            if asking {
                keys.remove(&self.key);
            }
            asking
        });
    }
}
