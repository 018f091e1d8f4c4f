//! Members that are processes of their own, started at once, killed, stopped and closed. What happens is judged from
//! outside: by a server that their real clients connect to.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::{Mutex, MutexGuard, PoisonError};

mod audit;
mod closing;
mod crash;
mod duty;
mod election;
mod flat;
mod memory;
mod notes;
#[cfg(planted)]
mod planted;
mod stopped;
mod times;
mod trouble;

/// The binary that is a member.
const MEMBER: &str = env!("CARGO_BIN_EXE_member");

/// What the environment says a long run is to take.
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// One test at a time: each has processes enough, and some take the time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed is no reason for the next one to fail.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
