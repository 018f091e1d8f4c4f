//! One at a time for each key, in the order of asking. A key that nobody holds takes no memory.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::clock;

/// For each key that is held, those that wait for it.
pub(crate) struct Turns<K: Clone + Ord>(Mutex<Waiting<K>>);

type Waiting<K> = BTreeMap<K, VecDeque<oneshot::Sender<Held<K>>>>;

impl<K: Clone + Ord> Default for Turns<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Ord> Turns<K> {
    /// Asks for some keys, all at once: so nobody who waits for two of them stands before somebody at one and behind them
    /// at the other.
    pub(crate) fn ask<'k>(self: &Arc<Self>, keys: impl Iterator<Item = &'k K>) -> Turn<K>
    where
        K: 'k,
    {
        let mut turn = Turn { held: Vec::new(), awaited: Vec::new() };
        let mut waiting = self.lock();
        for key in keys {
            match waiting.entry(key.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(VecDeque::new());
                    turn.held.push(Held { turns: Arc::clone(self), key: key.clone() });
                }
                Entry::Occupied(mut entry) => {
                    let (give, take) = oneshot::channel();
                    entry.get_mut().push_back(give);
                    turn.awaited.push(take);
                }
            }
        }
        turn
    }

    /// How many keys are held.
    #[cfg(feature = "testing")]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// The next one that still waits for the key; without one it is free.
    fn next(&self, key: &K) -> Option<oneshot::Sender<Held<K>>> {
        let mut waiting = self.lock();
        let behind = waiting.get_mut(key)?;
        while let Some(next) = behind.pop_front() {
            if !next.is_closed() {
                return Some(next);
            }
        }
        waiting.remove(key);
        None
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<K>> {
        // Nothing panics under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the row for each of some keys. Dropping it leaves them.
pub(crate) struct Turn<K: Clone + Ord> {
    held: Vec<Held<K>>,
    awaited: Vec<oneshot::Receiver<Held<K>>>,
}

impl<K: Clone + Ord> Turn<K> {
    /// Whether there is nobody before it.
    pub(crate) fn has_come(&self) -> bool {
        self.awaited.is_empty()
    }

    /// Waits until there is nobody before it, but not beyond the deadline. Whether it has come in time: a process that has
    /// slept may find that it has come, and the deadline too.
    pub(crate) async fn comes_by(&mut self, deadline: Option<Instant>) -> bool {
        let Some(deadline) = deadline else {
            self.come().await;
            return true;
        };
        let came = tokio::time::timeout_at(deadline.into(), self.come()).await;
        came.is_ok() && clock::now() < deadline
    }

    /// Waits until there is nobody before it.
    pub(crate) async fn come(&mut self) {
        while let Some(next) = self.awaited.last_mut() {
            // Whoever holds the key gives it on when dropped, so this cannot fail.
            self.held.extend(next.await);
            self.awaited.pop();
        }
    }
}

/// Has the turn for a key.
struct Held<K: Clone + Ord> {
    turns: Arc<Turns<K>>,
    key: K,
}

impl<K: Clone + Ord> Drop for Held<K> {
    fn drop(&mut self) {
        if let Some(next) = self.turns.next(&self.key) {
            // Should it have given up this moment, dropping this gives the turn to the one behind it.
            let _ = next.send(Self { turns: Arc::clone(&self.turns), key: self.key.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn has_come(turn: &mut Turn<u8>) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        pin!(turn.come()).poll(&mut cx) == Poll::Ready(())
    }

    #[test]
    fn each_key_has_one_holder_and_the_others_follow_in_order() {
        let turns = Arc::new(Turns::default());
        let [first, mut second, mut third, other] =
            [[1].iter(), [1].iter(), [1].iter(), [2].iter()].map(|keys| turns.ask(keys));
        assert!(first.has_come() && other.has_come());
        assert!(!has_come(&mut second) && !has_come(&mut third));
        drop(first);
        assert!(!has_come(&mut third) && has_come(&mut second));
        drop(second);
        assert!(has_come(&mut third));
        drop((third, other));
        assert!(turns.lock().is_empty());
    }

    #[test]
    fn who_gives_up_stands_in_nobodys_way() {
        let turns = Arc::new(Turns::default());
        let [first, second, mut third] = [(); 3].map(|()| turns.ask([1].iter()));
        drop(second);
        drop(first);
        assert!(has_come(&mut third));
        // Given the turn, and gone before it could see that.
        let fourth = turns.ask([1].iter());
        drop(third);
        drop(fourth);
        assert!(turns.lock().is_empty());
    }

    #[test]
    fn rows_for_several_keys_never_wait_for_each_other() {
        let turns = Arc::new(Turns::default());
        let first = turns.ask([1, 2].iter());
        let mut second = turns.ask([2, 1].iter());
        assert!(first.has_come() && !has_come(&mut second));
        drop(first);
        assert!(has_come(&mut second));
    }
}
