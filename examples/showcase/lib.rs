//! What the examples share, so that they can show the rest: child processes that are this program again ([`Children`]),
//! workers of which one leads ([`Workers`]), calls that go on until one says stop ([`Load`]), and a screen that reads well
//! on a terminal and in a log ([`Screen`]).

mod children;
mod load;
mod screen;
mod workers;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

pub use children::{Children, orders, report};
pub use load::{Call, Load};
pub use screen::{Screen, Tone, grouped, millis, plural};
pub use workers::{Calls, Hear, Report, Standing, Worker, Workers, report_roles};

/// A port of the loopback interface that nobody listens on at this moment.
///
/// # Errors
///
/// When the operating system has none to give.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Runs an example for at most `limit`. An interrupted one still drops what it holds, and so ends the processes that it started.
///
/// # Errors
///
/// That of the example; when it takes too long; when it is interrupted.
pub async fn within(limit: Duration, example: impl Future<Output = Result<()>>) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = timeout(limit, example) => result.with_context(|| format!("not done after {limit:?}"))?,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}

/// Says what went wrong, if anything, and makes it the exit code.
pub fn ended(name: &str, result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
