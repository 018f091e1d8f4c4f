//! What a server knows of its clients: their connections, what ran, what is published and subscribed to on each.

use std::collections::{BTreeMap, HashMap, HashSet};

use cluster_client::{CallId, SubscriptionSender};
use tokio::time::Instant;

use crate::counter::{Newest, Slot, Tick};
use crate::server::KEYS;

/// Which one, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Connection(usize);

#[derive(Default)]
pub(crate) struct Book {
    /// For each operation when, where and for whom it ran. Those that take a publication back are known by their values.
    pub(crate) runs: HashMap<u64, Vec<Run>>,
    /// For each operation, the leaders that have begun with it, and when.
    pub(crate) begun: HashMap<u64, Vec<(Instant, u32)>>,
    /// When a value was published, again too.
    pub(crate) announced: Vec<(Instant, u64)>,
    /// The values that were first published by a client of somebody who stood alone.
    pub(crate) announced_alone: HashSet<u64>,
    pub(crate) connections: Vec<Connected>,
    /// The newest value of each key.
    pub(crate) values: [u64; KEYS as usize],
    /// What no server should see.
    pub(crate) complaints: Vec<String>,
    newest: Vec<Subscribed<Newest>>,
    ticks: Vec<Subscribed<Tick>>,
    boards: Vec<Subscribed<Slot>>,
}

pub(crate) struct Run {
    pub(crate) at: Instant,
    pub(crate) call: CallId,
    pub(crate) leader: u32,
}

pub(crate) struct Connected {
    pub(crate) process: u32,
    pub(crate) epoch: u64,
    /// That of a member which serves itself only.
    pub(crate) is_alone: bool,
    since: Instant,
    is_open: bool,
    published: BTreeMap<u64, u64>,
}

struct Subscribed<E> {
    connection: Connection,
    key: u64,
    sender: SubscriptionSender<E>,
}

impl Book {
    /// A new connection. One leads at a time, and who stands alone is beside it, with no epoch of its own.
    pub(crate) fn connect(&mut self, process: u32, epoch: u64, is_alone: bool) -> Connection {
        let open = self.connections.iter().filter(|other| other.is_open);
        let mut conflicts = open
            .filter(|other| other.process == process || !(other.is_alone || is_alone))
            .map(|other| format!("process {process} connects while process {} is", other.process))
            .collect();
        self.complaints.append(&mut conflicts);
        let outdone = self.connections.iter().find(|earlier| {
            !is_alone && (epoch < earlier.epoch || epoch == earlier.epoch && !earlier.is_alone)
        });
        if let Some(Connected { epoch: earlier, .. }) = outdone {
            self.complain(format!("process {process} has epoch {epoch} after {earlier}"));
        }
        self.connections.push(Connected {
            process,
            epoch,
            is_alone,
            since: Instant::now(),
            is_open: true,
            published: BTreeMap::new(),
        });
        Connection(self.connections.len() - 1)
    }

    /// Since when there is the client of whoever leads.
    pub(crate) fn led_since(&self) -> Option<Instant> {
        let leads = |one: &&Connected| one.is_open && !one.is_alone;
        self.connections.iter().rfind(leads).map(|one| one.since)
    }

    /// A connection ends, with what was published on it and subscribed to.
    pub(crate) fn disconnect(&mut self, connection: Connection) {
        let connected = &mut self.connections[connection.0];
        connected.is_open = false;
        connected.published.clear();
        self.newest.retain(|subscribed| subscribed.connection != connection);
        self.ticks.retain(|subscribed| subscribed.connection != connection);
        self.boards.retain(|subscribed| subscribed.connection != connection);
    }

    /// A process was killed, and its connections with it.
    pub(crate) fn process_gone(&mut self, process: u32) {
        for index in 0..self.connections.len() {
            if self.connections[index].process == process {
                self.disconnect(Connection(index));
            }
        }
    }

    // What is done on a connection.

    pub(crate) fn begin(&mut self, connection: Connection, operation: u64) {
        let leader = self.connections[connection.0].process;
        self.begun.entry(operation).or_default().push((Instant::now(), leader));
    }

    pub(crate) fn run(&mut self, connection: Connection, operation: u64, call: CallId, epoch: u64) {
        let Some(connected) = self.used(connection, "runs an operation") else { return };
        let leader = connected.process;
        if epoch != connected.epoch {
            let complaint = format!("a call of epoch {epoch} where {} is led", connected.epoch);
            self.complain(complaint);
        }
        let run = Run { at: Instant::now(), call, leader };
        self.runs.entry(operation).or_default().push(run);
    }

