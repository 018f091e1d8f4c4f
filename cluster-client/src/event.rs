//! Event types, and events on their way from the real client to their subscribers.

use std::any::{Any, type_name};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use cluster_protocol::{Codec, EncodeError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::serve::panic_message;

/// An event type: what a `#[subscribe]` method's [`Subscription`](crate::Subscription) delivers.
///
/// Derive it; the derive says how the events are delivered:
///
/// - `#[subscribe(delivery = "latest")]` (the default): the state of something. A slow subscriber
///   gets the newest value and never an older one after it; a late subscriber gets the last value
///   at once.
/// - `#[subscribe(delivery = "every", capacity = 1024)]`: each value counts. What a subscriber was
///   too slow for is reported as [`Event::Missed`](crate::Event::Missed); nothing is kept for late
///   subscribers.
/// - `#[subscribe(receivers = "one")]`: each value goes to one of the subscribers instead of to all
///   of them; nothing is kept for late subscribers.
/// - `#[subscribe(key)]` on a field, with "latest": the newest value for each value of that field.
///
/// ```
/// use cluster_client::Subscribe;
/// use serde::{Deserialize, Serialize};
///
/// /// The addresses at which a service is found; only the present ones matter.
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
/// struct Instances {
///     #[subscribe(key)]
///     service: String,
///     addresses: Vec<String>,
/// }
///
/// /// A trade; each one matters.
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
/// #[subscribe(delivery = "every", capacity = 4096)]
/// struct Trade {
///     price: u64,
/// }
/// ```
///
/// With "latest", equality decides what a subscriber is told after a change of leader: a first value (of each
/// `#[subscribe(key)]`) that equals the last one read is not delivered again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event type",
    label = "a subscription delivers event types only",
    note = "add `#[derive(cluster_client::Subscribe)]` to `{Self}`"
)]
pub trait Subscribe: Clone + PartialEq + Serialize + DeserializeOwned + Send + 'static {
    /// How events of this type are delivered.
    #[doc(hidden)]
    const OPTIONS: EventOptions;

    /// Whether a field is marked `#[subscribe(key)]`.
    #[doc(hidden)]
    const KEYED: bool = false;

    /// The value of the `#[subscribe(key)]` field.
    #[doc(hidden)]
    fn item_key(&self) -> Option<String> {
        None
    }
}

/// How events of one type are delivered.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventOptions {
    /// What becomes of values for which a subscriber is too slow.
    pub delivery: Delivery,
    /// Who gets a value.
    pub receivers: Receivers,
}

impl EventOptions {
    /// The options as the derive writes them down.
    pub const fn new(delivery: Delivery, receivers: Receivers) -> Self {
        Self { delivery, receivers }
    }

    /// Whether values are kept for subscribers that come later.
    pub(crate) fn retains(self) -> bool {
        self.delivery == Delivery::Latest && self.receivers == Receivers::All
    }
}

/// What is known of the events of a subscription without their type.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Events {
    pub(crate) options: EventOptions,
    /// For the values of a Node leader, which sends no item keys. `None`: events of this type have none.
    pub(crate) item_key: Option<ReadItemKey>,
}

impl Events {
    /// Of an event type.
    pub const fn of<E: Subscribe>() -> Self {
        let item_key = if E::KEYED { Some(read_item_key::<E> as ReadItemKey) } else { None };
        Self { options: E::OPTIONS, item_key }
    }
}

/// What becomes of values for which a subscriber is too slow.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A newer value takes the place of an older one with the same item key.
    Latest,
    /// Values queue up, at most `capacity` of them, and in a follower at most
    /// [`Limits::outbound_bytes`](crate::Limits::outbound_bytes); then the oldest is dropped and counted.
    Every {
        /// How many values may wait for one subscriber, at least 1.
        capacity: usize,
    },
}

/// Who gets a value.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receivers {
    /// Each subscriber.
    All,
    /// One of them.
    One,
}

/// The `#[subscribe(key)]` of a value, as canonical JSON; `None` where the event type has none.
pub(crate) type ItemKey = Option<Arc<str>>;

/// Reads the item key out of an encoded value.
pub(crate) type ReadItemKey = fn(Codec, &[u8]) -> ItemKey;

/// The item key of a value that came without it. Runs the user's code; a value that cannot be read has none, and is an
/// error for whoever reads it.
pub(crate) fn read_item_key<E: Subscribe>(codec: Codec, bytes: &[u8]) -> ItemKey {
    let read = || codec.decode::<E>(bytes).ok()?.item_key();
    // A panic must not end the connection's task.
    catch_unwind(read).ok().flatten().map(Arc::from)
}

/// A value on its way to subscribers, its type erased. Cloning one shares the value.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) key: ItemKey,
    pub(crate) payload: Payload,
    size: usize,
}

/// A value as the real client made it, or as it came over the wire.
#[derive(Clone)]
pub(crate) enum Payload {
    Typed(Arc<dyn EventValue>),
    Encoded { codec: Codec, bytes: Bytes },
}

