//! What a follower and a leader of this crate tell each other when a channel is registered.

use serde::{Deserialize, Serialize};

use crate::Codec;

/// The follower, in `register_channel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of what is said beyond Node's protocol.
    #[serde(rename = "v")]
    pub version: u32,
    /// Identifies the member, for as long as it lives.
    #[serde(with = "hex")]
    pub instance: u128,
    /// Its process.
    pub pid: u32,
    /// The codec that it wants for the application data of this connection.
    pub codec: Codec,
    /// The highest epoch it has seen; 0 if none.
    pub epoch: u64,
}

/// The leader and the channel, in the answer to `register_channel` and whenever that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Version of what is said beyond Node's protocol.
    #[serde(rename = "v")]
    pub version: u32,
    /// Identifies the member that leads.
    #[serde(with = "hex")]
    pub instance: u128,
    /// Its process.
    pub pid: u32,
    /// The epoch of its leadership.
    pub epoch: u64,
    /// When that began, in milliseconds of Unix time.
    pub since: u64,
    /// How the channel is.
    pub state: ChannelState,
    /// The channels that run on this port.
    pub channels: Vec<String>,
}

/// How a channel is in the process that owns the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// The real client is being built; another state will follow.
    Starting,
    /// Calls are accepted. The data is `{"success":true,"interface":[…]}`, in JSON.
    Ready,
    /// The real client could not be built. The data is `{"success":false,"error":{"message":…}}`, in JSON.
    Failed,
    /// The process does not run this channel.
    NotServed,
    /// The leader is closing.
    GoingAway,
    /// The leader does not take this follower. The data is as with [`ChannelState::Failed`].
    Refused,
}

/// A 128-bit number as a string of 32 hex digits: JSON numbers are not exact beyond 2^53 for everybody.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::BorrowedStr;

    pub(super) fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        let text = BorrowedStr::deserialize(deserializer)?;
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits
            .then(|| u128::from_str_radix(&text, 16).ok())
            .flatten()
            .ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(&text), &"32 hex digits"))
    }
}
