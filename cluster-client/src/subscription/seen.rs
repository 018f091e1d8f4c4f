//! What a handle was given last.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::event::{Item, ItemKey, Subscribe};
use crate::planted::{Bug, planted};

/// The last value given to a reader for each item key, so that a new leader's first value is given
/// only if it differs.
///
/// Values are kept as they came and decoded again for the comparison, which is rare; equality is
/// the event type's own.
pub(super) struct Seen {
    /// Counts the `Resynced`.
    generation: u64,
    given: BTreeMap<ItemKey, Given>,
    capacity: usize,
}

struct Given {
    generation: u64,
    item: Item,
}

impl Seen {
    /// Remembers at most `capacity` keys; one that is forgotten is given again.
    pub(super) fn new(capacity: usize) -> Self {
        Self { generation: 0, given: BTreeMap::new(), capacity }
    }

    pub(super) fn resynced(&mut self) {
        self.generation += 1;
    }

    /// The item's value, unless it is the first of its key since the last `Resynced` and equals the
    /// one before.
    pub(super) fn admit<E: Subscribe>(&mut self, item: Item) -> Result<Option<E>, Error> {
        let value: E = item.clone().into_value()?;
        let known = self.given.get(&item.key).filter(|given| given.generation < self.generation);
        let repeated = match known {
            Some(given) => given.item.clone().into_value::<E>()? == value,
            None => false,
        };
        self.remember(item);
        let repeated = repeated && !planted(Bug::RepeatsAfterTakeover);
        Ok((!repeated).then_some(value))
    }

    fn remember(&mut self, item: Item) {
        if self.given.len() >= self.capacity
            && !self.given.contains_key(&item.key)
            && let Some(some_key) = self.given.keys().next().cloned()
        {
            self.given.remove(&some_key);
        }
        self.given.insert(item.key.clone(), Given { generation: self.generation, item });
    }
}
