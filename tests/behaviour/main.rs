//! The behaviours that the npm original's own tests pin, by the numbers of the table in `tests/README.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

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
