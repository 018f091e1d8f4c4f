//! A listener of either kind: each hears the values of its list one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use cluster_client::Subscription;
use serde_json::json;

use crate::member::node_reg;
use crate::node::Peer;
use crate::registry::List;
use crate::soon;

pub(crate) enum Listener {
    Rust(Subscription<List>),
    Node(Ear),
}

pub(crate) struct Ear {
    peer: Peer,
    name: String,
    key: String,
    /// How many lines of its process it has gone through.
    from: usize,
}

impl Listener {
    pub(crate) fn rust(subscription: Subscription<List>) -> Self {
        Self::Rust(subscription)
    }

    /// `command`: how it subscribes.
    pub(crate) fn node(peer: &Peer, command: &str, key: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("listener {}", NEXT.fetch_add(1, Ordering::Relaxed));
        let from = peer.node.now();
        peer.ask(command, json!({ "listener": name, "reg": node_reg(key) })).unwrap();
        Self::Node(Ear { peer: peer.clone(), name, key: key.to_owned(), from })
    }

    /// Waits for this list. Others may come before it.
    pub(crate) async fn hears(&mut self, list: &[&str]) {
        match self {
            Self::Rust(subscription) => {
                while soon(subscription.next()).await.expect("it goes on").0 != list {}
            }
            Self::Node(ear) => ear.from = ear.peer.hears_at(ear.from, &ear.name, &json!(list)) + 1,
        }
    }

    /// That there is nothing more, after a round trip to the leader.
    pub(crate) async fn has_heard_all(&mut self) {
        match self {
            Self::Rust(subscription) => {
                let next = tokio::time::timeout(std::time::Duration::ZERO, subscription.next());
                let next = next.await;
                assert!(next.is_err(), "{next:?}");
            }
            Self::Node(ear) => {
                let heard = ear.peer.heard(ear.from, &ear.name);
                assert!(heard.is_empty(), "{heard:?}");
            }
        }
    }

    /// How many lists a Node listener has heard since the last that was waited for.
    pub(crate) fn heard(&self) -> usize {
        match self {
            Self::Rust(_) => unreachable!("it takes them one by one"),
            Self::Node(ear) => ear.peer.heard(ear.from, &ear.name).len(),
        }
    }

    /// Ends this one listener, which must get nothing from then on.
    pub(crate) fn unsubscribe(self) -> Unsubscribed {
        Unsubscribed(match self {
            Self::Rust(_) => None,
            Self::Node(mut ear) => {
                ear.peer.unsubscribe(Some(&ear.name), &node_reg(&ear.key));
                ear.from = ear.peer.node.now();
                Some(ear)
            }
        })
    }
}

/// In Rust there is no handle any more that could get something.
pub(crate) struct Unsubscribed(Option<Ear>);

impl Unsubscribed {
    /// After a round trip to the leader.
    pub(crate) fn has_heard_nothing(&self) {
        if let Some(ear) = &self.0 {
            let heard = ear.peer.heard(ear.from, &ear.name);
            assert!(heard.is_empty(), "{heard:?}");
        }
    }
}
