//! What has been published and by whom: the member remembers its own, the leader knows the owners.
//!
//! A publication is identified by its method and key. The last one to publish a key owns it: the leader tells the
//! owner before it, which forgets. So after a change of leader each key is published again once, by its owner.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;

use super::topics::SubscriberId;

/// A publication's identity: the method's index and the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PublicationKey {
    pub(crate) method: usize,
    pub(crate) key: String,
}

/// A member's own publications, as encoded arguments, to be published again to the next leader.
#[derive(Default)]
pub(crate) struct Remembered {
    by_key: HashMap<PublicationKey, Bytes>,
}

impl Remembered {
    pub(crate) fn remember(&mut self, key: PublicationKey, arguments: Bytes) {
        self.by_key.insert(key, arguments);
    }

    pub(crate) fn forget(&mut self, key: &PublicationKey) {
        self.by_key.remove(key);
    }

    pub(crate) fn contains(&self, key: &PublicationKey) -> bool {
        self.by_key.contains_key(key)
    }

    pub(crate) fn all(&self) -> Vec<(PublicationKey, Bytes)> {
        self.by_key.iter().map(|(key, arguments)| (key.clone(), arguments.clone())).collect()
    }
}

/// The leader's table: who owns which publication, and what takes it back when its owner goes.
pub(crate) struct Owners<A> {
    by_key: HashMap<PublicationKey, Owner<A>>,
}

struct Owner<A> {
    who: SubscriberId,
    /// The arguments, where an undo method will want them.
    undo: Option<A>,
}

impl<A> Default for Owners<A> {
    fn default() -> Self {
        Self { by_key: HashMap::new() }
    }
}

impl<A> Owners<A> {
    /// `who` has published the key. Returns the owner before, if it was another one: it has to forget.
    pub(crate) fn published(&mut self, key: PublicationKey, who: SubscriberId, undo: Option<A>) -> Option<SubscriberId> {
        match self.by_key.entry(key) {
            Entry::Occupied(mut entry) => {
                let before = entry.insert(Owner { who, undo });
                (before.who != who).then_some(before.who)
            }
            Entry::Vacant(entry) => {
                entry.insert(Owner { who, undo });
                None
            }
        }
    }

    /// The key's undo method has succeeded. Returns the owner, which has to forget.
    pub(crate) fn undone(&mut self, key: &PublicationKey) -> Option<SubscriberId> {
        self.by_key.remove(key).map(|owner| owner.who)
    }

    /// `who` has gone: its publications leave the table. Returns those that are to be taken back.
    pub(crate) fn gone(&mut self, who: SubscriberId) -> Vec<(PublicationKey, A)> {
        self.by_key
            .extract_if(|_, owner| owner.who == who)
            .filter_map(|(key, owner)| owner.undo.map(|arguments| (key, arguments)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SubscriberId = SubscriberId(1);
    const B: SubscriberId = SubscriberId(2);

    fn key(key: &str) -> PublicationKey {
        PublicationKey { method: 3, key: key.to_owned() }
    }

    #[test]
    fn a_later_publication_takes_the_key_over() {
        let mut owners = Owners::default();
        assert_eq!(owners.published(key("x"), A, Some("first")), None);
        assert_eq!(owners.published(key("x"), A, Some("second")), None);
        assert_eq!(owners.published(key("x"), B, Some("third")), Some(A));
        assert_eq!(owners.gone(A), []);
        assert_eq!(owners.gone(B), [(key("x"), "third")]);
    }

    #[test]
    fn an_undone_publication_is_not_taken_back_again() {
        let mut owners = Owners::default();
        owners.published(key("x"), A, Some("x"));
        owners.published(key("y"), A, None);
        assert_eq!(owners.undone(&key("x")), Some(A));
        assert_eq!(owners.undone(&key("x")), None);
        assert_eq!(owners.gone(A), []);
    }

    #[test]
    fn only_the_last_arguments_of_a_key_are_remembered() {
        let mut remembered = Remembered::default();
        remembered.remember(key("x"), Bytes::from_static(b"1"));
        remembered.remember(key("x"), Bytes::from_static(b"2"));
        assert_eq!(remembered.all(), [(key("x"), Bytes::from_static(b"2"))]);
        remembered.forget(&key("x"));
        assert!(remembered.all().is_empty());
    }
}
