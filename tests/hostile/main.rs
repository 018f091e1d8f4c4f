//! Whatever a peer sends, only its own connection suffers: the leader and its other followers go on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod attacker;
mod backpressure;
mod foreign;
mod fuzz;
mod handshake;
mod large;
mod leaders;
mod leftovers;
mod panics;
mod registered;
mod retained;
mod scene;
mod slow;
