//! The packets that Node has sent, replayed to a Rust leader and to a Rust follower: no Node is needed.
//!
//! - `recorded`: the packets, and a connection that speaks them
//! - `registry`: the real client that they were meant for
//! - `leader`, `follower`: what each side makes of them, and what it says in return
//! - `oversize`: packets of Node processes over a limit, or against the rules
//! - `trouble`: what a leader does where a Node process cannot be told
//! - `defects`: what must not happen between a process of this library and a Node one, though it does in the original
//! - `waiting`: Node processes whose channel is not there yet
//! - `keeping`: what a follower keeps of its own, as a Node leader says little

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod defects;
mod follower;
mod keeping;
mod leader;
mod oversize;
mod recorded;
mod registry;
mod trouble;
mod waiting;
