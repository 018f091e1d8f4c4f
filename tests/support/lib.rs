//! What the suites share: free ports, and members that are processes of their own.
//!
//! - `ledger`: a server that the real clients of all members connect to, which sees from outside what they do
//! - `backend`: that real client
//! - `flood`: what it sends where a test wants much of it
//! - `report`: what a member process is told, and what it says
//! - `node`: members that are Node processes
//! - `verdict`: what a caller may be told
//! - `vitals`: what a process takes of the machine
//! - `process`: starts such processes, and ends them however the test ends

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "for the tests of this package only")]

pub mod backend;
pub mod flood;
pub mod ledger;
#[cfg(unix)]
pub mod node;
pub mod process;
pub mod report;
pub mod verdict;
pub mod vitals;

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range from which the system gives ports to whoever asks for any, so that nobody's outgoing connection
/// takes one meanwhile.
const PORTS: std::ops::Range<u32> = 10_000..32_000;

/// A port that nobody had a moment ago, and that nobody else in this process is given.
///
/// # Panics
///
/// If the system has none.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that run at the same time begin at different ones.
    let first = std::process::id().wrapping_mul(97);
    for _ in PORTS {
        let next = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = (PORTS.start + next % (PORTS.end - PORTS.start)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("the system has a free port");
}

/// What the README shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
