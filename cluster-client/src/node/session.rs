//! What a follower of a Node leader keeps for one connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{NodeInterface, NodeKeys};
use crate::error::Error;
use crate::event::ReadItemKey;
use crate::service::MethodInfo;

/// The methods as the leader sees them, and the keys of what this process is subscribed to there.
#[derive(Clone, Debug)]
pub(crate) struct NodeSession {
    interface: Arc<NodeInterface>,
    keys: Arc<Mutex<NodeKeys>>,
}

impl NodeSession {
    pub(crate) fn new(interface: Arc<NodeInterface>) -> Self {
        Self { interface, keys: Arc::default() }
    }

    /// For each method, why the leader cannot be asked for it. Whether it has the method at all, a Node leader does not
    /// say.
    pub(crate) fn check(&self, methods: &[MethodInfo]) -> Box<[Option<Error>]> {
        let methods = methods.iter().enumerate();
        methods.map(|(method, info)| self.interface.check(method, info).err()).collect()
    }

    /// How to publish, where the leader is not asked by a call.
    pub(crate) fn publish_object(&self, method: usize) -> Option<&[u8]> {
        self.interface.publish_object(method)
    }

    /// How to read the item key of an event, which the leader does not send; `None` if it has none. All subscriptions
    /// there are of one method.
    pub(crate) fn item_key(&self, methods: &[MethodInfo]) -> Option<ReadItemKey> {
        methods.get(self.interface.subscribe()?)?.item_key
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, NodeKeys> {
        // A panic while it is held leaves nothing half done.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