    pub(crate) fn publish(&mut self, connection: Connection, key: u64, value: u64) {
        if let Some(connected) = self.used(connection, "publishes") {
            connected.published.insert(key, value);
            if connected.is_alone && self.announced.iter().all(|(_, earlier)| *earlier != value) {
                self.announced_alone.insert(value);
            }
            self.announced.push((Instant::now(), value));
        }
    }

    pub(crate) fn retract(&mut self, connection: Connection, key: u64) {
        if let Some(connected) = self.used(connection, "takes back a publication") {
            connected.published.remove(&key);
        }
    }

    /// The connection, unless it was closed.
    fn used(&mut self, connection: Connection, what: &str) -> Option<&mut Connected> {
        let Connected { process, is_open, .. } = self.connections[connection.0];
        if !is_open {
            self.complain(format!("process {process} {what} by a client that it has closed"));
        }
        Some(&mut self.connections[connection.0]).filter(|connected| connected.is_open)
    }

    pub(crate) fn complain(&mut self, complaint: String) {
        self.complaints.push(complaint);
    }

    // What is subscribed to.

    pub(crate) fn newest(&mut self, to: Connection, key: u64, sender: SubscriptionSender<Newest>) {
        let _ = sender.send(Newest(self.values[key as usize]));
        let twice = is_subscribed(&self.newest, to, key);
        self.subscribed(twice, to, "newest", key);
        self.newest.push(Subscribed { connection: to, key, sender });
    }

    pub(crate) fn ticks(&mut self, to: Connection, key: u64, sender: SubscriptionSender<Tick>) {
        let twice = is_subscribed(&self.ticks, to, key);
        self.subscribed(twice, to, "ticks", key);
        self.ticks.push(Subscribed { connection: to, key, sender });
    }

    pub(crate) fn board(&mut self, to: Connection, sender: SubscriptionSender<Slot>) {
        for (key, value) in (0..).zip(self.values) {
            let _ = sender.send(Slot { key, value });
        }
        let twice = is_subscribed(&self.boards, to, 0);
        self.subscribed(twice, to, "board", 0);
        self.boards.push(Subscribed { connection: to, key: 0, sender });
    }

    /// The next value of a key, for all that are subscribed to it.
    pub(crate) fn push(&mut self, key: u64) {
        self.values[key as usize] += 1;
        let value = self.values[key as usize];
        self.newest.retain(|to| to.key != key || to.sender.send(Newest(value)).is_ok());
        self.ticks.retain(|to| to.key != key || to.sender.send(Tick(value)).is_ok());
        self.boards.retain(|to| to.sender.send(Slot { key, value }).is_ok());
    }

    fn subscribed(&mut self, twice: bool, connection: Connection, what: &str, key: u64) {
        if self.used(connection, "subscribes").is_some() && twice {
            self.complain(format!("{connection:?} subscribes twice to {what} of key {key}"));
        }
    }

    // What there is at present.

    /// How many subscriptions somebody still listens to.
    pub(crate) fn subscribed_to(&self) -> usize {
        heard(&self.newest) + heard(&self.ticks) + heard(&self.boards)
    }

    /// The processes that are connected.
    pub(crate) fn connected(&self) -> Vec<u32> {
        let open = self.connections.iter().filter(|connected| connected.is_open);
        open.map(|connected| connected.process).collect()
    }

    /// What is published, on all connections.
    pub(crate) fn published(&self) -> BTreeMap<u64, u64> {
        self.connections.iter().flat_map(|connected| connected.published.clone()).collect()
    }

    /// How many have led.
    pub(crate) fn leaders(&self) -> usize {
        self.connections.iter().filter(|connected| !connected.is_alone).count()
    }
}

fn is_subscribed<E: cluster_client::Subscribe>(
    all: &[Subscribed<E>],
    connection: Connection,
    key: u64,
) -> bool {
    let same = |other: &&Subscribed<E>| other.connection == connection && other.key == key;
    all.iter().filter(same).any(|other| !other.sender.is_closed())
}

fn heard<E: cluster_client::Subscribe>(all: &[Subscribed<E>]) -> usize {
    all.iter().filter(|subscribed| !subscribed.sender.is_closed()).count()
}
