//! A member of either kind, and what it does in the words of the scenarios.

use std::fmt::Debug;

use cluster_client::{Role, Value};
use serde_json::{Value as Json, json};

use crate::listener::Listener;
use crate::node::{Failure, Peer};
use crate::registry::{Failed, Provider, Reg, RegistryProxy};
use crate::soon;

pub(crate) enum Member {
    Rust(RegistryProxy),
    Node(Peer),
}

impl Member {
    pub(crate) fn leads(&self) -> bool {
        match self {
            Self::Rust(proxy) => proxy.membership().role() == Role::Leader,
            Self::Node(peer) => peer.leads(),
        }
    }

    /// Waits until it leads.
    pub(crate) async fn takes_over(&self) {
        match self {
            Self::Rust(proxy) => {
                let mut roles = proxy.membership().role_changes();
                while soon(roles.next()).await.expect("the member is open") != Role::Leader {}
            }
            Self::Node(peer) => {
                peer.event(0, "role", |line| (line["leads"] == true).then_some(()));
            }
        }
    }

    pub(crate) async fn listen(&self, key: &str) -> Listener {
        match self {
            Self::Rust(proxy) => {
                let reg = Reg { key: key.to_owned() };
                Listener::rust(soon(proxy.watch(reg)).await.unwrap())
            }
            Self::Node(peer) => Listener::node(peer, "subscribe", key),
        }
    }

    pub(crate) async fn publish(&self, key: &str, value: &str) {
        match self {
            Self::Rust(proxy) => soon(proxy.publish(provider(key, value))).await.unwrap(),
            Self::Node(peer) => peer.send("publish", &node_provider(key, value)),
        }
    }

    pub(crate) async fn unpublish(&self, key: &str, value: &str) {
        match self {
            Self::Rust(proxy) => soon(proxy.un_publish(provider(key, value))).await.unwrap(),
            Self::Node(peer) => peer.send("unPublish", &node_provider(key, value)),
        }
    }

    pub(crate) async fn get(&self, id: &str) -> Result<String, Said> {
        match self {
            Self::Rust(proxy) => soon(proxy.get(id.to_owned())).await.map_err(Said::by_rust),
            Self::Node(peer) => text(peer.call("get", &[json!(id)])),
        }
    }

    pub(crate) async fn promise(&self, id: &str) -> Result<String, Said> {
        match self {
            Self::Rust(proxy) => soon(proxy.promise(id.to_owned())).await.map_err(Said::by_rust),
            Self::Node(peer) => text(peer.call("promise", &[json!(id)])),
        }
    }

    pub(crate) async fn callback(&self, id: &str) -> Result<String, Said> {
        match self {
            Self::Rust(proxy) => soon(proxy.callback(id.to_owned())).await.map_err(Said::by_rust),
            Self::Node(peer) => {
                text(peer.ask("callBack", json!({ "method": "callback", "args": [id] })))
            }
        }
    }

    pub(crate) async fn breaks(&self) -> Result<String, Said> {
        match self {
            Self::Rust(proxy) => soon(proxy.breaks()).await.map_err(Said::by_rust),
            Self::Node(peer) => text(peer.call("breaks", &[])),
        }
    }

    /// Which real client of its process the leader has, and how often that was asked for a subscription.
    pub(crate) async fn count(&self) -> (u32, usize) {
        match self {
            Self::Rust(proxy) => soon(proxy.count()).await.unwrap(),
            Self::Node(peer) => serde_json::from_value(peer.call("count", &[]).unwrap()).unwrap(),
        }
    }

    /// Goes to the leader and comes back, after all that the leader has pushed before.
    pub(crate) async fn round_trip(&self) {
        match self {
            Self::Rust(proxy) => drop(soon(proxy.echo(Value::Null)).await.unwrap()),
            Self::Node(peer) => drop(peer.call("echo", &[Json::Null]).unwrap()),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Rust(proxy) => soon(proxy.membership().close()).await,
            Self::Node(peer) => peer.close(),
        }
    }

    pub(crate) fn rust(&self) -> &RegistryProxy {
        match self {
            Self::Rust(proxy) => proxy,
            Self::Node(_) => panic!("it is a Node process"),
        }
    }

    pub(crate) fn node(&self) -> &Peer {
        match self {
            Self::Node(peer) => peer,
            Self::Rust(_) => panic!("it is in this process"),
        }
    }
}

/// What an error says, whichever kind it came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Said(pub(crate) String);

impl Said {
    /// A method's own error, typed or Node's.
    fn by_rust(error: Failed) -> Self {
        match error {
            Failed::Cluster(cluster_client::Error::NodeError { message, .. }) => Self(message),
            error => Self(error.to_string()),
        }
    }
}

pub(crate) fn mock_error<T>() -> Result<T, Said> {
    Err(Said("mock error".to_owned()))
}

pub(crate) fn text(result: Result<Json, Failure>) -> Result<String, Said> {
    match result {
        Ok(value) => Ok(value.as_str().expect("a text").to_owned()),
        Err(failure) => Err(Said(failure.message)),
    }
}

pub(crate) fn provider(key: &str, value: &str) -> Provider {
    Provider { key: key.to_owned(), value: value.to_owned() }
}

/// In the notation of the vectors.
pub(crate) fn node_provider(key: &str, value: &str) -> Json {
    json!({ "$": "object", "v": [["key", key], ["value", value]] })
}

pub(crate) fn node_reg(key: &str) -> Json {
    json!({ "$": "object", "v": [["key", key]] })
}
