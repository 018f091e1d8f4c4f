//! What a member is subscribed to, whoever leads.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::event::{Delivery, EventOptions, Item, Receivers};
use crate::limits::Limits;
use crate::planted::{Bug, planted};
use crate::subscription::queue::Queue;
use crate::subscription::{CloseReason, Deliver};

#[cfg(test)]
mod tests;

/// The subscriptions of one member: each key is asked for once, however many handles read it. They
/// outlive leaders: a member tells a new one all of them.
///
/// State under the caller's lock. Events are delivered by the [`Notice`] that says to whom, without
/// that lock, since delivering wakes readers; the values that a handle finds when it joins are
/// delivered at once, as nobody reads it yet. Notices must be delivered in the order they were
/// made.
pub(crate) struct Interests {
    limits: Limits,
    by_key: HashMap<Arc<str>, Interest>,
    next_handle: u64,
}

/// What is asked for under one key.
pub(crate) struct Interest {
    /// The method's index in the service.
    pub(crate) method: usize,
    /// Its encoded arguments.
    pub(crate) args: Bytes,
    pub(crate) options: EventOptions,
    handles: Arc<[Handle]>,
    /// The newest values of the present leader.
    retained: Queue<Item>,
    /// Whether any value has come.
    reached: bool,
    /// Whether it was told that none has.
    stalled: bool,
    /// Whose turn it is, for events that only one handle gets.
    turn: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandleId(u64);

#[derive(Clone)]
struct Handle {
    id: HandleId,
    to: Arc<dyn Deliver>,
}

/// What became of an [`Interests::join`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// The key's first handle: ask the leader.
    First(HandleId),
    /// The key was asked for before; the values there are have been delivered.
    Live(HandleId),
}

/// An event and the handles it is for.
#[must_use = "nothing is delivered before `Notice::deliver`"]
pub(crate) struct Notice {
    to: Arc<[Handle]>,
    what: What,
    /// Values to be dropped without the lock.
    _released: Vec<Item>,
}

enum What {
    Item(Item),
    Missed(u64),
    Resynced,
    Closed(CloseReason),
}

