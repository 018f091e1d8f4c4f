//! A real client that says what is done to it.

use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cluster_client::{
    Builder, Error, LeaderContext, Subscribe, Subscription, SubscriptionSender, cluster_client,
};
use serde::{Deserialize, Serialize, Serializer};
use tokio::sync::watch;

use crate::recorded::PATIENCE;

/// What has been done to the real clients of one test, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(watch::Sender<Vec<String>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.send_modify(|lines| lines.push(line.into()));
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.0.borrow().iter().filter(|said| *said == line).count()
    }

    pub(crate) async fn until(&self, line: &str) {
        let mut lines = self.0.subscribe();
        let there = lines.wait_for(|lines| lines.iter().any(|said| said == line));
        let there = tokio::time::timeout(PATIENCE, there).await;
        there.unwrap_or_else(|_| panic!("nobody did: {line}")).expect("the log holds the sender");
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) count: u32,
}

/// How many there are.
#[derive(Clone, Debug, PartialEq, Deserialize, Subscribe)]
#[serde(transparent)]
pub(crate) struct Count(pub(crate) u32);

/// It is counted how often this one is encoded.
pub(crate) const COUNTED: Count = Count(7);

pub(crate) static ENCODED: AtomicUsize = AtomicUsize::new(0);

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == COUNTED {
            ENCODED.fetch_add(1, Ordering::SeqCst);
        }
        serializer.serialize_u32(self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum StockError {
    #[error("only {left} of {id} left")]
    Short { id: String, left: u32 },
    #[error(transparent)]
    Cluster(#[from] Error),
}

pub(crate) struct Stock {
    log: Log,
    watchers: Mutex<Vec<SubscriptionSender<Count>>>,
}

impl Stock {
    pub(crate) fn new(log: &Log) -> Self {
        Self { log: log.clone(), watchers: Mutex::default() }
    }
}

#[cluster_client(rename_all = "camelCase", vis = "pub(crate)")]
impl Stock {
    #[invoke]
    pub(crate) async fn echo(&self, text: String) -> Result<String, StockError> {
        self.log.add(format!("echo {text}"));
        Ok(text)
    }

    /// Answers once the test has said so.
    #[invoke(timeout = "60s")]
    pub(crate) async fn wait(&self) -> Result<(), StockError> {
        self.log.add("wait");
        self.log.until("go on").await;
        Ok(())
    }

    #[invoke(timeout = "100ms")]
    pub(crate) async fn never(&self) -> Result<(), StockError> {
        pending().await
    }

    #[invoke]
    pub(crate) async fn take(&self, id: String) -> Result<(), StockError> {
        Err(StockError::Short { id, left: 1 })
    }

    /// No number of JavaScript.
    #[invoke]
    pub(crate) async fn too_much(&self) -> Result<u64, StockError> {
        Ok(u64::MAX)
    }

    #[invoke]
    pub(crate) async fn breaks(&self) -> Result<(), StockError> {
        panic!("at once")
    }

    #[invoke(oneway)]
    pub(crate) async fn tell(&self, id: String) -> Result<(), StockError> {
        match &*id {
            "panic" => panic!("told so"),
            _ => Err(StockError::Short { id, left: 0 }),
        }
    }

    #[subscribe]
    pub(crate) async fn watch(&self, item: String) -> Result<Subscription<Count>, StockError> {
        let (sender, subscription) = Subscription::channel();
        self.log.add(format!("watch {item}"));
        let (watched, log) = (sender.clone(), self.log.clone());
        tokio::spawn(async move {
            watched.closed().await;
            log.add(format!("unwatch {item}"));
        });
        self.watchers.lock().unwrap().push(sender);
        Ok(subscription)
    }

    #[publish(key = "item.id")]
    pub(crate) async fn announce(&self, item: Item) -> Result<(), StockError> {
        if item.count == 0 {
            return Err(StockError::Short { id: item.id, left: 0 });
        }
        for watcher in &*self.watchers.lock().unwrap() {
            let _ = watcher.send(Count(item.count));
        }
        Ok(())
    }

    #[close]
    pub(crate) async fn shut(&self) {
        self.log.add("closed");
    }

    /// Not annotated.
    #[expect(dead_code, reason = "nobody is to call it")]
    pub(crate) async fn secret(&self) {
        self.log.add("secret");
    }
}

pub(crate) fn stock(port: u16) -> Builder<StockProxy> {
    StockProxy::builder().port(port).node_compat()
}

/// A member that may lead.
pub(crate) async fn start(builder: Builder<StockProxy>, log: &Log) -> StockProxy {
    let log = log.clone();
    let start = builder.start(move |_| std::future::ready(Ok::<_, Error>(Stock::new(&log))));
    tokio::time::timeout(PATIENCE, start).await.unwrap().unwrap()
}

/// Of a member that must not lead.
pub(crate) async fn nobody(_: LeaderContext) -> Result<Stock, Error> {
    panic!("a Node process leads")
}
