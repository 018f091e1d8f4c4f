//! A connection to a leader that is ready, with what was learned about it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cluster_protocol::ConnObject;
use serde::Deserialize;

use crate::error::Error;
use crate::interface::{self, MethodDescription};
use crate::member::Member;
use crate::node::{NodeSession, Peer};
use crate::runtime::link::LeaderLink;
use crate::session::unsubscribes::Unsubscribes;

/// A connection to a leader that is ready.
pub struct Session {
    pub(crate) link: Arc<LeaderLink>,
    /// For each method, how it differs from the leader's.
    mismatches: Box<[Option<Error>]>,
    /// The leader is a Node process.
    pub(crate) node: Option<NodeSession>,
    unsubscribes: Arc<SharedUnsubscribes>,
}

impl Session {
    /// `interface` is what the leader says that it has.
    pub(super) fn new(
        member: &Member,
        link: Arc<LeaderLink>,
        interface: &[u8],
        node: Option<NodeSession>,
        unsubscribes: Arc<SharedUnsubscribes>,
    ) -> Arc<Self> {
        let mismatches = match &node {
            None => compare(member, interface),
            Some(node) => node.check(&member.methods),
        };
        Arc::new(Self { link, mismatches, node, unsubscribes })
    }

    /// Who leads.
    pub(crate) fn leader(&self) -> Peer {
        if self.node.is_some() { Peer::Node } else { Peer::Rust }
    }

    /// Whether the leader has this method as we know it.
    pub(crate) fn check(&self, method: usize) -> Result<(), Error> {
        self.mismatches.get(method).cloned().flatten().map_or(Ok(()), Err)
    }

    /// Tells the leader that nobody here reads the key any more.
    pub(crate) fn unsubscribe(&self, key: &str) {
        let conn = match &self.node {
            None => {
                self.unsubscribes.lock().sent(key);
                Some(ConnObject::UnSubscribe { key: key.into(), reg: None }.to_bytes())
            }
            // A Node leader does not say that it has read it.
            Some(node) => node.keys().unsubscribe(key),
        };
        let sent = conn.map(|conn| self.link.send_control(&conn));
        // A link that is closed has nothing to be unsubscribed from, and a key that is too long was not subscribed to.
        if sent.is_some_and(|sent| sent.is_err()) {
            self.unsubscribes.lock().confirmed(key);
        }
    }

    /// Of how many keys that nobody reads any more the leader has yet to say that it knows.
    pub(crate) fn unconfirmed_unsubscribes(&self) -> usize {
        self.unsubscribes.lock().len()
    }
}

/// Of one connection, and of all sessions on it.
#[derive(Default)]
pub(super) struct SharedUnsubscribes(Mutex<Unsubscribes>);

impl SharedUnsubscribes {
    /// A panic while it is held leaves nothing half done.
    pub(super) fn lock(&self) -> MutexGuard<'_, Unsubscribes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Interface {
    interface: Vec<MethodDescription>,
}

fn compare(member: &Member, data: &[u8]) -> Box<[Option<Error>]> {
    // A leader that describes nothing has none of our methods.
    let theirs =
        serde_json::from_slice(data).unwrap_or(Interface { interface: Vec::new() }).interface;
    let mismatch = |mine: &MethodDescription| {
        compare_with(mine, theirs.iter().find(|method| method.name == mine.name))
    };
    member.interface.iter().map(mismatch).collect()
}

fn compare_with(mine: &MethodDescription, theirs: Option<&MethodDescription>) -> Option<Error> {
    match theirs {
        Some(theirs) => interface::compare(mine, theirs),
        None => Some(interface::missing(mine)),
    }
}
