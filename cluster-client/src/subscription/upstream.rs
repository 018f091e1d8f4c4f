//! A real client's subscription as its leader reads it.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{Event, Subscription};
use crate::event::{Item, Subscribe};

/// What a leader reads from its real client, whatever the event type. It ends when the real
/// client's subscription does.
pub(crate) type Upstream = Pin<Box<dyn Stream<Item = UpstreamEvent> + Send>>;

/// A value, always [`Payload::Typed`](crate::event::Payload::Typed), or a notice.
pub(crate) type UpstreamEvent = Event<Item>;

impl<E: Subscribe> Subscription<E> {
    /// The subscription with its type erased. Dropping it unsubscribes.
    pub(crate) fn into_upstream(self) -> Upstream {
        Box::pin(Erased(self))
    }
}

struct Erased<E>(Subscription<E>);

impl<E: Subscribe> Stream for Erased<E> {
    type Item = UpstreamEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<UpstreamEvent>> {
        // A member's own handle, passed on by a real client that itself uses a proxy: its values
        // may be encoded, and may be repetitions.
        if self.0.guard.is_some() {
            return self.0.poll_event(cx).map(|event| event.map(erase));
        }
        self.0.poll_item(cx)
    }
}

fn erase<E: Subscribe>(event: Event<E>) -> UpstreamEvent {
    match event {
        Event::Value(value) => Event::Value(Item::typed(value)),
        Event::Missed(count) => Event::Missed(count),
        Event::Resynced => Event::Resynced,
    }
}
