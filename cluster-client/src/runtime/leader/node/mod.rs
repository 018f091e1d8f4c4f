//! Serving followers that are Node processes.
//!
//! - `admission`: registering, which a Node process does again and again until it is answered
//! - `connection`: the messages that it writes differently
//! - `oversize`: packets over a limit, which cannot be a reason to hang up
//! - `subscriber`: what it is subscribed to, and the keys under which it expects pushes

pub(super) mod admission;
mod connection;
mod oversize;
mod subscriber;

pub(super) use self::connection::{NodeConnection, reopen_later};
pub(super) use self::subscriber::NodeSubscriber;
use super::State;

/// So many times as long as a Rust follower a Node one may be silent: with the defaults for 60 s, which is what a Node
/// leader allows. It sends a heartbeat every 20 s.
pub(super) const PATIENCE: u32 = 2;

/// Whether those who have registered wait for the answer, which they do as silently as for that to a call.
pub(super) fn keeps_waiting(state: &State) -> bool {
    matches!(state, State::Starting | State::Restoring(_))
}
