//! A registry of names, the client of it, and what became of the clients.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cluster_client::testing::Process;
use cluster_client::{
    Error, LeaderContext, Subscribe, Subscription, SubscriptionSender, cluster_client,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A value of the server, and which client has passed it on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct Value(pub(crate) u64, pub(crate) u32);

/// What the clients of all processes are connected to. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Server {
    book: Arc<Mutex<Book>>,
    /// The processes whose clients are open, in the order in which they were opened.
    pub(crate) open: watch::Sender<Vec<u32>>,
    /// No client can be made.
    pub(crate) turns_away: Arc<AtomicBool>,
    /// A watch takes a second to begin.
    pub(crate) opens_slowly: Arc<AtomicBool>,
}

#[derive(Default)]
pub(crate) struct Book {
    /// The client that a name was registered by last. There is one entry a name: a client that has registered it and closes
    /// takes it away.
    pub(crate) names: BTreeMap<String, u32>,
    /// How often a name was taken back.
    pub(crate) taken_back: u32,
    /// Who was given which epoch, and whether alone.
    pub(crate) built: Vec<(u32, u64, bool)>,
    /// What the one-way calls have brought, and to whose client.
    pub(crate) noted: Vec<(u32, u32)>,
    value: u64,
    watchers: Vec<(u32, SubscriptionSender<Value>)>,
}

impl Book {
    /// The streams of all who watch end.
    pub(crate) fn end_watches(&mut self) {
        self.watchers.clear();
    }
}

impl Server {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.book().names.keys().cloned().collect()
    }

    /// The next value, for all who watch.
    pub(crate) fn push(&self) -> u64 {
        let mut book = self.book();
        book.value += 1;
        let value = book.value;
        book.watchers.retain(|(process, to)| to.send(Value(value, *process)).is_ok());
        value
    }

    pub(crate) fn connect(&self, process: &Process, cx: &LeaderContext) -> Result<Registry, Error> {
        if self.turns_away.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        let process = process.id();
        self.book().built.push((process, cx.epoch(), cx.is_standalone()));
        self.open.send_modify(|open| open.push(process));
        Ok(Registry { server: self.clone(), process, registered: Mutex::default() })
    }
}

/// The real client.
pub(crate) struct Registry {
    server: Server,
    process: u32,
    registered: Mutex<Vec<String>>,
}

#[cluster_client(vis = "pub(crate)")]
impl Registry {
    /// Whose client this is.
    #[invoke]
    pub(crate) async fn whose(&self) -> Result<u32, Error> {
        Ok(self.process)
    }

    #[invoke(timeout = "60s")]
    pub(crate) async fn slow(&self) -> Result<u32, Error> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(self.process)
    }

    #[invoke(idempotent, timeout = "60s")]
    pub(crate) async fn slow_again(&self) -> Result<u32, Error> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(self.process)
    }

    #[invoke(oneway, timeout = "20s")]
    pub(crate) fn note(&self, number: u32) {
        self.server.book().noted.push((number, self.process));
    }

    #[invoke(oneway, timeout = "3s")]
    pub(crate) fn note_soon(&self, number: u32) {
        self.server.book().noted.push((number, self.process));
    }

    #[publish(undo = "deregister")]
    pub(crate) async fn register(&self, name: String) -> Result<(), Error> {
        self.registered.lock().unwrap().push(name.clone());
        self.server.book().names.insert(name, self.process);
        Ok(())
    }

    #[invoke(timeout = "60s")]
    pub(crate) async fn deregister(&self, name: String) -> Result<(), Error> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut book = self.server.book();
        book.names.remove(&name);
        book.taken_back += 1;
        Ok(())
    }

    #[subscribe]
    pub(crate) async fn watch(&self) -> Result<Subscription<Value>, Error> {
        if self.server.opens_slowly.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let (sender, subscription) = Subscription::channel();
        let mut book = self.server.book();
        // The subscription is still here.
        let _ = sender.send(Value(book.value, self.process));
        book.watchers.push((self.process, sender));
        Ok(subscription)
    }

    #[close]
    pub(crate) async fn disconnect(&self) {
        let mut book = self.server.book();
        for name in &*self.registered.lock().unwrap() {
            book.names.remove(name);
        }
        book.watchers.retain(|(process, _)| *process != self.process);
        drop(book);
        self.server.open.send_modify(|open| open.retain(|process| *process != self.process));
    }
}
