//! What the real clients talk to: it takes its time, and keeps a [book](Book) of all that they did.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cluster_client::{CallContext, Subscription};
use tokio::time::sleep;

use crate::book::{Book, Connection};
use crate::counter::{Newest, Slot, Tick};

/// How many keys can be subscribed to.
pub(crate) const KEYS: u64 = 4;

/// The server. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Server {
    book: Arc<Mutex<Book>>,
    seed: u64,
    /// The longest that anything takes, before it has run and after that.
    slowest: u64,
}

impl Server {
    pub(crate) fn new(seed: u64, slowest: Duration) -> Self {
        Self { book: Arc::default(), seed, slowest: slowest.as_millis() as u64 }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// An operation, which takes time before it has run and time after that.
    pub(crate) async fn run(&self, connection: Connection, operation: u64, cx: &CallContext) {
        self.book().begin(connection, operation);
        let run = || self.book().run(connection, operation, cx.call_id(), cx.epoch());
        self.take_time(operation, run).await;
    }

    pub(crate) async fn publish(&self, connection: Connection, key: u64, value: u64) {
        self.take_time(value, || self.book().publish(connection, key, value)).await;
    }

    pub(crate) async fn retract(
        &self,
        connection: Connection,
        key: u64,
        value: u64,
        cx: &CallContext,
    ) {
        let retract = || {
            self.book().run(connection, value, cx.call_id(), cx.epoch());
            self.book().retract(connection, key);
        };
        self.take_time(!value, retract).await;
    }

    pub(crate) fn newest(&self, connection: Connection, key: u64) -> Subscription<Newest> {
        let (sender, subscription) = Subscription::channel();
        self.book().newest(connection, key, sender);
        subscription
    }

    pub(crate) fn ticks(&self, connection: Connection, key: u64) -> Subscription<Tick> {
        let (sender, subscription) = Subscription::channel();
        self.book().ticks(connection, key, sender);
        subscription
    }

    pub(crate) fn board(&self, connection: Connection) -> Subscription<Slot> {
        let (sender, subscription) = Subscription::channel();
        self.book().board(connection, sender);
        subscription
    }

    /// How long it takes follows from `what` it is: mostly no time.
    async fn take_time(&self, what: u64, act: impl FnOnce()) {
        let mut random = fastrand::Rng::with_seed(self.seed.rotate_left(32) ^ what);
        let mut time = || if random.u8(..8) == 0 { random.u64(1..=self.slowest) } else { 0 };
        let (before, after) = (time(), time());
        pause(before).await;
        act();
        pause(after).await;
    }
}

async fn pause(millis: u64) {
    // Even a sleep of no time is a turn of the task.
    if millis > 0 {
        sleep(Duration::from_millis(millis)).await;
    }
}
