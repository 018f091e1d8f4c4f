//! What can go wrong, who failed at which step, and whether the call ran.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whether a failed call ran on the real client. It decides whether repeating the call is safe. It displays as a
/// clause: "it may have run".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The call did not run and never will: repeating it is safe.
    NotExecuted,
    /// The call may have run, may be running, or may not have run.
    Unknown,
    /// The call ran (at least in part): only its result was lost, or it failed while it ran.
    Executed,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotExecuted => "it did not run",
            Self::Unknown => "it may have run",
            Self::Executed => "it ran",
        })
    }
}

/// An error of the cluster, as opposed to one of the user's own methods.
///
/// [`Error::outcome`] says whether the call it belongs to ran. Endpoints are written as they were tried
/// (`127.0.0.1:7777`), methods by their name on the wire.
///
/// # Inside a user's error
///
/// An error type that has a variant for this one carries it over the wire. What arrives is always
/// [`Error::Relayed`]: the call itself ran, and ran into this error of *another* cluster client, so its
/// outcome is never taken for that of the call. For the same reason whatever is deserialized by other
/// means is `Relayed` as well; serializing a `Relayed` error writes the error inside.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[expect(missing_docs, reason = "the variants say what their fields hold")]
#[non_exhaustive]
pub enum Error {
    /// An option of the builder, or the environment variable in its place, has a value it cannot have.
    #[error("option `{option}` cannot be `{value}`: {reason}")]
    InvalidOption { option: String, value: String, reason: String },

    /// The port could not be bound for another reason than that somebody else holds it.
    #[error(
        "cannot listen on {endpoint}: {message} ({kind}); choose another port, or lift what forbids this one"
    )]
    Bind {
        endpoint: String,
        /// The name of the [`std::io::ErrorKind`].
        kind: String,
        message: String,
    },

    /// This process was told to lead ([`RolePreference::Leader`](crate::RolePreference::Leader)) and another one holds the port.
    #[error(
        "cannot lead channel `{channel}`: {endpoint} is held by another process; allow any role, or stop that process"
    )]
    PortOccupied { endpoint: String, channel: String },

    /// No leader was ready in time.
    #[error("no leader on {endpoint} was ready within {waited:?}{}", because(.last))]
    NoLeader {
        endpoint: String,
        waited: Duration,
        /// What the last attempt ran into.
        last: Option<String>,
    },

    /// The port is held by a program that is no leader of this library: it answered something else, or hung up.
    #[error(
        "{endpoint} is held by a program that is no cluster-client leader ({detail}); choose another port"
    )]
    ForeignPort { endpoint: String, detail: String },

    /// The owner of the port accepted the connection and did not answer.
    #[error(
        "{endpoint} accepted the connection and said nothing for {waited:?}; its owner is stopped, overloaded or foreign"
    )]
    HandshakeTimeout { endpoint: String, waited: Duration },

    /// The leader on the port does not run this channel.
    #[error(
        "channel `{channel}` is not served on {endpoint}: process {owner_pid} owns the port and runs {channels:?}; \
         start `{channel}` there too, or choose another port"
    )]
    ChannelNotServed {
        channel: String,
        endpoint: String,
        owner_pid: u32,
        /// The channels that the owner of the port runs.
        channels: Vec<String>,
    },

    /// The leader does not let this process join.
    #[error("the leader on {endpoint} refused this process: {reason}")]
    Refused { endpoint: String, reason: String },

    /// The factory could not build the real client in the leader. Later calls try again.
    #[error("the real client of channel `{channel}` could not be built: {message}")]
    RealClient { channel: String, message: String },

    /// The method differs between this program and the leader's. Other methods are not affected.
    #[error(
        "method `{method}` differs between the two programs; the leader has {leader}, this process has {follower}"
    )]
    InterfaceMismatch { method: String, leader: String, follower: String },

    /// The leader's program has no such method.
    #[error("the leader has no method `{method}`; it runs another version of the program")]
    UnknownMethod { method: String },

    /// The leader could not decode the arguments.
    #[error("the leader cannot decode the arguments of `{method}`: {message}")]
    BadArguments { method: String, message: String },

    /// A value could not be encoded, or is larger than [`Limits`](crate::Limits) allow; nothing was sent.
    #[error("cannot encode {what}: {message}")]
    Encode { what: String, message: String },

    /// The leader's answer could not be decoded here.
    #[error("cannot decode {what}: {message}")]
    Decode { what: String, message: String },

    /// The leader could not encode what the method returned.
    #[error("the leader cannot encode the result of `{method}`: {message}")]
    BadResult { method: String, message: String },

    /// The method returned an error that nobody decodes: of a one-way call, or of one that the library made by
    /// itself, such as a publication that is made again.
    #[error("`{method}` returned an error: {message}")]
    MethodFailed { method: String, message: String },

    /// A method of a leader that is a Node process has thrown this.
    #[error("`{method}` threw {name}{} in the Node leader: {message}", with_code(.code))]
    NodeError {
        method: String,
        name: String,
        message: String,
        code: Option<String>,
        /// Where it was thrown.
        stack: Option<String>,
    },

    /// The call was not answered in time.
    #[error("`{method}` was not answered within {timeout:?} ({outcome})")]
    DeadlineExceeded { method: String, timeout: Duration, outcome: Outcome },

    /// The leader went away before it answered.
    #[error("the leader went away during `{method}` ({outcome})")]
    Disconnected { method: String, outcome: Outcome },

    /// A bound of [`Limits`](crate::Limits) is reached.
    #[error("`{method}` was turned away, as {limit} is reached; call again later")]
    Busy {
        method: String,
        /// The bound and its value.
        limit: String,
    },

    /// The leader is closing, and the call came from a place that cannot wait for the next one.
    #[error("the leader is going away and did not start `{method}`")]
    GoingAway { method: String },

    /// The call was made on a leader or follower proxy whose role the process no longer has.
    #[error(
        "`{method}` was called on a proxy of a role that this process no longer has; use the proxy that follows the role"
    )]
    RoleChanged { method: String },

    /// The method panicked in the leader.
    #[error("`{method}` panicked in the leader: {message}")]
    Panicked { method: String, message: String },

    /// The factory called its own proxy, which waits for what the factory builds.
    #[error(
        "`{method}` was called inside the factory of its own real client, which it would wait for"
    )]
    CalledFromFactory { method: String },

    /// A bound on subscriptions is reached: one on their number, or [`Limits::retained_bytes`](crate::Limits::retained_bytes),
    /// by which there is room for no more than there are.
    #[error("no more than {limit} subscriptions; drop some, or raise the limit")]
    TooManySubscriptions { limit: usize },

    /// This member was closed.
    #[error("this member of the cluster is closed")]
    Closed,

    /// An error of another cluster client that the real client passed on, see [above](Error#inside-a-users-error).
    #[error("passed on by the real client: {0}")]
    #[serde(skip)]
    Relayed(Box<Error>),
}