impl Item {
    /// A value of the real client. Runs the user's code: `item_key`.
    pub(crate) fn typed<E: Subscribe>(value: E) -> Self {
        Self {
            key: value.item_key().map(Arc::from),
            payload: Payload::Typed(Arc::new(Mutex::new(value))),
            size: 0,
        }
    }

    /// A value as a leader pushed it.
    pub(crate) fn encoded(key: ItemKey, codec: Codec, bytes: Bytes) -> Self {
        let size = bytes.len();
        Self { key, payload: Payload::Encoded { codec, bytes }, size }
    }

    /// The same item, known to have so many bytes when it is encoded.
    pub(crate) fn sized(&self, size: usize) -> Self {
        Self { size, ..self.clone() }
    }

    /// Its bytes when it is encoded, as far as they are known: a value that never was encoded counts as none.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The value itself: decoded, or moved out of the item, or cloned if the item is shared.
    pub(crate) fn into_value<E: Subscribe>(self) -> Result<E, Error> {
        let failed = |message: String| Error::Decode {
            what: format!("event `{}`", type_name::<E>()),
            message,
        };
        match self.payload {
            Payload::Encoded { codec, bytes } => {
                codec.decode(&bytes).map_err(|error| failed(error.to_string()))
            }
            Payload::Typed(value) => {
                let value = value.into_any().downcast::<Mutex<E>>();
                let value = value.map_err(|_| failed("the value is of another type".to_owned()))?;
                Ok(match Arc::try_unwrap(value) {
                    Ok(own) => own.into_inner().unwrap_or_else(PoisonError::into_inner),
                    Err(shared) => shared.lock().unwrap_or_else(PoisonError::into_inner).clone(),
                })
            }
        }
    }
}

/// A value of some event type.
///
/// Implemented for a mutex around the value: that makes it shareable between threads though event
/// types need not be `Sync`, and so an item can be cloned without the user's `Clone`. Poison is
/// ignored, since the lock is never held for a change.
pub(crate) trait EventValue: Send + Sync {
    fn encode(&self, codec: Codec, out: &mut Vec<u8>) -> Result<(), EncodeError>;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<E: Subscribe> EventValue for Mutex<E> {
    fn encode(&self, codec: Codec, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let event = self.lock().unwrap_or_else(PoisonError::into_inner);
        // A panic must not end the task that reads the other events.
        catch_unwind(AssertUnwindSafe(|| codec.encode(&*event, out))).unwrap_or_else(|panic| {
            let message = format!("its `Serialize` panicked: {}", panic_message(&*panic));
            Err(EncodeError::Value { codec: codec.name(), message })
        })
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::testing::{Latest, Quote, Trade};

    #[test]
    fn a_value_is_the_same_by_bytes_and_by_hand() {
        let item = Item::typed(Latest(7));
        let Payload::Typed(value) = &item.payload else { panic!("made from a value") };
        let mut bytes = Vec::new();
        value.encode(Codec::Json, &mut bytes).unwrap();
        let encoded = Item::encoded(None, Codec::Json, Bytes::from(bytes));
        assert_eq!(encoded.size(), 1);
        assert_eq!(encoded.into_value::<Latest>().unwrap(), Latest(7));
        assert_eq!(item.clone().into_value::<Latest>().unwrap(), Latest(7), "shared: cloned");
        assert_eq!(item.into_value::<Latest>().unwrap(), Latest(7), "the last one: moved");
    }

    #[test]
    fn an_item_carries_the_key_of_its_value() {
        assert_eq!(Item::typed(Quote::new("ACME", 1)).key.as_deref(), Some("ACME"));
        assert_eq!(Item::typed(Latest(1)).key, None);
    }

    #[test]
    fn what_cannot_be_decoded_is_an_error_that_names_the_type() {
        let garbage = Item::encoded(None, Codec::Json, Bytes::from_static(b"{"));
        let wrong_type = Item::typed(Trade(1));
        for item in [garbage, wrong_type] {
            let error = item.into_value::<Latest>().unwrap_err();
            assert!(
                matches!(&error, Error::Decode { what, .. } if what.contains("Latest")),
                "{error:?}"
            );
        }
    }

    #[test]
    fn the_item_key_of_encoded_bytes_is_that_of_the_value() {
        let read = Events::of::<Quote>().item_key.unwrap();
        let mut bytes = Vec::new();
        Codec::SerializeJson.encode(&Quote::new("ACME", 1), &mut bytes).unwrap();
        assert_eq!(read(Codec::SerializeJson, &bytes).as_deref(), Some("ACME"));
        assert_eq!(read(Codec::SerializeJson, b"no quote"), None);
        assert!(Events::of::<Latest>().item_key.is_none());
    }

    #[test]
    fn only_the_latest_value_for_all_is_retained() {
        let every = Delivery::Every { capacity: 1 };
        assert!(EventOptions::new(Delivery::Latest, Receivers::All).retains());
        assert!(!EventOptions::new(Delivery::Latest, Receivers::One).retains());
        assert!(!EventOptions::new(every, Receivers::All).retains());
    }
}
