//! One listener's bounded queue: filled without waiting, the oldest gives way.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

#[derive(Debug)]
pub(super) struct Listener<T> {
    capacity: usize,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    queue: VecDeque<T>,
    /// Items that gave way since the last [`Listener::take_missed`]; all are older than the queue.
    missed: u64,
    ended: bool,
    waker: Option<Waker>,
}

impl<T> Listener<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State { queue: VecDeque::new(), missed: 0, ended: false, waker: None };
        Self { capacity, state: Mutex::new(state) }
    }

    /// Adds an item. The caller wakes what is returned once it holds no lock.
    pub(super) fn push(&self, item: T) -> Option<Waker> {
        let mut state = self.lock();
        if state.queue.len() == self.capacity {
            state.queue.pop_front();
            state.missed += 1;
        }
        state.queue.push_back(item);
        state.waker.take()
    }

    /// Lets the stream end after what is in the queue. The caller wakes what is returned once it holds no lock.
    pub(super) fn end(&self) -> Option<Waker> {
        let mut state = self.lock();
        state.ended = true;
        state.waker.take()
    }

    /// How many items gave way before the one at the head of the queue, if any did.
    pub(super) fn take_missed(&self) -> Option<u64> {
        Some(mem::take(&mut self.lock().missed)).filter(|missed| *missed > 0)
    }

    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.lock();
        match state.queue.pop_front() {
            Some(item) => Poll::Ready(Some(item)),
            None if state.ended => Poll::Ready(None),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