impl Error {
    /// Whether the call that failed with this error ran on the real client.
    ///
    /// ```
    /// use cluster_client::{Error, Outcome};
    ///
    /// assert_eq!(Error::Closed.outcome(), Outcome::NotExecuted);
    /// ```
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::DeadlineExceeded { outcome, .. } | Self::Disconnected { outcome, .. } => *outcome,
            Self::Decode { .. }
            | Self::BadResult { .. }
            | Self::MethodFailed { .. }
            | Self::NodeError { .. }
            | Self::Panicked { .. }
            | Self::Relayed(_) => Outcome::Executed,
            Self::InvalidOption { .. }
            | Self::Bind { .. }
            | Self::PortOccupied { .. }
            | Self::NoLeader { .. }
            | Self::ForeignPort { .. }
            | Self::HandshakeTimeout { .. }
            | Self::ChannelNotServed { .. }
            | Self::Refused { .. }
            | Self::RealClient { .. }
            | Self::InterfaceMismatch { .. }
            | Self::UnknownMethod { .. }
            | Self::BadArguments { .. }
            | Self::Encode { .. }
            | Self::Busy { .. }
            | Self::GoingAway { .. }
            | Self::RoleChanged { .. }
            | Self::CalledFromFactory { .. }
            | Self::TooManySubscriptions { .. }
            | Self::Closed => Outcome::NotExecuted,
        }
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut error = self;
        while let Self::Relayed(inner) = error {
            error = inner;
        }
        // The derived function of the `remote` attribute, not this trait's.
        Self::serialize(error, serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::Relayed(Box::new(Self::deserialize(deserializer)?)))
    }
}

fn with_code(code: &Option<String>) -> String {
    code.as_ref().map_or_else(String::new, |code| format!(" ({code})"))
}

fn because(last: &Option<String>) -> String {
    last.as_ref().map_or_else(String::new, |last| format!("; the last attempt: {last}"))
}

#[cfg(test)]
mod tests {
    use cluster_protocol::Codec;

    use super::*;

    fn over_the_wire(error: &Error) -> Error {
        let [json, default] = [Codec::Json, Codec::default()].map(|codec| {
            let mut bytes = Vec::new();
            codec.encode(error, &mut bytes).unwrap();
            codec.decode(&bytes).unwrap()
        });
        assert_eq!(json, default);
        json
    }

    #[test]
    fn an_error_that_was_sent_never_reads_as_not_executed() {
        let sent = Error::NoLeader {
            endpoint: "127.0.0.1:7777".into(),
            waited: Duration::from_secs(3),
            last: None,
        };
        assert_eq!(sent.outcome(), Outcome::NotExecuted);

        let received = over_the_wire(&sent);
        assert_eq!(received, Error::Relayed(Box::new(sent)));
        assert_eq!(received.outcome(), Outcome::Executed);
    }

    #[test]
    fn relaying_twice_nests_once() {
        let once = over_the_wire(&Error::Closed);
        assert_eq!(over_the_wire(&once), once);
    }

    #[test]
    fn messages_name_the_outcome_and_the_last_attempt() {
        let error = Error::Disconnected { method: "lookup".into(), outcome: Outcome::Unknown };
        assert_eq!(error.to_string(), "the leader went away during `lookup` (it may have run)");

        let error = Error::NoLeader {
            endpoint: "127.0.0.1:7777".into(),
            waited: Duration::from_secs(3),
            last: Some("connection refused".into()),
        };
        assert_eq!(
            error.to_string(),
            "no leader on 127.0.0.1:7777 was ready within 3s; the last attempt: connection refused"
        );
    }
}