impl Interests {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), by_key: HashMap::new(), next_handle: 0 }
    }

    /// Adds a handle that nobody reads yet.
    pub(crate) fn join(
        &mut self,
        key: &str,
        method: usize,
        args: Bytes,
        options: EventOptions,
        to: Arc<dyn Deliver>,
    ) -> Joined {
        let id = HandleId(self.next_handle);
        self.next_handle += 1;
        let handle = Handle { id, to };
        match self.by_key.get_mut(key) {
            Some(interest) => {
                interest.catch_up(&*handle.to);
                interest.handles = interest.handles.iter().cloned().chain([handle]).collect();
                Joined::Live(id)
            }
            None => {
                let retained = Queue::new(options.delivery, &self.limits);
                let handles = Arc::new([handle]);
                let interest = Interest {
                    method,
                    args,
                    options,
                    handles,
                    retained,
                    reached: false,
                    stalled: false,
                    turn: 0,
                };
                self.by_key.insert(key.into(), interest);
                Joined::First(id)
            }
        }
    }

    /// Removes a handle. If it was the key's last, nothing is asked for any more: returns what was,
    /// to be dropped without the lock.
    pub(crate) fn leave(&mut self, key: &str, id: HandleId) -> Option<Interest> {
        let interest = self.by_key.get_mut(key)?;
        interest.handles =
            interest.handles.iter().filter(|handle| handle.id != id).cloned().collect();
        if interest.handles.is_empty() { self.by_key.remove(key) } else { None }
    }

    /// Whether somebody reads the key.
    pub(crate) fn is_read(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// Whether this handle reads the key.
    pub(crate) fn has(&self, key: &str, id: HandleId) -> bool {
        self.by_key
            .get(key)
            .is_some_and(|interest| interest.handles.iter().any(|handle| handle.id == id))
    }

    /// A value has come: retains it, if its event type says so.
    pub(crate) fn deliver(&mut self, key: &str, item: Item) -> Notice {
        let Some(interest) = self.by_key.get_mut(key) else {
            return Notice::to_nobody(What::Item(item));
        };
        let joins = !interest.reached;
        interest.reached = true;
        if joins && interest.options.delivery != Delivery::Latest && planted(Bug::JoinsLate) {
            return Notice::to_nobody(What::Item(item));
        }
        let released = if interest.options.retains() {
            interest.retained.push(item.key.clone(), item.clone(), item.size())
        } else {
            Vec::new()
        };
        let to = match interest.options.receivers {
            Receivers::All => interest.handles.clone(),
            Receivers::One => interest.next_in_turn().into_iter().collect(),
        };
        Notice { to, what: What::Item(item), _released: released }
    }

    /// Whether no value of a key has come yet, although somebody reads it.
    pub(crate) fn awaits_first(&self, key: &str) -> bool {
        self.by_key.get(key).is_some_and(|interest| !interest.reached)
    }

    /// Whether a handle that waits for the first value is to tell that none has come: once for each key.
    pub(crate) fn take_stall(&mut self, key: &str, id: HandleId) -> bool {
        let waits = self.has(key, id) && self.awaits_first(key);
        let interest = self.by_key.get_mut(key).filter(|_| waits);
        interest.is_some_and(|interest| !std::mem::replace(&mut interest.stalled, true))
    }

    /// Values of a key were lost on their way here.
    pub(crate) fn missed(&self, key: &str, count: u64) -> Notice {
        self.tell(key, What::Missed(count))
    }

    /// The real client says of a key that its own leader has changed.
    pub(crate) fn resynced(&self, key: &str) -> Notice {
        self.tell(key, What::Resynced)
    }

    /// The member has a new leader, which has not pushed anything yet. Forgets the values of the
    /// one before, and tells those that it had `confirmed` or that have got something of it.
    pub(crate) fn resynced_all(&mut self, confirmed: impl Fn(&str) -> bool) -> Notice {
        let (mut to, mut released) = (Vec::new(), Vec::new());
        for (key, interest) in self.in_order() {
            if interest.reached || confirmed(key) {
                to.extend_from_slice(&interest.handles);
            }
            released.extend(interest.retained.clear());
        }
        let to = to.into();
        let to = if planted(Bug::HidesResynced) { Arc::default() } else { to };
        Notice { to, what: What::Resynced, _released: released }
    }

    /// A subscription is over for all its handles; the next one asks anew.
    pub(crate) fn ended(&mut self, key: &str, reason: CloseReason) -> Notice {
        let interest = self.by_key.remove(key);
        Notice::closed(interest, reason)
    }

    /// The member closes.
    pub(crate) fn close_all(&mut self, reason: CloseReason) -> Notice {
        let mut interests: Vec<_> = self.by_key.drain().collect();
        interests.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Notice::closed(interests.into_iter().map(|(_, interest)| interest), reason)
    }

    /// All that a new leader is to be asked for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Interest)> {
        self.by_key.iter()
    }

    /// By their keys: the same each time.
    fn in_order(&mut self) -> Vec<(&Arc<str>, &mut Interest)> {
        let mut interests: Vec<_> = self.by_key.iter_mut().collect();
        interests.sort_unstable_by_key(|(key, _)| *key);
        interests
    }

    fn tell(&self, key: &str, what: What) -> Notice {
        match self.by_key.get(key) {
            Some(interest) => Notice { to: interest.handles.clone(), what, _released: Vec::new() },
            None => Notice::to_nobody(what),
        }
    }
}

impl Interest {
    /// Gives a new handle what the others were given last.
    fn catch_up(&self, to: &dyn Deliver) {
        let missed = self.retained.missed_before();
        if missed > 0 {
            to.missed(missed);
        }
        for item in self.retained.values() {
            to.deliver(item.clone());
        }
    }

    /// The next handle round robin that is still read.
    fn next_in_turn(&mut self) -> Option<Handle> {
        let count = self.handles.len();
        let turns = (self.turn..self.turn + count).map(|turn| turn % count);
        let open = turns
            .filter_map(|turn| Some((turn, self.handles.get(turn)?)))
            .find(|(_, handle)| !handle.to.is_closed());
        let (turn, handle) = open?;
        let handle = handle.clone();
        self.turn = (turn + 1) % count;
        Some(handle)
    }
}

impl Notice {
    /// Delivers the event; not to be called under the lock.
    pub(crate) fn deliver(self) {
        for Handle { to, .. } in &*self.to {
            match &self.what {
                What::Item(item) => to.deliver(item.clone()),
                What::Missed(count) => to.missed(*count),
                What::Resynced => to.resynced(),
                What::Closed(reason) => to.close(reason.clone()),
            }
        }
    }

    fn to_nobody(what: What) -> Self {
        Self { to: Arc::default(), what, _released: Vec::new() }
    }

    fn closed(interests: impl IntoIterator<Item = Interest>, reason: CloseReason) -> Self {
        let mut to = Vec::new();
        let mut released = Vec::new();
        for mut interest in interests {
            to.extend_from_slice(&interest.handles);
            released.extend(interest.retained.clear());
        }
        Self { to: to.into(), what: What::Closed(reason), _released: released }
    }
}
