//! The server process: this program again, which ends when its standard input does.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};

use crate::contenders::Setup;

const READY: &str = "ready";

pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(setup: Setup) -> anyhow::Result<Self> {
        let port = free_port()?;
        let process = Command::new(std::env::current_exe()?)
            .arg("--server")
            .args(setup.to_arguments())
            .arg(port.to_string())
            // Where a leader keeps its epochs.
            .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the server process")?;
        let mut server = Self { process, port };
        let output = server.process.stdout.take().context("the server's output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(line.trim() == READY, "the server process did not start");
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If it has ended by itself, that has been noticed by whoever called it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// Of the server process.
pub(crate) fn main(arguments: &[&str]) -> anyhow::Result<()> {
    let (port, setup) = arguments.split_last().context("no port")?;
    std::thread::spawn(|| {
        // However the client's process ends, this one does too.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    Setup::from_arguments(setup)?.serve(port.parse()?)
}

/// Tells the client's process that it can connect.
pub(crate) fn ready() {
    println!("{READY}");
}
