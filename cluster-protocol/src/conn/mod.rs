//! The connection object: what a packet is about. Only this module knows the wire names.
//!
//! Messages of the npm original keep its names, its fields and their order. What is ours travels in fields
//! that Node ignores, and in message types that are only sent to a peer that announced itself by [`Hello`]
//! or [`Welcome`].

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::DecodeError;

mod fields;
mod handshake;

pub use handshake::{ChannelState, Hello, Welcome};

/// The connection object of a call, as a `&'static str`: `invoke_object!(method, argument count, one-way)`.
///
/// The same bytes as those of [`ConnObject::Invoke`] without a call id. The arguments are literals; the
/// method's name holds neither `"` nor `\` nor control characters.
///
/// ```
/// assert_eq!(
///     cluster_protocol::invoke_object!("lookup", 1, false),
///     r#"{"type":"invoke","method":"lookup","argLength":1,"oneway":false}"#
/// );
/// ```
#[macro_export]
macro_rules! invoke_object {
    ($method:literal, $count:literal, $oneway:literal) => {
        ::core::concat!(
            "{\"type\":\"invoke\",\"method\":\"",
            $method,
            "\",\"argLength\":",
            $count,
            ",\"oneway\":",
            $oneway,
            "}"
        )
    };
}

/// A connection object made by [`invoke_object!`], with the number that its call has kept since it was sent first.
///
/// ```
/// use cluster_protocol::{invoke_object, object_with_call};
///
/// assert_eq!(
///     object_with_call(invoke_object!("lookup", 1, false), 7),
///     r#"{"type":"invoke","method":"lookup","argLength":1,"oneway":false,"call":7}"#
/// );
/// ```
#[must_use]
pub fn object_with_call(object: &str, call: u64) -> String {
    let open = object.strip_suffix('}').unwrap_or(object);
    format!("{open},\"call\":{call}}}")
}

/// The same, of a publication that is made again at another leader than the first time.
///
/// ```
/// use cluster_protocol::{invoke_object, object_to_restore};
///
/// assert_eq!(
///     object_to_restore(invoke_object!("register", 1, false), 7),
///     r#"{"type":"invoke","method":"register","argLength":1,"oneway":false,"call":7,"restore":true}"#
/// );
/// ```
#[must_use]
pub fn object_to_restore(object: &str, call: u64) -> String {
    let open = object.strip_suffix('}').unwrap_or(object);
    format!("{open},\"call\":{call},\"restore\":true}}")
}

/// The connection object of a result.
pub const RESULT_OK: &str = r#"{"type":"invoke_result","success":true}"#;
/// The connection object of the error that the user's method returned.
pub const RESULT_ERR: &str = r#"{"type":"invoke_result","success":false}"#;
/// The connection object of a heartbeat.
pub const HEARTBEAT: &str = r#"{"type":"heartbeat"}"#;
/// The connection object of the answer to a heartbeat.
pub const HEARTBEAT_RES: &str = r#"{"type":"heartbeat_res"}"#;
/// The connection object of the answer to a push, which a Node leader waits for.
pub const SUBSCRIBE_RESULT_RES: &str = r#"{"type":"subscribe_result_res"}"#;
/// The connection object of a cancellation.
pub const CANCEL: &str = r#"{"type":"cancel"}"#;

