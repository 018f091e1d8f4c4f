//! The bounded queue in front of whoever is slower than the events: a reader, a connection, a
//! subscriber yet to come.

mod gap;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::mem;

use self::gap::Gap;
use super::Event;
use crate::event::{Delivery, ItemKey};
use crate::limits::Limits;
use crate::planted::{Bug, planted};

/// The room an emptied queue keeps for the next values.
const KEPT_ROOM: usize = 16;

/// Values and notices in the order they went in, bounded in number and bytes.
///
/// - [`Delivery::Latest`]: a value takes the place of the pending one with the same item key,
///   unless a `Resynced` went in since; then it goes to the end, so that no value of a new leader
///   comes out before the `Resynced`.
/// - [`Delivery::Every`]: each value has a place of its own.
///
/// Over a bound the oldest value makes room and a `Missed` in its place counts it; the value that
/// came last always stays. Notices need no bound: those between two values collapse into one
/// [`Gap`].
///
/// The queue drops no value itself: those it no longer needs it returns, to be dropped where no
/// lock is held.
pub(crate) struct Queue<V> {
    delivery: Delivery,
    bounds: Bounds,
    /// The last entry always has a value.
    entries: VecDeque<Entry<V>>,
    /// The position of the first entry; positions count up for ever.
    first: u64,
    /// With `Latest`: the position of the value of each item key.
    places: HashMap<ItemKey, u64>,
    /// The values before this position went in before the last `Resynced`.
    resynced_at: u64,
    /// The position of the value that came last, wherever it was put.
    newest: u64,
    /// How many values there are.
    len: usize,
    /// And their bytes.
    bytes: usize,
    /// The notices behind the last value.
    tail: Gap,
}

/// How many values fit in, and how many bytes of them.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) items: usize,
    pub(super) bytes: usize,
}

struct Entry<V> {
    before: Gap,
    /// `None`: a newer value of its key went to the end.
    value: Option<Value<V>>,
}

struct Value<V> {
    key: ItemKey,
    value: V,
    bytes: usize,
}

impl<V> Queue<V> {
    pub(crate) fn new(delivery: Delivery, limits: &Limits) -> Self {
        let bounds = match delivery {
            Delivery::Latest => {
                Bounds { items: limits.retained_items, bytes: limits.retained_bytes }
            }
            Delivery::Every { capacity } => {
                Bounds { items: capacity, bytes: limits.outbound_bytes }
            }
        };
        Self::bounded(delivery, bounds)
    }

    fn bounded(delivery: Delivery, bounds: Bounds) -> Self {
        Self {
            delivery,
            bounds,
            entries: VecDeque::new(),
            first: 0,
            places: HashMap::new(),
            resynced_at: 0,
            newest: 0,
            len: 0,
            bytes: 0,
            tail: Gap::default(),
        }
    }

    /// Takes a value in, and returns those that went for it.
    #[must_use]
    pub(crate) fn push(&mut self, key: ItemKey, value: V, bytes: usize) -> Vec<V> {
        if planted(Bug::ResyncsWithoutNeed) {
            self.resynced();
        }
        let mut gone: Vec<V> = self.put(Value { key, value, bytes }).into_iter().collect();
        self.len += 1;
        self.bytes += bytes;
        while self.len > 1 && (self.len > self.bounds.items || self.bytes > self.bounds.bytes) {
            gone.extend(self.evict());
        }
        gone
    }

    /// Notes that `count` values were lost.
    pub(crate) fn missed(&mut self, count: u64) {
        self.tail.missed(count);
    }

    /// Notes that what follows comes from a new leader.
    pub(crate) fn resynced(&mut self) {
        self.compact();
        self.tail.resynced();
        self.resynced_at = self.first + self.entries.len() as u64;
    }

    /// Takes the oldest value or notice out.
    pub(crate) fn pop(&mut self) -> Option<Event<V>> {
        loop {
            let Some(front) = self.entries.front_mut() else {
                return self.tail.pop();
            };
            if let Some(notice) = front.before.pop() {
                return Some(notice);
            }
            if let Some((_, Some(value))) = self.pop_entry() {
                return Some(Event::Value(value.value));
            }
        }
    }

    /// Takes the oldest value out and leaves a `Missed` in its place. The one that came last goes
    /// last.
    pub(crate) fn evict(&mut self) -> Option<V> {
        loop {
            let newest = self.first == self.newest;
            let (mut gap, value) = self.pop_entry()?;
            let spared = newest && self.len > 0;
            if value.is_some() && !spared {
                gap.missed(1);
            }
            let next = self.entries.front_mut().map_or(&mut self.tail, |next| &mut next.before);
            gap.append(mem::take(next));
            *next = gap;
            match value {
                Some(value) if spared => {
                    self.len += 1;
                    self.bytes += value.bytes;
                    self.append(value);
                }
                Some(value) => return Some(value.value),
                None => {}
            }
        }
    }

    /// Forgets everything, and returns the values.
    #[must_use]
    pub(crate) fn clear(&mut self) -> Vec<V> {
        let empty = Self::bounded(self.delivery, self.bounds);
        let entries = mem::replace(self, empty).entries;
        entries.into_iter().filter_map(|entry| Some(entry.value?.value)).collect()
    }

    /// The values there are, the oldest first.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().filter_map(|entry| Some(&entry.value.as_ref()?.value))
    }

    /// How many values before the oldest one were lost.
    pub(crate) fn missed_before(&self) -> u64 {
        self.entries.front().map_or(&self.tail, |front| &front.before).count()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is neither a value nor a notice.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.tail.is_empty()
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Puts a value in the place of an older one or at the end; returns the older one.
    fn put(&mut self, value: Value<V>) -> Option<V> {
        // With `Every` there are no places.
        let place = self.places.get(&value.key).copied();
        let pending = place
            .and_then(|place| Some((place, self.entries.get_mut((place - self.first) as usize)?)));
        let old = match pending {
            Some((place, entry)) if place >= self.resynced_at => {
                self.newest = place;
                entry.value.replace(value)
            }
            Some((_, entry)) => {
                let old = entry.value.take();
                self.append(value);
                old
            }
            None => {
                self.append(value);
                None
            }
        }?;
        self.len -= 1;
        self.bytes -= old.bytes;
        Some(old.value)
    }

    fn append(&mut self, value: Value<V>) {
        self.newest = self.first + self.entries.len() as u64;
        if self.delivery == Delivery::Latest {
            self.places.insert(value.key.clone(), self.newest);
        }
        self.entries.push_back(Entry { before: mem::take(&mut self.tail), value: Some(value) });
    }

    /// Removes the entries without a value, so that there are never more of them than values.
    fn compact(&mut self) {
        if self.entries.len() == self.len {
            return;
        }
        let tail = mem::take(&mut self.tail);
        for Entry { before, value } in mem::take(&mut self.entries) {
            self.tail.append(before);
            if let Some(value) = value {
                self.append(value);
            }
        }
        self.tail.append(tail);
    }

    /// Takes the first entry out: what was noted before its value, and the value.
    fn pop_entry(&mut self) -> Option<(Gap, Option<Value<V>>)> {
        let Entry { before, value } = self.entries.pop_front()?;
        self.first += 1;
        if let Some(value) = &value {
            self.len -= 1;
            self.bytes -= value.bytes;
            if self.delivery == Delivery::Latest {
                self.places.remove(&value.key);
            }
            if self.len == 0 {
                self.entries.shrink_to(KEPT_ROOM);
                self.places.shrink_to(KEPT_ROOM);
            }
        }
        Some((before, value))
    }
}
