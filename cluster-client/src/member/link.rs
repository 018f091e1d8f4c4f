//! How a member reaches the real client right now.

use std::sync::Arc;

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
