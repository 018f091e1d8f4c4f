//! How a member reaches the real client right now.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::error::Error;
use crate::runtime::following::Session;
use crate::runtime::leader::Leadership;

#[derive(Clone)]
pub enum Link {
    /// There is no leader, or it is not ready.
    Electing,
    /// The real client is in this process.
    Leading(Arc<Leadership>),
    /// It is in another one.
    Following(Arc<Session>),
    /// There is a leader, which could not build its real client.
    Failed(Error),
    /// The member was closed.
    Closed,
}

impl Link {
    /// Whether both are the same leadership or connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Leading(one), Self::Leading(other)) => Arc::ptr_eq(one, other),
            (Self::Following(one), Self::Following(other)) => Arc::ptr_eq(one, other),
            (Self::Electing, Self::Electing) | (Self::Closed, Self::Closed) => true,
            (Self::Failed(one), Self::Failed(other)) => one == other,
            _ => false,
        }
    }
}

/// The present link, for those who wait for another one.
///
/// They are woken in the order in which they came, which is also that in which they call: of a watch channel that would be
/// left to chance.
pub(super) struct PresentLink {
    link: RwLock<Link>,
    changed: Notify,
}

impl PresentLink {
    pub(super) fn new(link: Link) -> Self {
        Self { link: RwLock::new(link), changed: Notify::new() }
    }

    pub(super) fn get(&self) -> Link {
        self.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it is this one.
    pub(super) fn is(&self, other: &Link) -> bool {
        self.link.read().unwrap_or_else(PoisonError::into_inner).is(other)
    }

    /// Puts `link` in its place, where `replaces` says so of the present one. Returns whether it did.
    pub(super) fn replace(&self, link: Link, replaces: impl FnOnce(&Link) -> bool) -> bool {
        let mut present = self.link.write().unwrap_or_else(PoisonError::into_inner);
        if !replaces(&present) {
            return false;
        }
        let former = std::mem::replace(&mut *present, link);
        drop(present);
        self.changed.notify_waiters();
        // May be the last that holds a leadership or a connection, whose end is not for those to wait for who look.
        drop(former);
        true
    }

    /// Resolves at the next change after this.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }
}
