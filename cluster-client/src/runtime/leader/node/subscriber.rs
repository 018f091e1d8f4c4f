//! What a Node process is subscribed to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// So many ways to write one argument are served. A Node process has one way, unless its code writes the members of an
/// object in different orders.
const KEYS_OF_A_TOPIC: usize = 4;

/// A Node process identifies a subscription by the text of its argument, which is pushed back to it as it wrote it.
/// Two texts may mean the same, and so be one topic.
#[derive(Debug, Default)]
pub(in crate::runtime::leader) struct NodeSubscriber {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_key: HashMap<Arc<str>, Subscribed>,
    keys: HashMap<Arc<str>, Vec<Arc<str>>>,
}

/// A subscription.
#[derive(Clone, Debug)]
pub(super) struct Subscribed {
    pub(super) topic: Arc<str>,
    /// The one argument, in JSON, as an argument list.
    pub(super) arguments: Bytes,
}

/// Why a subscription is not noted.
#[derive(Debug, PartialEq)]
pub(super) enum NotAdded {
    /// Over this number of them.
    TooMany(usize),
    /// The topic has this number of other keys.
    TooManyKeys(usize),
}

impl NodeSubscriber {
    /// It has subscribed under this key.
    pub(super) fn add(
        &self,
        key: &str,
        subscribed: Subscribed,
        limit: usize,
    ) -> Result<(), NotAdded> {
        let State { by_key, keys } = &mut *self.lock();
        if by_key.len() >= limit {
            return Err(NotAdded::TooMany(limit));
        }
        let keys = keys.entry(Arc::clone(&subscribed.topic)).or_default();
        if keys.len() >= KEYS_OF_A_TOPIC {
            return Err(NotAdded::TooManyKeys(KEYS_OF_A_TOPIC));
        }
        let key: Arc<str> = key.into();
        keys.push(Arc::clone(&key));
        by_key.insert(key, subscribed);
        Ok(())
    }

    /// It has unsubscribed from this key. The topic, if that was its last one.
    pub(super) fn remove(&self, key: &str) -> Option<Arc<str>> {
        let State { by_key, keys } = &mut *self.lock();
        let Subscribed { topic, .. } = by_key.remove(key)?;
        let of_topic = keys.get_mut(&topic)?;
        of_topic.retain(|known| **known != *key);
        if !of_topic.is_empty() {
            return None;
        }
        keys.remove(&topic);
        Some(topic)
    }

    /// The keys under which what is published for the topic goes out.
    pub(in crate::runtime::leader) fn keys(&self, topic: &str) -> Vec<Arc<str>> {
        self.lock().keys.get(topic).cloned().unwrap_or_default()
    }

    /// How the topic was subscribed to.
    pub(super) fn subscribed(&self, topic: &str) -> Option<Subscribed> {
        let state = self.lock();
        let key = state.keys.get(topic)?.first()?;
        state.by_key.get(key).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it is held leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(topic: &str) -> Subscribed {
        Subscribed { topic: topic.into(), arguments: Bytes::new() }
    }

    #[test]
    fn a_topic_has_all_the_keys_it_was_subscribed_under() {
        let subscriber = NodeSubscriber::default();
        for key in ["a", "b"] {
            subscriber.add(key, to("topic"), 10).unwrap();
        }
        assert_eq!(subscriber.keys("topic"), ["a".into(), "b".into()]);
        assert!(subscriber.subscribed("topic").is_some());
        assert_eq!(subscriber.remove("a"), None);
        assert_eq!(subscriber.remove("b"), Some("topic".into()), "the last one");
        assert_eq!(subscriber.remove("b"), None, "it is gone");
        assert!(subscriber.keys("topic").is_empty() && subscriber.subscribed("topic").is_none());
    }

    #[test]
    fn subscriptions_and_ways_to_write_one_are_bounded() {
        let subscriber = NodeSubscriber::default();
        for key in ["a", "b", "c", "d"] {
            subscriber.add(key, to("topic"), 5).unwrap();
        }
        assert_eq!(subscriber.add("e", to("topic"), 5), Err(NotAdded::TooManyKeys(4)));
        subscriber.add("e", to("other"), 5).unwrap();
        assert_eq!(subscriber.add("f", to("third"), 5), Err(NotAdded::TooMany(5)));
    }
}
