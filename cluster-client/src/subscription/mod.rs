//! Subscriptions: what a `#[subscribe]` method returns, in the real client and on a proxy alike.
//!
//! # Layout
//!
//! | | |
//! |---|---|
//! | `queue` | the bounded queue with which everything here begins: conflation, order, what was missed |
//! | `inbox` | the queue of one handle, with its reader's waker |
//! | `seen` | what a handle was given last, so that a new leader does not repeat it |
//! | `sender` | the sending half for real clients |
//! | `upstream` | a real client's subscription as its leader reads it |

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::error::Error;
use crate::event::{Delivery, Item, Subscribe};
use crate::limits::Limits;

mod inbox;
pub(crate) mod queue;
mod seen;
mod sender;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod upstream;

pub(crate) use self::inbox::{Deliver, Inbox};
use self::seen::Seen;
pub use self::sender::{SendError, SubscriptionSender};
pub(crate) use self::upstream::{Upstream, UpstreamEvent};

/// The events of one subscription, as a [`Stream`] of values.
///
/// It is what a `#[subscribe]` method returns. The real client makes one with
/// [`Subscription::channel`] or [`Subscription::from_stream`]; what users of a proxy get is another
/// one, which outlives every change of leader.
///
/// Reading is cancel safe: [`next`](Self::next) and [`next_event`](Self::next_event) take an event
/// only when they return it. A reader that is too slow holds up nobody; what becomes of the events
/// it cannot follow is up to the event type, see [`Subscribe`]. Dropping the subscription
/// unsubscribes. It is `Send` and not `Sync`: one task reads it at a time.
///
/// ```
/// use cluster_client::{Subscribe, Subscription};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
/// struct Price(u64);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (sender, mut prices) = Subscription::channel();
/// sender.send(Price(1)).unwrap();
/// sender.send(Price(2)).unwrap();
/// assert_eq!(prices.next().await, Some(Price(2)), "by default only the newest value matters");
///
/// drop(prices);
/// sender.closed().await;
/// # }
/// ```
#[must_use = "dropping a subscription unsubscribes"]
pub struct Subscription<E> {
    /// `None` once the subscription has ended.
    source: Option<Source<E>>,
    /// Of a member's handle: its drop unsubscribes.
    guard: Option<Box<dyn Any + Send + Sync>>,
    /// Of a member's handle, if only the latest value matters.
    seen: Option<Seen>,
    ended: Option<CloseReason>,
}

enum Source<E> {
    Inbox(Arc<Inbox>),
    Stream(Pin<Box<dyn Stream<Item = E> + Send>>),
}

/// What [`Subscription::next_event`] yields: a value, or what there is to know about the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<E> {
    /// A value of the real client.
    Value(E),
    /// So many values were dropped here because somebody on their way, most often the reader, was
    /// too slow.
    Missed(u64),
    /// Whoever serves this process now was subscribed to anew: another leader, the same one on a new connection, or a client of
    /// its own. Values in between may be missing. With `delivery = "latest"`, a first value that equals the last one read is not
    /// repeated.
    Resynced,
}

/// Why a subscription has ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The real client ended it.
    Ended,
    /// This member of the cluster was closed.
    Closed,
    /// It cannot go on: its method differs at the new leader, which may also have no room for it, or an event could not be
    /// decoded.
    Failed(Error),
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the real client ended the subscription"),
            Self::Closed => f.write_str("this member was closed"),
            Self::Failed(error) => write!(f, "the subscription failed: {error}"),
        }
    }
}

impl<E: Subscribe> Subscription<E> {
    /// A sender for the real client, and the subscription that it returns.
    ///
    /// The subscription ends, with [`CloseReason::Ended`], when the last clone of the sender is
    /// dropped: keep one for as long as there may be events, best in the task that makes them, see
    /// [`SubscriptionSender`].
    ///
    /// Between the two as many values wait as the event type's `capacity` says or, where only the latest of each key
    /// counts, of so many keys as [`Limits::retained_items`] is by default, whatever the limits of the member are. What is
    /// sent in one go beyond that is announced as [`Event::Missed`].
    pub fn channel() -> (SubscriptionSender<E>, Self) {
        let inbox = Arc::new(Inbox::new(E::OPTIONS.delivery, &Limits::default()));
        (SubscriptionSender::new(inbox.clone()), Self::new(Source::Inbox(inbox)))
    }

    /// A subscription to what a stream yields. It ends, with [`CloseReason::Ended`], when the
    /// stream does.
    ///
    /// The stream is polled by whoever reads the subscription: a leader, which never waits for slow
    /// subscribers.
    ///
    /// ```
    /// # use cluster_client::{Subscribe, Subscription};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
    /// # struct Price(u64);
    /// # fn subscribe(prices: impl futures_core::Stream<Item = Price> + Send + 'static) {
    /// let subscription = Subscription::from_stream(prices);
    /// # }
    /// ```
    pub fn from_stream(stream: impl Stream<Item = E> + Send + 'static) -> Self {
        Self::new(Source::Stream(Box::pin(stream)))
    }

