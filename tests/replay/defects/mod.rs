//! Defects of the original, by their numbers in `tests/README.md`, that would show between a process of this library and a
//! Node peer. None of them is ours.
//!
//! - `stock`: the real client
//! - `wire`: packets that Node could have sent, and were not recorded
//! - `leading`: a Rust leader and Node followers
//! - `following`: a Rust follower and Node leaders

mod following;
mod leading;
mod stock;
mod wire;
