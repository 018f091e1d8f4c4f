//! Rust and Node processes in one cluster: a Rust leader with two Node followers, then a Node leader with two Rust
//! followers. Each time the leader is killed, and the other language takes over.
//!
//! Run it: `cargo run --release --example node_interop`. It needs Node.js 18 or later with npm, from which it installs the
//! packages of `package-lock.json` if they are missing. The annotated client is in `config.rs`, and the same client for Node,
//! on the npm package cluster-client, in `config_center.js`; what a process does with it in `member.rs` and `member.js`.

#![allow(
    unreachable_pub,
    reason = "it is a program, and its modules are written as those of a library are"
)]

mod act;
mod cast;
mod config;
mod member;
mod node;
mod server;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use showcase::{Screen, ended, within};

use cast::Language::{Node, Rust};

const WHOLE: Duration = Duration::from_secs(18);
/// To install the packages, once.
const INSTALLED: Duration = Duration::from_secs(120);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    ended("node_interop", run(&arguments).await)
}

async fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        [] => {
            within(INSTALLED, node::prepare()).await?;
            within(WHOLE, play()).await
        }
        ["member", server, port] => member::run(server, port.parse()?).await,
        _ => bail!("run it without arguments"),
    }
}

async fn play() -> Result<()> {
    let screen =
        Screen::new("node_interop", "Rust and Node processes share one connection, whoever leads");
    let rust = act::play(&screen, 1, Rust, Node).await?;
    let node = act::play(&screen, rust.processes + 1, Node, Rust).await?;
    screen.summary(&format!(
        "acts=2 processes={} rust_leader=ok node_leader=ok takeover_ms={:.1} restored={} lost={}",
        rust.processes + node.processes,
        rust.takeover.max(node.takeover).as_secs_f64() * 1e3,
        rust.restored + node.restored,
        rust.lost + node.lost,
    ));
    Ok(())
}
