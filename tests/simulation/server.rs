//! What the real clients talk to: it keeps a book of all that they did, and pushes values to who is subscribed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use cluster_client::{Subscription, SubscriptionSender};

use crate::counter::{Newest, Tick};

/// How many keys can be subscribed to.
pub(crate) const KEYS: u64 = 4;

/// The server. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<Book>>);

#[derive(Default)]
pub(crate) struct Book {
    /// For each operation how often it ran.
    pub(crate) runs: HashMap<u64, u32>,
    /// The epochs of all that ran, in order.
    pub(crate) epochs: Vec<u64>,
    /// The connection that was made last, and how many there were.
    connection: u64,
    pub(crate) connections: u64,
    /// What is published on the present connection.
    pub(crate) published: BTreeMap<u64, u64>,
    /// The newest value of each key.
    pub(crate) values: [u64; KEYS as usize],
    newest: Vec<(u64, SubscriptionSender<Newest>)>,
    ticks: Vec<(u64, SubscriptionSender<Tick>)>,
}

impl Server {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap()
    }

    /// A new connection: those before are gone, with what was published on them.
    pub(crate) fn connect(&self) -> u64 {
        let mut book = self.book();
        book.connections += 1;
        book.connection = book.connections;
        book.published.clear();
        book.newest.clear();
        book.ticks.clear();
        book.connection
    }

    /// An operation runs.
    pub(crate) fn run(&self, operation: u64, epoch: u64) {
        let mut book = self.book();
        *book.runs.entry(operation).or_default() += 1;
        book.epochs.push(epoch);
    }

    pub(crate) fn publish(&self, connection: u64, key: u64, value: u64) {
        let mut book = self.book();
        if book.connection == connection {
            book.published.insert(key, value);
        }
    }

    pub(crate) fn newest(&self, key: u64) -> Subscription<Newest> {
        let (sender, subscription) = Subscription::channel();
        let mut book = self.book();
        let _ = sender.send(Newest(book.values[key as usize]));
        book.newest.push((key, sender));
        subscription
    }

    pub(crate) fn ticks(&self, key: u64) -> Subscription<Tick> {
        let (sender, subscription) = Subscription::channel();
        self.book().ticks.push((key, sender));
        subscription
    }

    /// The next value of a key, for all that are subscribed to it.
    pub(crate) fn push(&self, key: u64) {
        let mut book = self.book();
        book.values[key as usize] += 1;
        let value = book.values[key as usize];
        book.newest.retain(|(of, sender)| *of != key || sender.send(Newest(value)).is_ok());
        book.ticks.retain(|(of, sender)| *of != key || sender.send(Tick(value)).is_ok());
    }
}
