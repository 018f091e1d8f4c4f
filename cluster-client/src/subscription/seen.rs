//! What a handle was given last.

use std::collections::BTreeMap;

use super::queue::Bounds;
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
    /// Of the items that were given.
    bytes: usize,
    bounds: Bounds,
}

struct Given {
    generation: u64,
    item: Item,
}

impl Seen {
    /// Remembers no more than there is room for, but always the newest. One that is forgotten is given again.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { generation: 0, given: BTreeMap::new(), bytes: 0, bounds }
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
        let key = item.key.clone();
        self.bytes += item.size();
        let given = Given { generation: self.generation, item };
        if let Some(before) = self.given.insert(key.clone(), given) {
            self.bytes -= before.item.size();
        }
        while self.is_too_much()
            && let Some(other) = self.given.keys().find(|other| **other != key).cloned()
            && let Some(forgotten) = self.given.remove(&other)
        {
            self.bytes -= forgotten.item.size();
        }
    }

    fn is_too_much(&self) -> bool {
        self.given.len() > self.bounds.items || self.bytes > self.bounds.bytes
    }
}