    /// A member's handle. It reads `inbox`; dropping `guard` unsubscribes.
    pub(crate) fn from_inbox(inbox: Arc<Inbox>, guard: Box<dyn Any + Send + Sync>) -> Self {
        let latest = E::OPTIONS.delivery == Delivery::Latest;
        let seen = latest.then(|| Seen::new(inbox.bounds()));
        let source = Some(Source::Inbox(inbox));
        Self { source, guard: Some(guard), seen, ended: None }
    }

    fn new(source: Source<E>) -> Self {
        Self { source: Some(source), guard: None, seen: None, ended: None }
    }

    /// The next value, or `None` when the subscription has ended. Cancel safe.
    pub async fn next(&mut self) -> Option<E> {
        poll_fn(|cx| self.poll_value(cx)).await
    }

    /// The next value or notice, or `None` when the subscription has ended. Cancel safe.
    ///
    /// ```
    /// use cluster_client::{CloseReason, Event, Subscribe, Subscription};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
    /// #[subscribe(delivery = "every", capacity = 2)]
    /// struct Trade(u64);
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (sender, mut trades) = Subscription::channel();
    /// for price in 1..=5 {
    ///     sender.send(Trade(price)).unwrap();
    /// }
    /// drop(sender);
    /// assert_eq!(trades.next_event().await, Some(Event::Missed(3)));
    /// assert_eq!(trades.next_event().await, Some(Event::Value(Trade(4))));
    /// assert_eq!(trades.next_event().await, Some(Event::Value(Trade(5))));
    /// assert_eq!(trades.next_event().await, None);
    /// assert_eq!(trades.close_reason(), Some(CloseReason::Ended));
    /// # }
    /// ```
    pub async fn next_event(&mut self) -> Option<Event<E>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Why the subscription has ended; `None` as long as it has not, that is, until
    /// [`next`](Self::next) or [`next_event`](Self::next_event) returned `None`.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.ended.clone()
    }

    fn poll_value(&mut self, cx: &mut Context<'_>) -> Poll<Option<E>> {
        loop {
            match ready!(self.poll_event(cx)) {
                Some(Event::Value(value)) => return Poll::Ready(Some(value)),
                Some(Event::Missed(_) | Event::Resynced) => {}
                None => return Poll::Ready(None),
            }
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event<E>>> {
        loop {
            let Some(event) = ready!(self.poll_item(cx)) else {
                return Poll::Ready(None);
            };
            let event = match event {
                Event::Missed(count) => Event::Missed(count),
                Event::Resynced => {
                    if let Some(seen) = &mut self.seen {
                        seen.resynced();
                    }
                    Event::Resynced
                }
                Event::Value(item) => match self.value(item) {
                    Ok(Some(value)) => Event::Value(value),
                    Ok(None) => continue,
                    Err(error) => {
                        self.end(CloseReason::Failed(error));
                        return Poll::Ready(None);
                    }
                },
            };
            return Poll::Ready(Some(event));
        }
    }

    /// The next value as it came: not decoded, and perhaps a repetition.
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event<Item>>> {
        let reason = match &mut self.source {
            None => return Poll::Ready(None),
            Some(Source::Inbox(inbox)) => match ready!(inbox.poll_pop(cx)) {
                Ok(event) => return Poll::Ready(Some(event)),
                Err(reason) => reason,
            },
            Some(Source::Stream(stream)) => match ready!(stream.as_mut().poll_next(cx)) {
                Some(value) => return Poll::Ready(Some(Event::Value(Item::typed(value)))),
                None => CloseReason::Ended,
            },
        };
        self.end(reason);
        Poll::Ready(None)
    }

    /// The value of an item, or `None` for a repetition.
    fn value(&mut self, item: Item) -> Result<Option<E>, Error> {
        match &mut self.seen {
            Some(seen) => seen.admit(item),
            None => item.into_value().map(Some),
        }
    }
}

impl<E> Subscription<E> {
    fn end(&mut self, reason: CloseReason) {
        self.ended = Some(reason);
        self.release();
    }

    /// Unsubscribes.
    fn release(&mut self) {
        if let Some(Source::Inbox(inbox)) = self.source.take() {
            inbox.abandon();
        }
        self.guard = None;
        self.seen = None;
    }
}

impl<E> Drop for Subscription<E> {
    fn drop(&mut self) {
        self.release();
    }
}

impl<E: Subscribe> Stream for Subscription<E> {
    type Item = E;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<E>> {
        self.poll_value(cx)
    }
}

impl<E> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("ended", &self.ended).finish_non_exhaustive()
    }
}
