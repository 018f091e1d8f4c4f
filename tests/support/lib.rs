//! What the suites share: free ports, and members that are processes of their own.
//!
//! - `ledger`: a server that the real clients of all members connect to, which sees from outside what they do
//! - `backend`: that real client
//! - `report`: what a member process is told, and what it says
//! - `process`: starts such processes, and ends them however the test ends

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "for the tests of this package only")]

pub mod backend;
pub mod ledger;
pub mod process;
pub mod report;

/// A port that the system had free a moment ago.
///
/// # Panics
///
/// If the system has none.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// What the README shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
