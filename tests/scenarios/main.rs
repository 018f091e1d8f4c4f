//! What the tests of the npm original pin, with a Rust process in the place of the leader (`bNN_leader`) and in that of the
//! follower (`bNN_follower`), and the npm package in the other. The table is in `README.md`.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[macro_use]
mod cast;

mod client;
mod close;
mod connection;
mod index;
mod invoking;
mod lazy;
mod listener;
mod member;
mod processes;
mod register;
mod registry;
mod relay;
mod roles;
mod subscribing;

use std::time::Duration;

use support::node;

/// Nothing that is waited for takes longer, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a test, whose members are in this process and in others.
fn live(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(test);
}

/// The outcome of `future`, which has to come soon.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes soon")
}
