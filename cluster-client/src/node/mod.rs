//! Where a peer is a Node process, with the npm package cluster-client: what it says and expects differently.
//!
//! Only under [`node_compat`](crate::Builder::node_compat). A Node process knows neither codecs nor epochs, names no
//! method when it subscribes, identifies a subscription by the text of its argument, and is told of an error by four
//! fields.
//!
//! - `interface`: which methods it means
//! - `keys`, `session`: what a follower keeps for a Node leader, such as the keys of its subscriptions there
//! - `errors`, `code`: errors on their way to and from it
//! - `answer`: what a Node leader says to a follower that registers, and the other way round

pub(crate) mod answer;
mod code;
pub(crate) mod errors;
mod interface;
mod keys;
mod session;

pub(crate) use self::interface::NodeInterface;
use self::keys::NodeKeys;
pub(crate) use self::session::NodeSession;

/// What the process at the other end of a connection runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// This library.
    Rust,
    /// The npm package.
    Node,
}

impl Peer {
    /// Whether it understands that nobody waits for a call any more.
    pub(crate) fn can_cancel(self) -> bool {
        self == Self::Rust
    }
}
