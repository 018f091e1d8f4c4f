//! The packets that Node has sent, replayed to a Rust leader and to a Rust follower: no Node is needed.
//!
//! - `recorded`: the packets, and a connection that speaks them
//! - `registry`: the real client that they were meant for
//! - `leader`, `follower`: what each side makes of them, and what it says in return
//! - `keeping`: what a follower keeps of its own, as a Node leader says little

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod follower;
mod keeping;
mod leader;
mod recorded;
mod registry;
