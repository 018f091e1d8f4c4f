//! The real client in this process: what `node/clients.js` is in Node.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::{Error, Subscribe, Subscription, SubscriptionSender, Value, cluster_client};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reg {
    pub(crate) key: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Provider {
    pub(crate) key: String,
    pub(crate) value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct List(pub(crate) Vec<String>);

/// As the original's tests throw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Failed {
    #[error("mock error")]
    Mock,
    #[error(transparent)]
    Cluster(#[from] Error),
}

/// How many real clients a test has built, and how many it has closed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    built: AtomicU32,
    closed: AtomicU32,
}

impl Book {
    pub(crate) fn closed(&self) -> u32 {
        self.0.closed.load(Ordering::Relaxed)
    }

    fn build(&self) -> u32 {
        self.0.built.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn close(&self) {
        self.0.closed.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) struct Registry {
    book: Book,
    number: u32,
    asked: AtomicUsize,
    lists: Mutex<HashMap<String, Watched>>,
}

#[derive(Default)]
struct Watched {
    list: Vec<String>,
    watchers: Vec<SubscriptionSender<List>>,
}

impl Registry {
    pub(crate) fn new(book: Book) -> Self {
        let number = book.build();
        Self { book, number, asked: AtomicUsize::new(0), lists: Mutex::default() }
    }

    fn change(&self, key: String, change: impl FnOnce(&mut Vec<String>)) {
        let mut lists = self.lists.lock().unwrap();
        let Watched { list, watchers } = lists.entry(key).or_default();
        change(list);
        watchers.retain(|watcher| watcher.send(List(list.clone())).is_ok());
    }
}

fn mock(id: String) -> Result<String, Failed> {
    if id == "error" { Err(Failed::Mock) } else { Ok(id) }
}

#[cluster_client(rename_all = "camelCase", vis = "pub(crate)")]
impl Registry {
    /// A key that is a number is that of a list whose value comes so many ms later.
    #[subscribe]
    pub(crate) async fn watch(&self, reg: Reg) -> Result<Subscription<List>, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (sender, subscription) = Subscription::channel();
        if let Ok(ms) = reg.key.parse() {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                let _ = sender.send(List(vec![format!("hello:{ms}")]));
            });
        } else {
            let mut lists = self.lists.lock().unwrap();
            let watched = lists.entry(reg.key).or_default();
            sender.send(List(watched.list.clone())).unwrap();
            watched.watchers.push(sender);
        }
        Ok(subscription)
    }

    #[publish]
    pub(crate) async fn publish(&self, provider: Provider) -> Result<(), Error> {
        let Provider { key, value } = provider;
        self.change(key, |list| {
            if !list.contains(&value) {
                list.push(value);
            }
        });
        Ok(())
    }

    #[invoke(oneway)]
    pub(crate) async fn un_publish(&self, provider: Provider) {
        self.change(provider.key, |list| list.retain(|value| *value != provider.value));
    }

    #[invoke]
    pub(crate) async fn get(&self, id: String) -> Result<String, Failed> {
        mock(id)
    }

    #[invoke]
    pub(crate) async fn echo(&self, value: Value) -> Value {
        value
    }

    /// Which real client this is, and how often it was asked for a subscription.
    #[invoke]
    pub(crate) async fn count(&self) -> (u32, usize) {
        (self.number, self.asked.load(Ordering::Relaxed))
    }

    #[invoke]
    pub(crate) async fn callback(&self, id: String) -> Result<String, Failed> {
        mock(id)
    }

    #[invoke(timeout = "300ms")]
    pub(crate) async fn never(&self) {
        std::future::pending::<()>().await;
    }

    #[invoke]
    pub(crate) async fn promise(&self, id: String) -> Result<String, Failed> {
        mock(id)
    }

    #[invoke(timeout = "300ms")]
    pub(crate) async fn slow(&self, ms: u32) -> u32 {
        tokio::time::sleep(Duration::from_millis(ms.into())).await;
        ms
    }

    /// As far as a real client here can break.
    #[invoke]
    pub(crate) async fn breaks(&self) -> Result<String, Failed> {
        Err(Failed::Mock)
    }

    #[close]
    pub(crate) async fn destroy(&self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.book.close();
    }
}
