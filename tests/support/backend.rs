//! The real client of the member processes: one connection to the ledger.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::{
    CallContext, Error, Subscribe, Subscription, SubscriptionSender, cluster_client,
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;

use crate::flood::{Each, Flood, Newest};
use crate::ledger::{Answer, Entry, Said};
use crate::report::{LONG_LOOK, WORK};

/// The newest of a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct News(pub u64);

#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
pub enum BackendError {
    #[error("the connection to the ledger broke")]
    Lost,
    #[error(transparent)]
    Cluster(#[from] Error),
}

/// How long some calls take before and after the ledger enters them, so that leaders die at either time.
const HALF_A_CALL: Duration = Duration::from_millis(2);

pub struct Backend {
    write: tokio::sync::Mutex<OwnedWriteHalf>,
    shared: Arc<Shared>,
    flood: Flood,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    watchers: Mutex<Vec<(String, SubscriptionSender<News>)>>,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    answers: HashMap<u64, oneshot::Sender<()>>,
}

impl Backend {
    /// # Errors
    ///
    /// If the ledger cannot be reached, or turns the client away.
    pub async fn connect(ledger: u16, epoch: u64) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", ledger)).await?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        let shared = Arc::<Shared>::default();
        tokio::spawn(listen(read, Arc::clone(&shared)));
        let backend =
            Self { write: tokio::sync::Mutex::new(write), shared, flood: Flood::default() };
        let pid = std::process::id();
        backend.enter(Entry::Hello { pid, epoch }).await.map_err(io::Error::other)?;
        Ok(backend)
    }

    pub fn flood(&self) -> &Flood {
        &self.flood
    }

    async fn enter(&self, entry: Entry) -> Result<(), BackendError> {
        let (answer, answered) = oneshot::channel();
        let number = {
            let mut waiting = self.shared.waiting.lock().unwrap();
            waiting.last += 1;
            let number = waiting.last;
            waiting.answers.insert(number, answer);
            number
        };
        let mut line = serde_json::to_vec(&Said { number, entry }).unwrap();
        line.push(b'\n');
        self.write.lock().await.write_all(&line).await.map_err(|_| BackendError::Lost)?;
        answered.await.map_err(|_| BackendError::Lost)
    }

    async fn execute(&self, cx: &CallContext, token: String) -> Result<u64, BackendError> {
        let takes_time = [WORK, LONG_LOOK].iter().any(|kind| token.starts_with(kind));
        if takes_time {
            tokio::time::sleep(HALF_A_CALL).await;
        }
        self.enter(Entry::Execute { token, call: cx.call_id().to_string(), epoch: cx.epoch() })
            .await?;
        if takes_time {
            tokio::time::sleep(HALF_A_CALL).await;
        }
        Ok(cx.epoch())
    }
}

#[cluster_client]
impl Backend {
    /// Returns the epoch that it ran in.
    #[invoke]
    pub async fn work(&self, cx: CallContext, token: String) -> Result<u64, BackendError> {
        self.execute(&cx, token).await
    }

    #[invoke(idempotent)]
    pub async fn look(&self, cx: CallContext, token: String) -> Result<u64, BackendError> {
        self.execute(&cx, token).await
    }

    #[invoke(oneway)]
    pub async fn note(&self, cx: CallContext, token: String) {
        // Nobody is told, so the ledger alone knows.
        let _ = self.execute(&cx, token).await;
    }

    #[subscribe(default)]
    pub async fn watch(&self, topic: String) -> Result<Subscription<News>, BackendError> {
        let (sender, subscription) = Subscription::channel();
        self.shared.watchers.lock().unwrap().push((topic.clone(), sender));
        self.enter(Entry::Watch { topic }).await?;
        Ok(subscription)
    }

    #[subscribe]
    pub async fn newest(&self) -> Result<Subscription<Newest>, BackendError> {
        Ok(self.flood.newest())
    }

    #[subscribe]
    pub async fn each(&self) -> Result<Subscription<Each>, BackendError> {
        Ok(self.flood.each())
    }

    #[publish(undo = "deregister")]
    pub async fn register(&self, name: String) -> Result<(), BackendError> {
        self.enter(Entry::Register { name }).await
    }

    #[invoke]
    pub async fn deregister(&self, name: String) -> Result<(), BackendError> {
        self.enter(Entry::Deregister { name }).await
    }

    #[close]
    pub async fn disconnect(&self) {
        // The ledger may be gone before us.
        let _ = self.enter(Entry::Goodbye).await;
    }
}

async fn listen(read: OwnedReadHalf, shared: Arc<Shared>) {
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line).unwrap() {
            Answer::Entered { number } => {
                let answer = shared.waiting.lock().unwrap().answers.remove(&number);
                // Nobody waits if the call was cancelled.
                answer.map(|answer| answer.send(()));
            }
            Answer::News { topic, value } => {
                let mut watchers = shared.watchers.lock().unwrap();
                watchers.retain(|(watched, sender)| {
                    *watched != topic || sender.send(News(value)).is_ok()
                });
            }
        }
    }
    shared.waiting.lock().unwrap().answers.clear();
}
