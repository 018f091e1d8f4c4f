//! The real client of most tests, in this process: what `node/interop.js` is in Node. It notes which of its methods ran.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use cluster_client::{Error, Subscribe, Subscription, SubscriptionSender, Value, cluster_client};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::soon;

/// What a subscription is for, in Node's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reg {
    pub(crate) data_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Post {
    pub(crate) data_id: String,
    /// A member that is undefined is not there.
    #[serde(default = "undefined")]
    pub(crate) value: Value,
}

fn undefined() -> Value {
    Value::Undefined
}

pub(crate) fn reg(data_id: &str) -> Reg {
    Reg { data_id: data_id.to_owned() }
}

pub(crate) fn post(data_id: &str, value: impl Into<Value>) -> Post {
    Post { data_id: data_id.to_owned(), value: value.into() }
}

/// Each subscriber gets the newest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct News(pub(crate) Value);

/// Each subscriber gets all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = 4)]
pub(crate) struct Tick(pub(crate) u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("no such key: {0}")]
    NotFound(String),
    #[error("the store is down")]
    Down { code: i32 },
    #[error(transparent)]
    Cluster(#[from] Error),
}

/// What any error of Node can be read as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub(crate) struct AnyError {
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) code: Option<Value>,
    pub(crate) stack: Option<String>,
}

impl From<Error> for AnyError {
    fn from(error: Error) -> Self {
        let name = "cluster_client::Error".to_owned();
        Self { name, message: format!("{error:?}"), code: None, stack: None }
    }
}

/// Which methods of the real clients of a test ran, with what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ran(watch::Sender<Vec<(&'static str, Value)>>);

impl Ran {
    fn add(&self, method: &'static str, arg: impl Into<Value>) {
        self.0.send_modify(|ran| ran.push((method, arg.into())));
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.0.borrow().iter().filter(|(ran, _)| *ran == method).count()
    }

    /// Waits until the method has run with this.
    pub(crate) async fn until(&self, method: &str, arg: impl Into<Value>) {
        let arg = arg.into();
        let mut ran = self.0.subscribe();
        let there = ran.wait_for(|ran| ran.iter().any(|(it, with)| *it == method && *with == arg));
        soon(there).await.expect("the test holds it");
    }
}

pub(crate) struct Interop {
    ran: Ran,
    topics: Mutex<HashMap<String, Topic>>,
    tickers: Mutex<Vec<SubscriptionSender<Tick>>>,
}

#[derive(Default)]
struct Topic {
    value: Option<Value>,
    watchers: Vec<SubscriptionSender<News>>,
}

impl Interop {
    pub(crate) fn new(ran: Ran) -> Self {
        Self { ran, topics: Mutex::default(), tickers: Mutex::default() }
    }

    fn put(&self, post: Post) {
        let mut topics = self.topics.lock().unwrap();
        let topic = topics.entry(post.data_id).or_default();
        topic.watchers.retain(|watcher| watcher.send(News(post.value.clone())).is_ok());
        topic.value = Some(post.value);
    }
}

#[cluster_client(rename_all = "camelCase", vis = "pub(crate)")]
impl Interop {
    #[invoke]
    pub(crate) async fn echo(&self, value: Value) -> Value {
        value
    }

    #[invoke]
    pub(crate) async fn add(&self, a: f64, b: f64) -> f64 {
        a + b
    }

    #[invoke]
    pub(crate) async fn nothing(&self) {}

    #[invoke]
    pub(crate) async fn fail(&self, kind: &str) -> Result<(), StoreError> {
        match kind {
            "coded" => Err(StoreError::NotFound("k".to_owned())),
            _ => Err(StoreError::Down { code: 503 }),
        }
    }

    #[invoke]
    pub(crate) async fn fail_typed(&self, kind: &str) -> Result<(), AnyError> {
        let (name, code) = ("Stored".to_owned(), Some("E_STORED".into()));
        Err(AnyError {
            name,
            message: kind.to_owned(),
            code,
            stack: Some("Stored: at 1".to_owned()),
        })
    }

    #[invoke(timeout = "20s")]
    pub(crate) async fn slow(&self, ms: u32) -> u32 {
        self.ran.add("slow", ms);
        tokio::time::sleep(Duration::from_millis(ms.into())).await;
        ms
    }

    #[invoke(timeout = "300ms")]
    pub(crate) async fn never_answers(&self) {
        std::future::pending::<()>().await;
    }

    /// Only Node has callbacks; this is called with one.
    #[invoke]
    pub(crate) async fn callback(&self, value: Value) -> Value {
        value
    }

    #[invoke]
    pub(crate) async fn breaks(&self) {
        panic!("thrown, not returned")
    }

    /// Here, and not in Node.
    #[invoke]
    pub(crate) async fn tick(&self, from: u32, to: u32) {
        for number in from..to {
            let mut tickers = self.tickers.lock().unwrap();
            tickers.retain(|ticker| ticker.send(Tick(number)).is_ok());
        }
    }

    #[invoke(oneway)]
    pub(crate) async fn tell(&self, value: Value) {
        self.ran.add("tell", value);
    }

    #[subscribe(default)]
    pub(crate) async fn watch(&self, reg: Reg) -> Result<Subscription<News>, Error> {
        self.ran.add("watch", reg.data_id.clone());
        let (sender, subscription) = Subscription::channel();
        let (watched, ran, data_id) = (sender.clone(), self.ran.clone(), reg.data_id.clone());
        tokio::spawn(async move {
            watched.closed().await;
            ran.add("unwatch", data_id);
        });
        let mut topics = self.topics.lock().unwrap();
        let topic = topics.entry(reg.data_id).or_default();
        if let Some(value) = &topic.value {
            sender.send(News(value.clone())).unwrap();
        }
        topic.watchers.push(sender);
        Ok(subscription)
    }

    #[subscribe]
    pub(crate) async fn ticks(&self) -> Result<Subscription<Tick>, Error> {
        let (sender, subscription) = Subscription::channel();
        self.tickers.lock().unwrap().push(sender);
        Ok(subscription)
    }

    #[publish(default, key = "post.data_id")]
    pub(crate) async fn announce(&self, post: Post) -> Result<(), Error> {
        self.ran.add("announce", post.value.clone());
        self.put(post);
        Ok(())
    }

    #[publish(event)]
    pub(crate) async fn shout(&self, post: Post) -> Result<(), Error> {
        self.put(post);
        Ok(())
    }

    #[close]
    pub(crate) async fn shut(&self) {
        self.ran.add("close", true);
    }
}
