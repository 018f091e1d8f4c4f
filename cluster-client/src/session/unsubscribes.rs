//! What a leader was told is not read here any more, and has not said yet that it knows.

use std::collections::HashMap;

/// The keys of one connection that were unsubscribed from. What still comes under them was sent to a subscription that is
/// over: who subscribes to the same key meanwhile must not get it, since between that and the beginning of the new
/// subscription values may be missing, of which nobody would tell.
#[derive(Default)]
pub(crate) struct Unsubscribes {
    /// How often the leader has yet to say so.
    unconfirmed: HashMap<Box<str>, u32>,
}

impl Unsubscribes {
    /// The leader is about to be told.
    pub(crate) fn sent(&mut self, key: &str) {
        match self.unconfirmed.get_mut(key) {
            Some(times) => *times = times.saturating_add(1),
            None => drop(self.unconfirmed.insert(key.into(), 1)),
        }
    }

    /// The leader says that it knows. What comes from now on is sent to the next subscription.
    pub(crate) fn confirmed(&mut self, key: &str) {
        if let Some(times) = self.unconfirmed.get_mut(key) {
            *times -= 1;
            if *times == 0 {
                self.unconfirmed.remove(key);
            }
        }
    }

    /// Whether what comes under the key was sent to a subscription that is over.
    pub(crate) fn covers(&self, key: &str) -> bool {
        self.unconfirmed.contains_key(key)
    }

    /// Of how many keys the leader has yet to say that it knows.
    pub(crate) fn len(&self) -> usize {
        self.unconfirmed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_covered_until_its_last_end_is_confirmed() {
        let mut unsubscribes = Unsubscribes::default();
        unsubscribes.confirmed("never told");
        unsubscribes.sent("key");
        unsubscribes.sent("key");
        unsubscribes.sent("other");
        assert_eq!(unsubscribes.len(), 2);
        unsubscribes.confirmed("key");
        assert!(unsubscribes.covers("key"), "subscribed and unsubscribed once more");
        unsubscribes.confirmed("key");
        assert!(!unsubscribes.covers("key") && unsubscribes.covers("other"));
        assert_eq!(unsubscribes.len(), 1);
    }
}