/// The connection object of a packet, one variant for each type of message. F is the follower, L the leader.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ConnObject<'a> {
    /// F to L, request: the first packet of a connection.
    RegisterChannel {
        /// The channel to join.
        channel_name: Cow<'a, str>,
        /// Who asks. A Node follower does not say.
        #[serde(skip_serializing_if = "Option::is_none")]
        rs: Option<Hello>,
    },
    /// L to F, response. From a Node leader the data says whether the channel is ready.
    RegisterChannelRes {
        /// Who answers, and how the channel is. A Node leader does not say.
        #[serde(skip_serializing_if = "Option::is_none")]
        rs: Option<Welcome>,
    },
    /// L to F, request: what the answer to `register_channel` said has changed.
    ChannelState {
        /// What it would say now.
        rs: Welcome,
    },
    /// F to L, request: a call. The data is the list of its arguments.
    Invoke {
        /// Wire name of the method.
        method: Cow<'a, str>,
        /// How many arguments the data holds.
        arg_length: u32,
        /// No answer is wanted.
        oneway: bool,
        /// Number of the call within its process, the same for each attempt.
        #[serde(skip_serializing_if = "Option::is_none")]
        call: Option<u64>,
        /// It publishes again what was published to the leader before.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        restore: bool,
    },
    /// L to F, response to a call. The data is the result, the user's error, or a message.
    InvokeResult {
        /// The data is the result. Otherwise it is the user's error, unless there is a failure.
        success: bool,
        /// The call failed before the method returned; the data is a message in UTF-8.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// F to L, request of the same id as the call that nobody waits for any more.
    Cancel,
    /// F to L, request: send what is published under the key. The data is the list of arguments, if there is a
    /// method.
    Subscribe {
        /// Identifies the subscription; pushes carry it.
        key: Cow<'a, str>,
        /// What a Node follower subscribes to, as it wrote it.
        #[serde(skip_serializing_if = "Option::is_none")]
        reg: Option<&'a RawValue>,
        /// Wire name of the method that is asked for the subscription. A Node follower names none.
        #[serde(skip_serializing_if = "Option::is_none")]
        method: Option<Cow<'a, str>>,
        /// How many arguments the data holds.
        #[serde(skip_serializing_if = "Option::is_none")]
        arg_length: Option<u32>,
        /// The follower had this subscription with the leader before.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        restore: bool,
    },
    /// F to L, request: send no more under the key.
    #[serde(rename = "unSubscribe")]
    UnSubscribe {
        /// As in the subscription.
        key: Cow<'a, str>,
        /// As in the subscription.
        #[serde(skip_serializing_if = "Option::is_none")]
        reg: Option<&'a RawValue>,
    },
    /// L to F, request: the end of a subscription was read. What follows under the key belongs to a later one.
    Unsubscribed {
        /// As in the subscription.
        key: Cow<'a, str>,
    },
    /// L to F, request: a push. The data is the value, unless it is an event.
    SubscribeResult {
        /// The key of the subscription.
        key: Cow<'a, str>,
        /// Which of the subscription's items this is the newest value of.
        #[serde(skip_serializing_if = "Option::is_none")]
        item: Option<Cow<'a, str>>,
        /// The epoch of the leadership that pushed it.
        #[serde(skip_serializing_if = "Option::is_none")]
        epoch: Option<u64>,
        /// Something other than a value.
        #[serde(skip_serializing_if = "Option::is_none")]
        event: Option<PushEvent>,
    },
    /// F to L, response: the push has arrived.
    SubscribeResultRes,
    /// L to F, request: another process has published this, or it was undone: forget it.
    PublicationTaken {
        /// Wire name of the publishing method.
        method: Cow<'a, str>,
        /// The key of the publication.
        key: Cow<'a, str>,
        /// The call that made the follower's publication: later ones stand.
        call: u64,
    },
    /// F to L, request: the process has taken this back without its leader: take it back there, too, unless somebody else has
    /// published it since.
    PublicationReleased {
        /// Wire name of the publishing method.
        method: Cow<'a, str>,
        /// The key of the publication.
        key: Cow<'a, str>,
    },
    /// L to F, request: no further calls are accepted; the leader will close.
    GoingAway {
        /// How many calls of this connection were accepted, in the order they were sent.
        accepted: u64,
    },
    /// Request: are you there?
    Heartbeat,
    /// Response: yes.
    HeartbeatRes,
}

impl<'a> ConnObject<'a> {
    /// Reads a connection object. Strings are borrowed where they have no escapes; unknown fields are ignored.
    ///
    /// # Errors
    ///
    /// [`DecodeError::ConnObject`] if this is no connection object; [`DecodeError::UnknownType`] and
    /// [`DecodeError::Field`] if it is one, but no message that is understood here.
    pub fn parse(bytes: &'a [u8]) -> Result<ConnObject<'a>, DecodeError> {
        fields::parse(bytes)
    }

    /// The connection object as JSON, fields in the order in which Node writes them.
    pub fn to_bytes(&self) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "plain fields; writing to memory does not fail")]
        serde_json::to_vec(self).expect("strings and numbers have a JSON form")
    }
}

/// Why a call failed before its method returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Over one of the leader's limits. Not executed.
    Busy,
    /// Its deadline had passed before it began. Not executed.
    Expired,
    /// It began, and its deadline has passed since.
    TimedOut,
    /// The leader is closing and did not accept it. Not executed.
    GoingAway,
    /// The real client is not there (yet). Not executed.
    NotReady,
    /// No such method. Not executed.
    UnknownMethod,
    /// The arguments could not be decoded. Not executed.
    BadArguments,
    /// The method panicked.
    Panicked,
    /// The result could not be encoded.
    BadResult,
    /// Over a bound on subscriptions; the data is that bound. Not executed.
    TooManySubscriptions,
}

/// What a push tells instead of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushEvent {
    /// Values were left out, since the follower did not keep up.
    Missed {
        /// How many.
        count: u64,
    },
    /// From here on nothing is missed; before it, something may have been.
    Resynced,
    /// The upstream subscription has ended.
    Ended,
}

#[cfg(test)]
mod tests;
