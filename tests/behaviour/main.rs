//! The behaviours that the npm original's own tests pin, by the numbers of the table in `tests/README.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(unreachable_pub, reason = "the modules share their items with each other")]

#[macro_use]
mod sample;

mod client;
mod close;
mod cluster;
mod connection;
mod edge;
mod follower;
mod index;
mod index_more;
mod lazy;
mod peers;
mod promises;
mod ready;
mod register;
mod samples;
mod server;
mod subscribe;
mod utils;
