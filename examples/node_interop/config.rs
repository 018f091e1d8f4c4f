//! The real client in Rust: an ordinary client of the config center, annotated. `config_center.js` is the same in Node.
//!
//! What makes the two one: the channel's name and port, the names of the methods (`rename_all`) and of the fields, and
//! `node_compat()` on the builder.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cluster_client::{
    Buffer, Date, Subscribe, Subscription, SubscriptionSender, Value, cluster_client,
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use crate::server::{Ask, Message, Record, Request};

/// In JavaScript `{ dataId, content: Buffer, modified: Date, comment: string | undefined }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    pub data_id: String,
    pub content: Buffer,
    pub modified: Date,
    /// `None` would be `null` there; left out, it is `undefined`. Both are read as `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What one subscribes to. A Node process gives one argument, here `{ dataId }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    pub data_id: String,
}

/// What one publishes, again one argument.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    pub data_id: String,
    pub content: String,
}

/// The process that holds the connection to the config center.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    pub language: String,
    pub pid: u32,
}

/// An `Error` with a `code` there. Untagged, so that what a Node leader throws is read as `Refused` too.
#[derive(Clone, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ConfigError {
    #[error("{message}")]
    Refused { code: String, message: String },
    #[error(transparent)]
    Cluster(#[from] cluster_client::Error),
}

pub struct ConfigCenter {
    next_id: AtomicU64,
    requests: mpsc::UnboundedSender<Request>,
    waiting: Arc<Waiting>,
}

#[derive(Default)]
struct Waiting {
    calls: Mutex<HashMap<u64, oneshot::Sender<Option<Record>>>>,
    watches: Mutex<HashMap<u64, SubscriptionSender<Config>>>,
}

#[cluster_client(rename_all = "camelCase")]
impl ConfigCenter {
    /// Safe to run twice, so it is sent again when the leader dies meanwhile, be it a Node process or not.
    #[invoke(idempotent)]
    pub async fn get(&self, data_id: &str) -> Result<Config, ConfigError> {
        let record = self.ask(Ask::Get { data_id: data_id.to_owned() }).await?;
        record.map_or_else(|| Err(refused("NOT_FOUND", format!("no config {data_id}"))), config)
    }

    /// Whatever JavaScript has: a [`Value`] also holds dates, buffers and `undefined`.
    #[invoke(idempotent)]
    pub async fn echo(&self, value: Value) -> Result<Value, ConfigError> {
        Ok(value)
    }

    /// `servedBy` on the wire, because of `rename_all`.
    #[invoke(idempotent)]
    pub async fn served_by(&self) -> Result<Server, ConfigError> {
        Ok(Server { language: "Rust".to_owned(), pid: std::process::id() })
    }

    /// Asked once a topic, however many processes subscribe. The only such method, so it is the one that a Node process means.
    #[subscribe]
    pub async fn subscribe(&self, topic: Topic) -> Result<Subscription<Config>, ConfigError> {
        let (sender, subscription) = Subscription::channel();
        let id = self.new_id();
        lock(&self.waiting.watches).insert(id, sender.clone());
        self.ask_as(id, Ask::Watch { data_id: topic.data_id }).await?;
        let (requests, waiting, unwatch) =
            (self.requests.clone(), self.waiting.clone(), self.new_id());
        tokio::spawn(async move {
            tokio::select! {
                () = sender.closed() => {}
                () = requests.closed() => {}
            }
            lock(&waiting.watches).remove(&id);
            let _ = requests.send(Request { id: unwatch, ask: Ask::Unwatch { watch: id } });
        });
        Ok(subscription)
    }

    /// Remembered: after a change of leader it is published again. A Node process publishes one-way.
    #[publish(key = "post.data_id")]
    pub async fn publish(&self, post: Post) -> Result<(), ConfigError> {
        let Post { data_id, content } = post;
        self.ask(Ask::Publish { data_id, content }).await.map(drop)
    }

    /// Not annotated: stays here, out of reach of other processes.
    async fn ask(&self, ask: Ask) -> Result<Option<Record>, ConfigError> {
        self.ask_as(self.new_id(), ask).await
    }

    async fn ask_as(&self, id: u64, ask: Ask) -> Result<Option<Record>, ConfigError> {
        let lost = || refused("CONNECTION_LOST", "the config center is gone".to_owned());
        let (sender, answer) = oneshot::channel();
        lock(&self.waiting.calls).insert(id, sender);
        self.requests.send(Request { id, ask }).map_err(|_| lost())?;
        answer.await.map_err(|_| lost())
    }

    fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Relaxed)
    }
}

impl ConfigCenter {
    pub async fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (input, output) = stream.into_split();
        let (requests, outgoing) = mpsc::unbounded_channel();
        let waiting = Arc::<Waiting>::default();
        tokio::spawn(converse(input, output, outgoing, waiting.clone()));
        Ok(Self { next_id: AtomicU64::new(1), requests, waiting })
    }
}

/// Until the connection ends, or the client is dropped. Whoever still waits is told by the end of its channel.
async fn converse(
    input: OwnedReadHalf,
    output: OwnedWriteHalf,
    outgoing: mpsc::UnboundedReceiver<Request>,
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
        let Ok(Message { id, push, record }) = serde_json::from_str(&line) else { break };
        if push {
            let watch = lock(&waiting.watches).get(&id).cloned();
            if let (Some(watch), Some(Ok(config))) = (watch, record.map(config)) {
                let _ = watch.send(config);
            }
        } else if let Some(call) = lock(&waiting.calls).remove(&id) {
            let _ = call.send(record);
        }
    }
}

async fn write(mut output: OwnedWriteHalf, mut outgoing: mpsc::UnboundedReceiver<Request>) {
    while let Some(request) = outgoing.recv().await {
        let Ok(line) = serde_json::to_string(&request) else { break };
        if output.write_all(format!("{line}\n").as_bytes()).await.is_err() {
            break;
        }
    }
}

fn config(record: Record) -> Result<Config, ConfigError> {
    let modified = Date::from_millis(record.modified)
        .map_err(|error| refused("BAD_RECORD", error.to_string()))?;
    let content = Buffer(record.content.into_bytes());
    Ok(Config { data_id: record.data_id, content, modified, comment: None })
}

fn refused(code: &str, message: String) -> ConfigError {
    ConfigError::Refused { code: code.to_owned(), message }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
