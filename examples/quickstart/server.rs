//! The remote service: a registry server of its own process, which knows nothing of clusters. It keeps a book
//! of what it was asked, so that the example need not take its own word for anything.
//!
//! One line a request, `<id> <verb> <words…>`, one line an answer, `<id> <words…>`, and `event <id> <addresses…>`
//! to whoever sent a `watch` under that id. A connection's instances leave the registry with the connection.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use showcase::{Children, orders, report};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::book::Book;

/// How long the server thinks about a call. A remote service is not instant, so calls are always in flight.
const THINKING: Duration = Duration::from_millis(2);
/// How long the example waits for the server.
const PATIENCE: Duration = Duration::from_secs(5);

/// The server's process, seen from the example.
pub struct Registry {
    pub address: String,
    pub pid: u32,
    children: Children<Report>,
}

impl Registry {
    pub async fn start() -> Result<Self> {
        let mut children = Children::new();
        let pid = children.spawn("the registry server", &["server"])?;
        match children.next(Instant::now() + PATIENCE, "the registry server listens").await?.2 {
            Report::Listening { address } => Ok(Self { address, pid, children }),
            _ => bail!("the registry server does not listen"),
        }
    }

    pub async fn counts(&mut self) -> Result<Counts> {
        match self.ask(&Order::Count).await? {
            Report::Counts(counts) => Ok(counts),
            _ => bail!("the registry server does not count"),
        }
    }

    pub async fn book(&mut self) -> Result<Book> {
        match self.ask(&Order::Book).await? {
            Report::Book(runs) => Ok(Book::new(runs)),
            _ => bail!("the registry server keeps no book"),
        }
    }

    pub async fn finish(self) -> Result<()> {
        self.children.finish(Instant::now() + PATIENCE).await
    }

    async fn ask(&mut self, order: &Order) -> Result<Report> {
        self.children.order(0, order).await?;
        Ok(self.children.next(Instant::now() + PATIENCE, "the registry server reports").await?.2)
    }
}

#[derive(Serialize, Deserialize)]
enum Order {
    Count,
    Book,
}

#[derive(Serialize, Deserialize)]
enum Report {
    Listening {
        address: String,
    },
    Counts(Counts),
    /// How often each call was run, by its number.
    Book(Vec<(u64, u32)>),
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Connections at this moment, at most at one moment, and in all.
    pub open: usize,
    pub most: usize,
    pub accepted: usize,
    /// Subscriptions at this moment and in all.
    pub watching: usize,
    pub watched: usize,
    /// The addresses that clients registered and that are there at this moment, and registrations in all.
    pub registered: Vec<String>,
    pub registrations: usize,
}

/// Serves until the parent ends its orders.
pub async fn run() -> Result<()> {
    let listener =
        TcpListener::bind("127.0.0.1:0").await.context("the registry server cannot listen")?;
    report(&Report::Listening { address: listener.local_addr()?.to_string() });
    let server = Server::default();
    let mut orders = orders();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let stream = accepted.context("the registry server cannot accept")?.0;
                tokio::spawn(serve(server.clone(), stream));
            }
            order = orders.recv() => match order {
                Some(Order::Count) => report(&Report::Counts(server.state().counts())),
                Some(Order::Book) => report(&Report::Book(server.state().runs.iter().map(|(call, runs)| (*call, *runs)).collect())),
                None => return Ok(()),
            },
        }
    }
}

#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    counts: Counts,
    next_connection: u64,
    next_number: u64,
    runs: HashMap<u64, u32>,
    /// By service: address and the connection that registered it.
    instances: BTreeMap<String, BTreeMap<String, u64>>,
    watchers: Vec<Watcher>,
}

struct Watcher {
    connection: u64,
    id: String,
    service: String,
    lines: Lines,
}

type Lines = mpsc::UnboundedSender<String>;

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(server: Server, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let (input, mut output) = stream.into_split();
    let (lines, mut outgoing) = mpsc::unbounded_channel::<String>();
    let connection = server.state().connected();
    tokio::spawn(async move {
        while let Some(line) = outgoing.recv().await {
            if output.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                break;
            }
        }
    });
    let mut requests = BufReader::new(input).lines();
    while let Ok(Some(request)) = requests.next_line().await {
        let mut words = request.split(' ').map(str::to_owned);
        let (Some(id), Some(verb)) = (words.next(), words.next()) else {
            break;
        };
        if verb == "bye" {
            break;
        }
        let words: Vec<String> = words.collect();
        let answer = server.state().run(connection, &lines, &id, &verb, &words);
        let lines = lines.clone();
        tokio::spawn(async move {
            tokio::time::sleep(THINKING).await;
            let _ = lines.send(format!("{id} {answer}"));
        });
    }
    server.state().disconnected(connection);
}

impl State {
    fn connected(&mut self) -> u64 {
        self.next_connection += 1;
        self.counts.accepted += 1;
        self.counts.open += 1;
        self.counts.most = self.counts.most.max(self.counts.open);
        self.next_connection
    }

    fn disconnected(&mut self, connection: u64) {
        self.counts.open -= 1;
        self.watchers.retain(|watcher| watcher.connection != connection);
        for instances in self.instances.values_mut() {
            instances.retain(|_, owner| *owner != connection);
        }
    }

    fn run(
        &mut self,
        connection: u64,
        lines: &Lines,
        id: &str,
        verb: &str,
        words: &[String],
    ) -> String {
        match (verb, words) {
            ("lookup", [call, service]) => {
                self.count(call);
                self.addresses(service)
            }
            ("next", [call]) => {
                self.count(call);
                self.next_number += 1;
                self.next_number.to_string()
            }
            ("watch", [service]) => {
                self.counts.watched += 1;
                let watcher = Watcher {
                    connection,
                    id: id.to_owned(),
                    service: service.clone(),
                    lines: lines.clone(),
                };
                self.tell(&watcher);
                self.watchers.push(watcher);
                "ok".to_owned()
            }
            ("unwatch", [id]) => {
                self.watchers
                    .retain(|watcher| watcher.connection != connection || watcher.id != *id);
                "ok".to_owned()
            }
            ("register", [service, address]) => {
                self.counts.registrations += 1;
                self.instances
                    .entry(service.clone())
                    .or_default()
                    .insert(address.clone(), connection);
                for watcher in self.watchers.iter().filter(|watcher| watcher.service == *service) {
                    self.tell(watcher);
                }
                "ok".to_owned()
            }
            _ => "what?".to_owned(),
        }
    }

    fn count(&mut self, call: &str) {
        if let Ok(call) = call.parse() {
            *self.runs.entry(call).or_default() += 1;
        }
    }

    fn tell(&self, watcher: &Watcher) {
        let _ = watcher.lines.send(format!(
            "event {} {}",
            watcher.id,
            self.addresses(&watcher.service)
        ));
    }

    fn addresses(&self, service: &str) -> String {
        let registered = self.instances.get(service).into_iter().flat_map(BTreeMap::keys);
        registered.cloned().collect::<Vec<_>>().join(" ")
    }

    fn counts(&self) -> Counts {
        let registered = self.instances.values().flat_map(BTreeMap::keys).cloned().collect();
        Counts { watching: self.watchers.len(), registered, ..self.counts.clone() }
    }
}
