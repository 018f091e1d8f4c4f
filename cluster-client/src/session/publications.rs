//! What has been published and by whom: the member remembers its own, the leader knows the owners.
//!
//! A publication is identified by its method and key. The last one to publish a key owns it: the leader tells the
//! owner before it, which forgets. So after a change of leader each key is published again once, by its owner.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use siphasher::sip128::SipHasher13;

use super::topics::SubscriberId;
use crate::planted::{Bug, planted};

#[cfg(test)]
mod tests;

/// A key that is longer than this is kept, and sent, as its length and its hash. The shortest connection object that
/// [`Limits`](crate::Limits) allow has room for so much, every byte of it escaped.
const KEY_BYTES: usize = 256;

/// A publication's identity: the method's index and the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PublicationKey {
    pub(crate) method: usize,
    pub(crate) key: String,
}

impl PublicationKey {
    /// That of a call. By default its key is all arguments, whatever their length, and both sides of a connection say by it which
    /// publication they mean: so a long one is hashed, the same way everywhere.
    pub(crate) fn new(method: usize, key: String) -> Self {
        let key = if key.len() > KEY_BYTES { hashed(&key) } else { key };
        Self { method, key }
    }
}

/// No JSON, and so no other key. Whoever looks for two of the same hash could as well publish the same key.
fn hashed(key: &str) -> String {
    format!("{} bytes {:032x}", key.len(), SipHasher13::new().hash(key.as_bytes()).as_u128())
}

/// A member's own publications, as encoded arguments, to be published again to the next leader.
///
/// Each publication has the number of its call, by which the leader says up to which one a key was taken over: what it
/// says may overtake, on its way to this table, the answer to a later publication.
#[derive(Default)]
pub(crate) struct Remembered {
    by_key: BTreeMap<PublicationKey, BTreeMap<u64, Published>>,
    withdrawn: BTreeSet<PublicationKey>,
}

struct Published {
    arguments: Bytes,
    confirmed: bool,
}

impl Remembered {
    /// A publication is under way; unless that would be over a bound, whose name is the error.
    pub(crate) fn begin(
        &mut self,
        key: PublicationKey,
        sequence: u64,
        arguments: Bytes,
        bounds: Bounds,
    ) -> Result<(), &'static str> {
        let bytes: usize =
            self.by_key.values().flat_map(BTreeMap::values).map(|p| p.arguments.len()).sum();
        let held = Held { keys: self.by_key.len(), bytes };
        // Those of the key that are under way are held, too, until it is known which one counts.
        let replaced = self.by_key.get(&key).map(|published| {
            published.values().filter(|p| p.confirmed).map(|p| p.arguments.len()).sum()
        });
        held.room_for(replaced, arguments.len(), bounds)?;
        self.by_key
            .entry(key)
            .or_default()
            .insert(sequence, Published { arguments, confirmed: false });
        Ok(())
    }

    /// It has succeeded: it takes the place of the one before. False: it was taken back since, or the key was taken over.
    pub(crate) fn confirm(&mut self, key: &PublicationKey, sequence: u64) -> bool {
        let Some(published) = self.by_key.get_mut(key) else { return false };
        let Some(confirmed) = published.get_mut(&sequence) else { return false };
        confirmed.confirmed = true;
        published.retain(|other, published| *other >= sequence || !published.confirmed);
        self.withdrawn.remove(key);
        true
    }

    /// It has failed, or nobody knows.
    pub(crate) fn fail(&mut self, key: &PublicationKey, sequence: u64) {
        self.remove(key, |other| other == sequence);
    }

    /// Another process has published the key after our publication `sequence`, or that one was undone.
    pub(crate) fn taken(&mut self, key: &PublicationKey, sequence: u64) {
        self.remove(key, |other| other <= sequence);
    }

    /// What is to be published again: for each key the number of the call and its arguments.
    pub(crate) fn all(&self) -> Vec<(PublicationKey, u64, Bytes)> {
        if planted(Bug::ForgetsPublications) {
            return Vec::new();
        }
        let newest = |(key, published): (&PublicationKey, &BTreeMap<u64, Published>)| {
            let (sequence, newest) =
                published.iter().rfind(|(_, published)| published.confirmed)?;
            Some((key.clone(), *sequence, newest.arguments.clone()))
        };
        self.by_key.iter().filter_map(newest).collect()
    }

    /// It was taken back while this member stood alone, and the leader does not know. False: that cannot be kept as well, for
    /// there are so many keys already.
    pub(crate) fn withdraw(&mut self, key: PublicationKey, most: usize) -> bool {
        let has_room = self.withdrawn.len() < most || self.withdrawn.contains(&key);
        if has_room {
            self.withdrawn.insert(key);
        }
        has_room
    }

    /// What was taken back alone and not published again.
    pub(crate) fn take_withdrawn(&mut self) -> BTreeSet<PublicationKey> {
        std::mem::take(&mut self.withdrawn)
    }

    /// How many keys are published.
    #[cfg(feature = "testing")]
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    fn remove(&mut self, key: &PublicationKey, which: impl Fn(u64) -> bool) {
        if let Some(published) = self.by_key.get_mut(key) {
            published.retain(|sequence, _| !which(*sequence));
            if published.is_empty() {
                self.by_key.remove(key);
            }
        }
    }
}

