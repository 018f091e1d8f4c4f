//! A server that keeps the books on its clients: who connected, how many at once, what was executed, what is published.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::report::numbered;

/// A line of a client.
#[derive(Serialize, Deserialize)]
pub struct Said {
    pub number: u64,
    pub entry: Entry,
}

#[derive(Serialize, Deserialize)]
pub enum Entry {
    Hello { pid: u32, epoch: u64 },
    Execute { token: String, call: String, epoch: u64 },
    Watch { topic: String },
    Register { name: String },
    Deregister { name: String },
    Goodbye,
}

/// A line of the ledger.
#[derive(Serialize, Deserialize)]
pub enum Answer {
    Entered { number: u64 },
    News { topic: String, value: u64 },
}

pub struct Ledger {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    book: Mutex<Book>,
    changed: Condvar,
}

/// What is written down.
#[derive(Default)]
pub struct Book {
    pub connections: Vec<Connection>,
    /// By token; those that were settled are not here any more.
    pub executions: HashMap<String, Vec<Execution>>,
    /// By the task that makes them, one after the other: which calls have come to an end.
    settled: HashMap<String, u64>,
    /// The most clients that were connected at once, those of processes that the test had killed left out.
    pub most_at_once: usize,
    /// Calls that a killed leader's client had written down, read here after its successor's hello.
    pub late_writes: u64,
    /// What broke the rules.
    pub complaints: Vec<String>,
    killed: HashSet<u32>,
    /// So many clients are still to be turned away.
    turning_away: usize,
    news: HashMap<String, u64>,
}

pub struct Connection {
    pub pid: u32,
    pub epoch: u64,
    pub open: bool,
    pub registered: BTreeSet<String>,
    watched: BTreeSet<String>,
    /// Until it is known to be closed.
    stream: Option<TcpStream>,
}

#[derive(Debug)]
pub struct Execution {
    /// The id of the call, as the real client was given it.
    pub call: String,
    pub epoch: u64,
}

impl Ledger {
    pub fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        let accepting = Arc::clone(&shared);
        // It ends with the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), Arc::clone(&accepting));
                thread::spawn(move || shared.serve(&stream));
            }
        });
        Self { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.shared.book.lock().unwrap()
    }

    /// Waits until the book is as it should be.
    pub fn wait<T>(&self, what: &str, mut found: impl FnMut(&Book) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut book = self.book();
        loop {
            if let Some(found) = found(&book) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(book);
                panic!("{what}: not in the ledger in time");
            }
            book = self.shared.changed.wait_timeout(book, left).unwrap().0;
        }
    }

    /// The process is about to be killed: its connection no longer counts, whenever its end comes to be known here.
    pub fn will_be_killed(&self, pid: u32) {
        self.book().killed.insert(pid);
    }

    /// The next clients are turned away.
    pub fn turn_away(&self, clients: usize) {
        self.book().turning_away = clients;
    }

    /// Sends a value to whoever watches the topic, now and later.
    pub fn publish(&self, topic: &str, value: u64) {
        let mut book = self.book();
        book.news.insert(topic.to_owned(), value);
        for connection in book.connections.iter().filter(|connection| connection.open) {
            if connection.watched.contains(topic) {
                connection.tell(&Answer::News { topic: topic.to_owned(), value });
            }
        }
    }
}

impl Book {
    /// The client that holds the one connection.
    pub fn client(&self) -> Option<&Connection> {
        self.connections.iter().rfind(|connection| connection.open)
    }

    /// A call has come to an end and is forgotten. Should it run again, that is a complaint.
    pub fn settle(&mut self, token: &str) -> Vec<Execution> {
        if let Some((task, number)) = numbered(token) {
            match self.settled.get_mut(task) {
                Some(settled) => *settled = number.max(*settled),
                None => drop(self.settled.insert(task.to_owned(), number)),
            }
        }
        self.executions.remove(token).unwrap_or_default()
    }

