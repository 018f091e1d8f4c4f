//! The real client that the recorded packets were meant for.

use std::sync::Mutex;

use cluster_client::{
    Error, LeaderContext, Subscribe, Subscription, SubscriptionSender, Value, cluster_client,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Watched {
    pub(crate) data_id: String,
    pub(crate) group: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Published {
    pub(crate) data_id: String,
    pub(crate) publish_data: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) ip: String,
    pub(crate) port: u16,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct Addresses(pub(crate) Vec<Address>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct All {
    pub(crate) a: u8,
}

#[derive(Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub(crate) enum RegistryError {
    #[error("no {0} at all")]
    Nothing(String),
    #[error(transparent)]
    Cluster(#[from] Error),
}

pub(crate) struct Registry {
    published: mpsc::UnboundedSender<Published>,
    watchers: Mutex<Vec<SubscriptionSender<Addresses>>>,
}

impl Registry {
    /// And what is published to it.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Published>) {
        let (published, seen) = mpsc::unbounded_channel();
        (Self { published, watchers: Mutex::default() }, seen)
    }
}

#[cluster_client(name = "RegistryClient", rename_all = "camelCase", vis = "pub(crate)")]
impl Registry {
    #[invoke]
    pub(crate) async fn get_all(&self) -> Result<All, RegistryError> {
        Ok(All { a: 1 })
    }

    /// Answers nothing to nothing.
    #[invoke]
    pub(crate) async fn get_data(
        &self,
        id: Option<String>,
        options: Option<Value>,
    ) -> Result<Value, RegistryError> {
        match (id, options) {
            (None, None) => Ok(Value::Undefined),
            (Some(id), None) => Err(RegistryError::Nothing(id)),
            (_, Some(options)) => Ok(options),
        }
    }

    #[subscribe]
    pub(crate) async fn watch(
        &self,
        _watched: Watched,
    ) -> Result<Subscription<Addresses>, RegistryError> {
        let (sender, subscription) = Subscription::channel();
        let _ = sender.send(Addresses(vec![Address { ip: "10.0.0.1".into(), port: 12200 }]));
        self.watchers.lock().unwrap().push(sender);
        Ok(subscription)
    }

    #[publish]
    pub(crate) async fn register(&self, published: Published) -> Result<(), RegistryError> {
        let _ = self.published.send(published);
        Ok(())
    }
}

/// Of a member that must not lead.
pub(crate) async fn nobody(_: LeaderContext) -> Result<Registry, Error> {
    panic!("the leader is the recording");
}
