//! The real client: an ordinary asynchronous client of the registry server, annotated. Only the leader builds one.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cluster_client::{Subscribe, Subscription, SubscriptionSender, cluster_client};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

/// Who serves `service`. A slow subscriber gets the newest one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct Instances {
    pub service: String,
    pub addresses: Vec<String>,
}

/// An instance of a service, kept in the registry for as long as the process lives that registered it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instance {
    pub service: String,
    pub address: String,
}

/// An answer, and the leadership that gave it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answered<T> {
    pub epoch: u64,
    pub value: T,
}

#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
pub enum RegistryError {
    #[error("the connection to the registry server is lost")]
    ConnectionLost,
    #[error("the registry server answered {0:?}")]
    Nonsense(String),
    #[error(transparent)]
    Cluster(#[from] cluster_client::Error),
}

pub struct Registry {
    epoch: u64,
    next_id: AtomicU64,
    lines: mpsc::UnboundedSender<String>,
    waiting: Arc<Waiting>,
}

#[derive(Default)]
struct Waiting {
    calls: Mutex<HashMap<String, oneshot::Sender<String>>>,
    watches: Mutex<HashMap<String, Watch>>,
}

#[derive(Clone)]
struct Watch {
    service: String,
    sender: SubscriptionSender<Instances>,
}

// `call` is the number under which the server keeps the call in its book; a client that keeps no book has no such argument.
#[cluster_client]
impl Registry {
    /// Safe to run twice, so it is sent again when the leader dies meanwhile.
    #[invoke(idempotent, timeout = "5s")]
    pub async fn lookup(
        &self,
        call: u64,
        service: &str,
    ) -> Result<Answered<Vec<String>>, RegistryError> {
        let answer = self.ask(&format!("lookup {call} {service}")).await?;
        Ok(self.answered(addresses(&answer)))
    }

    /// Each run takes a number, so a caller is told when it is not known whether the call ran.
    #[invoke(timeout = "5s")]
    pub async fn next_number(&self, call: u64) -> Result<Answered<u64>, RegistryError> {
        let answer = self.ask(&format!("next {call}")).await?;
        let number = answer.parse().map_err(|_| RegistryError::Nonsense(answer))?;
        Ok(self.answered(number))
    }

    /// Asked once a service, however many processes subscribe.
    #[subscribe]
    pub async fn watch(&self, service: String) -> Result<Subscription<Instances>, RegistryError> {
        let (sender, subscription) = Subscription::channel();
        let id = self.new_id();
        let watch = Watch { service: service.clone(), sender: sender.clone() };
        lock(&self.waiting.watches).insert(id.clone(), watch);
        self.ask_as(id.clone(), &format!("watch {service}")).await?;
        let (lines, waiting) = (self.lines.clone(), self.waiting.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = sender.closed() => {}
                () = lines.closed() => {}
            }
            lock(&waiting.watches).remove(&id);
            let _ = lines.send(format!("0 unwatch {id}"));
        });
        Ok(subscription)
    }

    /// Remembered: after a change of leader it is published again.
    #[publish(key = "instance.address")]
    pub async fn register(&self, instance: Instance) -> Result<(), RegistryError> {
        self.ask(&format!("register {} {}", instance.service, instance.address)).await.map(drop)
    }

    #[close]
    pub async fn disconnect(&self) {
        let _ = self.ask("bye").await;
    }

    /// Not annotated: stays here, out of reach of other processes.
    fn answered<T>(&self, value: T) -> Answered<T> {
        Answered { epoch: self.epoch, value }
    }

    async fn ask(&self, request: &str) -> Result<String, RegistryError> {
        self.ask_as(self.new_id(), request).await
    }

    async fn ask_as(&self, id: String, request: &str) -> Result<String, RegistryError> {
        let line = format!("{id} {request}");
        let (sender, answer) = oneshot::channel();
        lock(&self.waiting.calls).insert(id, sender);
        self.lines.send(line).map_err(|_| RegistryError::ConnectionLost)?;
        answer.await.map_err(|_| RegistryError::ConnectionLost)
    }

    fn new_id(&self) -> String {
        self.next_id.fetch_add(1, Relaxed).to_string()
    }
}

impl Registry {
    pub async fn connect(address: &str, epoch: u64) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (input, output) = stream.into_split();
        let (lines, outgoing) = mpsc::unbounded_channel();
        let waiting = Arc::<Waiting>::default();
        tokio::spawn(converse(input, output, outgoing, waiting.clone()));
        Ok(Self { epoch, next_id: AtomicU64::new(1), lines, waiting })
    }
}

/// Until the connection ends, or nobody has anything to say any more. Whoever still waits is told by the end of its channel.
async fn converse(
    input: OwnedReadHalf,
    output: OwnedWriteHalf,
    outgoing: mpsc::UnboundedReceiver<String>,
    waiting: Arc<Waiting>,
) {
    tokio::select! {
        () = read(input, &waiting) => {}
        () = write(output, outgoing) => {}
    }
    lock(&waiting.calls).clear();
    lock(&waiting.watches).clear();
}

async fn read(input: OwnedReadHalf, waiting: &Waiting) {
    let mut lines = BufReader::new(input).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let (id, words) = line.split_once(' ').unwrap_or((&line, ""));
        if id == "event" {
            let (id, words) = words.split_once(' ').unwrap_or((words, ""));
            let watch = lock(&waiting.watches).get(id).cloned();
            if let Some(Watch { service, sender }) = watch {
                let _ = sender.send(Instances { service, addresses: addresses(words) });
            }
        } else if let Some(call) = lock(&waiting.calls).remove(id) {
            let _ = call.send(words.to_owned());
        }
    }
}

async fn write(mut output: OwnedWriteHalf, mut outgoing: mpsc::UnboundedReceiver<String>) {
    while let Some(line) = outgoing.recv().await {
        if output.write_all(format!("{line}\n").as_bytes()).await.is_err() {
            break;
        }
    }
}

fn addresses(words: &str) -> Vec<String> {
    words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