    /// What is known of tasks that are over is forgotten. Returned are those of their calls that were not settled.
    pub fn forget(&mut self, is_over: impl Fn(&str) -> bool) -> Vec<(String, Vec<Execution>)> {
        let over = |token: &str| numbered(token).is_some_and(|(task, _)| is_over(task));
        self.settled.retain(|task, _| !is_over(task));
        self.executions.extract_if(|token, _| over(token)).collect()
    }

    fn count(&mut self) {
        let open =
            |connection: &&Connection| connection.open && !self.killed.contains(&connection.pid);
        self.most_at_once = self.most_at_once.max(self.connections.iter().filter(open).count());
    }

    fn hello(&mut self, pid: u32, epoch: u64, stream: &TcpStream) -> io::Result<usize> {
        if let Some(before) = self.connections.last()
            && before.epoch >= epoch
        {
            self.complaints.push(format!("epoch {epoch} came after {}", before.epoch));
        }
        self.connections.push(Connection {
            pid,
            epoch,
            open: true,
            registered: BTreeSet::new(),
            watched: BTreeSet::new(),
            stream: Some(stream.try_clone()?),
        });
        self.count();
        Ok(self.connections.len() - 1)
    }

    fn enter(&mut self, of: usize, entry: Entry) {
        let has_successor =
            self.connections.last().is_some_and(|last| last.epoch > self.connections[of].epoch);
        let connection = &mut self.connections[of];
        match entry {
            Entry::Execute { token, call, epoch } => {
                if !connection.open {
                    self.complaints.push(format!("{token} ran after the client's goodbye"));
                }
                if has_successor {
                    if self.killed.contains(&connection.pid) {
                        self.late_writes += 1;
                    } else {
                        self.complaints
                            .push(format!("{token} ran in epoch {epoch}, which is over"));
                    }
                }
                if epoch != connection.epoch {
                    self.complaints.push(format!(
                        "{token} ran in epoch {epoch} on a client of epoch {}",
                        connection.epoch
                    ));
                }
                if let Some((task, number)) = numbered(&token)
                    && self.settled.get(task).is_some_and(|settled| number <= *settled)
                {
                    self.complaints.push(format!("{token} ran after it had come to an end"));
                }
                self.executions.entry(token).or_default().push(Execution { call, epoch });
            }
            Entry::Watch { topic } => {
                if !connection.watched.insert(topic.clone()) {
                    self.complaints.push(format!("{topic} was asked for twice"));
                }
                if let Some(value) = self.news.get(&topic) {
                    connection.tell(&Answer::News { topic, value: *value });
                }
            }
            Entry::Register { name } => {
                connection.registered.insert(name);
            }
            Entry::Deregister { name } => {
                connection.registered.remove(&name);
            }
            Entry::Hello { .. } => self.complaints.push("a second hello".to_owned()),
            Entry::Goodbye => connection.open = false,
        }
    }
}

impl Connection {
    /// Nothing of it comes any more.
    pub fn is_closed(&self) -> bool {
        self.stream.is_none()
    }

    fn close(&mut self) {
        self.open = false;
        self.stream = None;
        self.watched.clear();
        self.registered.clear();
    }

    /// A client that is gone needs no answer.
    fn tell(&self, answer: &Answer) {
        let Some(mut stream) = self.stream.as_ref() else { return };
        let mut line = serde_json::to_vec(answer).unwrap();
        line.push(b'\n');
        let _ = stream.write_all(&line);
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut index = None;
        // A client that was killed ends in an error, or in the middle of a line.
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let Ok(Said { number, entry }) = serde_json::from_str(&line) else { break };
            let mut book = self.book.lock().unwrap();
            match (index, entry) {
                (Some(index), entry) => book.enter(index, entry),
                (None, Entry::Hello { .. }) if book.turning_away > 0 => {
                    book.turning_away -= 1;
                    break;
                }
                (None, Entry::Hello { pid, epoch }) => {
                    index = Some(book.hello(pid, epoch, stream).unwrap());
                }
                (None, _) => panic!("a client that did not say hello"),
            }
            book.connections[index.unwrap()].tell(&Answer::Entered { number });
            self.changed.notify_all();
        }
        if let Some(index) = index {
            self.book.lock().unwrap().connections[index].close();
            self.changed.notify_all();
        }
        // There is a second handle of the socket in the book.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
