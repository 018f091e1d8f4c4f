//! What the real clients talk to: it keeps a book of all that they did, and pushes values to who is subscribed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use cluster_client::{CallContext, CallId, Subscription, SubscriptionSender};
use tokio::time::Instant;

use crate::counter::{Newest, Slot, Tick};

/// How many keys can be subscribed to.
pub(crate) const KEYS: u64 = 4;

/// The server. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<Book>>);

/// Which one, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Connection(usize);

#[derive(Default)]
pub(crate) struct Book {
    /// For each operation when, where and for whom it ran.
    pub(crate) runs: HashMap<u64, Vec<Run>>,
    /// The epochs of all that ran, in order.
    pub(crate) epochs: Vec<u64>,
    pub(crate) connections: Vec<Connected>,
    /// What is published on the present connection.
    pub(crate) published: BTreeMap<u64, u64>,
    /// The newest value of each key.
    pub(crate) values: [u64; KEYS as usize],
    /// What no server should see.
    pub(crate) complaints: Vec<String>,
    newest: Vec<(u64, SubscriptionSender<Newest>)>,
    ticks: Vec<(u64, SubscriptionSender<Tick>)>,
    boards: Vec<SubscriptionSender<Slot>>,
}

pub(crate) struct Run {
    pub(crate) at: Instant,
    pub(crate) call: CallId,
    pub(crate) leader: u32,
}

pub(crate) struct Connected {
    process: u32,
    epoch: u64,
    open: bool,
}

impl Server {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap()
    }

    /// A new connection: those before are gone, with what was published on them.
    pub(crate) fn connect(&self, process: u32, epoch: u64) -> Connection {
        let mut book = self.book();
        if let Some(before) = book.connections.last() {
            let Connected { process: other, epoch: earlier, open } = *before;
            if open {
                book.complain(format!("process {process} connects while process {other} is"));
            }
            if epoch <= earlier {
                book.complain(format!("process {process} has epoch {epoch} after {earlier}"));
            }
        }
        book.leave();
        book.connections.push(Connected { process, epoch, open: true });
        Connection(book.connections.len() - 1)
    }

    /// A real client has closed its connection.
    pub(crate) fn disconnect(&self, connection: Connection) {
        let mut book = self.book();
        if let Some(connected) = book.connections.get_mut(connection.0) {
            connected.open = false;
        }
        if book.present() == Some(connection) {
            book.leave();
        }
    }

    /// A process was killed, and its connection with it.
    pub(crate) fn process_gone(&self, process: u32) {
        let mut book = self.book();
        let present = book.connections.last().is_some_and(|last| last.process == process);
        let mine = book.connections.iter_mut().filter(|connected| connected.process == process);
        mine.for_each(|connected| connected.open = false);
        if present {
            book.leave();
        }
    }

    /// An operation runs.
    pub(crate) fn run(&self, connection: Connection, operation: u64, cx: &CallContext) {
        let mut book = self.book();
        let leader = book.connections.get(connection.0).map_or(0, |connected| connected.process);
        let run = Run { at: Instant::now(), call: cx.call_id(), leader };
        book.runs.entry(operation).or_default().push(run);
        book.epochs.push(cx.epoch());
    }

    pub(crate) fn publish(&self, connection: Connection, key: u64, value: u64) {
        let mut book = self.book();
        if book.present() == Some(connection) {
            book.published.insert(key, value);
        }
    }

    pub(crate) fn retract(&self, connection: Connection, key: u64) {
        let mut book = self.book();
        if book.present() == Some(connection) {
            book.published.remove(&key);
        }
    }

    pub(crate) fn newest(&self, connection: Connection, key: u64) -> Subscription<Newest> {
        let (sender, subscription) = Subscription::channel();
        let mut book = self.book();
        let _ = sender.send(Newest(book.values[key as usize]));
        let others =
            |(of, sender): &(u64, SubscriptionSender<Newest>)| *of == key && !sender.is_closed();
        let twice = book.newest.iter().any(others);
        book.subscribed(connection, twice, "newest", key);
        book.newest.push((key, sender));
        subscription
    }

    pub(crate) fn ticks(&self, connection: Connection, key: u64) -> Subscription<Tick> {
        let (sender, subscription) = Subscription::channel();
        let mut book = self.book();
        let others =
            |(of, sender): &(u64, SubscriptionSender<Tick>)| *of == key && !sender.is_closed();
        let twice = book.ticks.iter().any(others);
        book.subscribed(connection, twice, "ticks", key);
        book.ticks.push((key, sender));
        subscription
    }

    pub(crate) fn board(&self, connection: Connection) -> Subscription<Slot> {
        let (sender, subscription) = Subscription::channel();
        let mut book = self.book();
        for (key, value) in (0..).zip(book.values) {
            let _ = sender.send(Slot { key, value });
        }
        book.boards.retain(|sender| !sender.is_closed());
        let twice = !book.boards.is_empty();
        book.subscribed(connection, twice, "board", 0);
        book.boards.push(sender);
        subscription
    }

    /// The next value of a key, for all that are subscribed to it.
    pub(crate) fn push(&self, key: u64) {
        let mut book = self.book();
        book.values[key as usize] += 1;
        let value = book.values[key as usize];
        book.newest.retain(|(of, sender)| *of != key || sender.send(Newest(value)).is_ok());
        book.ticks.retain(|(of, sender)| *of != key || sender.send(Tick(value)).is_ok());
        book.boards.retain(|sender| sender.send(Slot { key, value }).is_ok());
    }
}

impl Book {
    /// How many subscriptions somebody still listens to.
    pub(crate) fn subscribed_to(&self) -> usize {
        let newest = self.newest.iter().filter(|(_, sender)| !sender.is_closed()).count();
        let ticks = self.ticks.iter().filter(|(_, sender)| !sender.is_closed()).count();
        newest + ticks + self.boards.iter().filter(|sender| !sender.is_closed()).count()
    }

    /// The processes that are connected.
    pub(crate) fn connected(&self) -> Vec<u32> {
        let open = self.connections.iter().filter(|connected| connected.open);
        open.map(|connected| connected.process).collect()
    }

    fn present(&self) -> Option<Connection> {
        self.connections.len().checked_sub(1).map(Connection)
    }

    /// The present connection ends.
    fn leave(&mut self) {
        self.published.clear();
        self.newest.clear();
        self.ticks.clear();
        self.boards.clear();
    }

    fn subscribed(&mut self, connection: Connection, twice: bool, what: &str, key: u64) {
        if twice && self.present() == Some(connection) {
            self.complain(format!("{connection:?} subscribes twice to {what} of key {key}"));
        }
    }

    fn complain(&mut self, complaint: String) {
        self.complaints.push(complaint);
    }
}
