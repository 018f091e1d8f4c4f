//! The npm package cluster-client 3.7.0 and this library at one port, each as leader and as follower.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod calls;
mod channels;
mod echo;
mod errors;
mod handover;
mod heartbeats;
mod hostile;
mod jobs;
mod kill;
mod mixed;
mod random;
mod roles;
mod scene;
mod store;
mod subscriptions;
mod values;
mod volume;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use support::node;

/// The binary that is a Rust member.
const MEMBER: &str = env!("CARGO_BIN_EXE_member");

/// Nothing that is waited for takes longer, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One test at a time: each has processes enough, and some take the time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed is no reason for the next one to fail.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a test that has members in this process too.
fn live(test: impl Future<Output = ()>) {
    let _alone = alone();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(test);
}

/// The outcome of `future`, which has to come soon.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes soon")
}

/// Tries until it finds something, which has to be soon.
async fn until<T>(mut find: impl AsyncFnMut() -> Option<T>) -> T {
    soon(async {
        loop {
            if let Some(found) = find().await {
                return found;
            }
        }
    })
    .await
}
