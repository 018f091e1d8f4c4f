//! The sending half of a subscription, for real clients.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{CloseReason, Deliver, Inbox};
use crate::event::{Item, Subscribe};

/// Sends the events of a [`Subscription`](super::Subscription); see
/// [`Subscription::channel`](super::Subscription::channel).
///
/// Clones send to the same subscription, which ends when the last of them is dropped.
///
/// ```
/// use cluster_client::{Subscribe, Subscription};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
/// struct Price(u64);
///
/// /// What a `#[subscribe]` method of a real client looks like.
/// async fn watch() -> Subscription<Price> {
///     let (sender, subscription) = Subscription::channel();
///     tokio::spawn(async move {
///         let mut price = 0;
///         while sender.send(Price(price)).is_ok() {
///             price += 1;
///             tokio::task::yield_now().await;
///         }
///     });
///     subscription
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut prices = watch().await;
/// let first = prices.next().await.unwrap();
/// assert!(prices.next().await.unwrap().0 > first.0);
/// # }
/// ```
pub struct SubscriptionSender<E> {
    open: Arc<Open>,
    _sends: PhantomData<fn(E)>,
}

/// Held by all clones of a sender.
struct Open(Arc<Inbox>);

/// Nobody listens any more. Gives the value back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the subscription was dropped")]
pub struct SendError<E>(pub E);

impl<E: Subscribe> SubscriptionSender<E> {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Self { open: Arc::new(Open(inbox)), _sends: PhantomData }
    }

    /// Sends a value, without ever waiting: what becomes of values that come too fast is up to the
    /// event type, see [`Subscribe`].
    ///
    /// # Errors
    ///
    /// [`SendError`], if nobody listens any more. `Ok` does not mean that somebody will read the
    /// value.
    pub fn send(&self, value: E) -> Result<(), SendError<E>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        self.open.0.deliver(Item::typed(value));
        Ok(())
    }
}

impl<E> SubscriptionSender<E> {
    /// Waits until nobody listens any more. Cancel safe.
    ///
    /// Between the last subscriber in all processes and this there is a short pause, in case
    /// another one comes.
    pub async fn closed(&self) {
        self.open.0.abandoned().await;
    }

    /// Whether nobody listens any more.
    pub fn is_closed(&self) -> bool {
        self.open.0.is_closed()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close(CloseReason::Ended);
    }
}

impl<E> Clone for SubscriptionSender<E> {
    fn clone(&self) -> Self {
        Self { open: self.open.clone(), _sends: PhantomData }
    }
}

impl<E> fmt::Debug for SubscriptionSender<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionSender").field("closed", &self.is_closed()).finish()
    }
}

/// Without the value, so that `unwrap` needs no `Debug` of it.
impl<E> fmt::Debug for SendError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}
