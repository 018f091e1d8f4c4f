//! The keys under which a Node process expects pushes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A Node process identifies a subscription by the text of its argument, which is pushed back to it as it wrote it.
/// Two texts may mean the same, and so be one topic.
#[derive(Debug, Default)]
pub(in crate::runtime::leader) struct NodeSubscriber {
    keys: Mutex<HashMap<Arc<str>, Vec<Arc<str>>>>,
}

impl NodeSubscriber {
    /// It has subscribed to the topic under this key.
    pub(super) fn add(&self, topic: &Arc<str>, key: &str) {
        let mut keys = self.lock();
        let keys = keys.entry(Arc::clone(topic)).or_default();
        if !keys.iter().any(|known| **known == *key) {
            keys.push(key.into());
        }
    }

    /// It has unsubscribed. True: that was the topic's last key.
    pub(super) fn remove(&self, topic: &str, key: &str) -> bool {
        let mut all = self.lock();
        let Some(keys) = all.get_mut(topic) else { return false };
        keys.retain(|known| **known != *key);
        let last = keys.is_empty();
        if last {
            all.remove(topic);
        }
        last
    }

    /// The keys under which what is published for the topic goes out.
    pub(in crate::runtime::leader) fn keys(&self, topic: &str) -> Vec<Arc<str>> {
        self.lock().get(topic).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Vec<Arc<str>>>> {
        // A panic while it is held leaves nothing half done.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_all_the_keys_it_was_subscribed_under() {
        let (subscriber, topic) = (NodeSubscriber::default(), "topic".into());
        for key in ["a", "b", "a"] {
            subscriber.add(&topic, key);
        }
        assert_eq!(subscriber.keys("topic"), ["a".into(), "b".into()]);
        assert!(!subscriber.remove("topic", "a"));
        assert!(subscriber.remove("topic", "b"), "the last one");
        assert!(!subscriber.remove("topic", "b"), "it is gone");
        assert!(subscriber.keys("topic").is_empty());
    }
}
