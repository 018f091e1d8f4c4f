//! What was delivered to one handle and waits to be read.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use super::queue::{Bounds, Queue};
use super::{CloseReason, Event};
use crate::event::{Delivery, Item};
use crate::limits::Limits;

/// Where events are delivered to. Delivering may wake a reader, so it is not for code that holds a
/// lock, unless nobody can be reading yet.
pub(crate) trait Deliver: Send + Sync {
    fn deliver(&self, item: Item);
    fn missed(&self, count: u64);
    fn resynced(&self);
    /// Nothing more will come; the first reason stands. What was delivered before can still be
    /// read.
    fn close(&self, reason: CloseReason);
    /// Nothing more will be read, or was closed.
    fn is_closed(&self) -> bool;
}

/// The queue of one [`Subscription`](super::Subscription), which is its only reader.
///
/// The lock is held for the queue's own work only: wakers are cloned and woken, and values dropped,
/// without it.
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// Tells who waits in [`Inbox::abandoned`].
    abandoned: Notify,
}

struct State {
    queue: Queue<Item>,
    closed: Option<CloseReason>,
    abandoned: bool,
    reader: Option<Waker>,
}

impl Inbox {
    pub(crate) fn new(delivery: Delivery, limits: &Limits) -> Self {
        let queue = Queue::new(delivery, limits);
        Self {
            state: Mutex::new(State { queue, closed: None, abandoned: false, reader: None }),
            abandoned: Notify::new(),
        }
    }

    /// The next value or notice; `Err` once all are read and nothing more will come.
    pub(super) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Result<Event<Item>, CloseReason>> {
        if let Some(next) = self.lock().pop() {
            return Poll::Ready(next);
        }
        let waker = cx.waker().clone();
        let mut state = self.lock();
        match state.pop() {
            Some(next) => Poll::Ready(next),
            None => {
                let old = state.reader.replace(waker);
                drop(state);
                drop(old);
                Poll::Pending
            }
        }
    }

    /// The reader is gone.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.abandoned = true;
        let unread = state.queue.clear();
        let reader = state.reader.take();
        drop(state);
        self.abandoned.notify_waiters();
        drop((unread, reader));
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    /// Waits until the reader is gone.
    pub(super) async fn abandoned(&self) {
        // Before the look, so that no notification is lost between the two.
        let notified = self.abandoned.notified();
        if !self.is_abandoned() {
            notified.await;
        }
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.lock().queue.bounds()
    }

    /// Changes the state if anything may still come, then wakes the reader.
    fn update(&self, change: impl FnOnce(&mut State) -> Vec<Item>) {
        let mut state = self.lock();
        if state.is_closed() {
            return;
        }
        let gone = change(&mut state);
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        drop(gone);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deliver for Inbox {
    fn deliver(&self, item: Item) {
        self.update(|state| {
            let size = item.size();
            state.queue.push(item.key.clone(), item, size)
        });
    }

    fn missed(&self, count: u64) {
        self.update(|state| {
            state.queue.missed(count);
            Vec::new()
        });
    }

    fn resynced(&self) {
        self.update(|state| {
            state.queue.resynced();
            Vec::new()
        });
    }

    fn close(&self, reason: CloseReason) {
        self.update(|state| {
            state.closed = Some(reason);
            Vec::new()
        });
    }

    fn is_closed(&self) -> bool {
        self.lock().is_closed()
    }
}

impl State {
    fn is_closed(&self) -> bool {
        self.abandoned || self.closed.is_some()
    }

    fn pop(&mut self) -> Option<Result<Event<Item>, CloseReason>> {
        self.queue.pop().map(Ok).or_else(|| self.closed.clone().map(Err))
    }
}