/// How much one member may have published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) keys: usize,
    pub(crate) bytes: usize,
}

/// How much one member has published.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    keys: usize,
    bytes: usize,
}

impl Held {
    /// Whether there is room for a publication, in place of one of the same key that had so many bytes, or else of one more
    /// key; else the name of the bound.
    fn room_for(
        self,
        replaced: Option<usize>,
        bytes: usize,
        bounds: Bounds,
    ) -> Result<(), &'static str> {
        if replaced.is_none() && self.keys >= bounds.keys {
            Err("limits.publications_per_follower")
        } else if self.bytes - replaced.unwrap_or(0) + bytes > bounds.bytes {
            Err("limits.publication_bytes_per_follower")
        } else {
            Ok(())
        }
    }
}

/// The leader's table: who owns which publication, and what takes it back when its owner goes.
pub(crate) struct Owners<A> {
    by_key: BTreeMap<PublicationKey, Owner<A>>,
    held: BTreeMap<SubscriberId, Held>,
}

struct Owner<A> {
    by: By,
    /// The arguments, where an undo method will want them.
    undo: Option<A>,
    bytes: usize,
}

/// Who made a publication, by which of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct By {
    pub(crate) who: SubscriberId,
    pub(crate) sequence: u64,
    /// It was made again: the first time it was to another leader.
    pub(crate) again: bool,
}

impl<A> Default for Owners<A> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new(), held: BTreeMap::new() }
    }
}

impl<A> Owners<A> {
    /// Whether somebody may publish the key, with so many bytes to be kept; else the name of the bound.
    pub(crate) fn room_for(
        &self,
        key: &PublicationKey,
        who: SubscriberId,
        bytes: usize,
        bounds: Bounds,
    ) -> Result<(), &'static str> {
        let own = self.by_key.get(key).filter(|owner| owner.by.who == who);
        let held = self.held.get(&who).copied().unwrap_or_default();
        held.room_for(own.map(|own| own.bytes), bytes, bounds)
    }

    /// The key was published. Returns the owner before, if it was another one: it has to forget. `bytes` are those that
    /// `undo` takes up.
    pub(crate) fn published(
        &mut self,
        key: PublicationKey,
        by: By,
        undo: Option<A>,
        bytes: usize,
    ) -> Option<By> {
        let before = self.remove(&key);
        let held = self.held.entry(by.who).or_default();
        held.keys += if planted(Bug::CountsPublicationsTwice) { 2 } else { 1 };
        held.bytes += bytes;
        self.by_key.insert(key, Owner { by, undo, bytes });
        before.map(|before| before.by).filter(|before| before.who != by.who)
    }

    /// The key's undo method has succeeded. Returns the owner, which has to forget.
    pub(crate) fn undone(&mut self, key: &PublicationKey) -> Option<By> {
        self.remove(key).map(|owner| owner.by)
    }

    /// Who owns the key.
    pub(crate) fn owner(&self, key: &PublicationKey) -> Option<By> {
        self.by_key.get(key).map(|owner| owner.by)
    }

    /// All who own something.
    pub(crate) fn owners(&self) -> Vec<SubscriberId> {
        self.held.keys().copied().collect()
    }

    /// The publications of somebody who has gone, to be [taken](Self::take) one by one.
    pub(crate) fn owned_by(&self, who: SubscriberId) -> Vec<PublicationKey> {
        self.by_key
            .iter()
            .filter(|(_, owner)| owner.by.who == who)
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Takes a publication out of the table, unless somebody else owns it by now. Returns what takes it back, if
    /// anything does.
    pub(crate) fn take(&mut self, key: &PublicationKey, who: SubscriberId) -> Option<A> {
        self.by_key.get(key).filter(|owner| owner.by.who == who)?;
        self.remove(key)?.undo
    }

    /// How many keys are published.
    #[cfg(feature = "testing")]
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    fn remove(&mut self, key: &PublicationKey) -> Option<Owner<A>> {
        let owner = self.by_key.remove(key)?;
        if let Some(held) = self.held.get_mut(&owner.by.who) {
            held.keys -= 1;
            held.bytes -= owner.bytes;
            if held.keys == 0 {
                self.held.remove(&owner.by.who);
            }
        }
        Some(owner)
    }
}
