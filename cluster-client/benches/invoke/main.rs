//! How fast a call is, beside the least that a socket allows and beside tarpc.
//!
//! ```text
//! cargo bench -p cluster-client --bench invoke [-- --quick]
//! ```
//!
//! A client process and a server process on loopback; 32 bytes of argument, 128 bytes of result.
//!
//! - W1: one call in flight, both processes pinned to one core. The median latency.
//! - W2: 64 calls in flight on one connection, not pinned. Calls per second.
//!
//! Both on the multi-threaded runtime with two workers (`mt`) and on the current-thread one (`ct`), the same in both
//! processes. The three contenders take turns in each round, so that what the machine does meanwhile hits them
//! alike: read the ratios within a round rather than the figures.
//!
//! The exit code says whether the benchmark ran, never how fast anything was.

mod contenders;
mod floor;
mod library;
mod load;
mod report;
mod server;
mod tarpc_peer;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use self::contenders::{Contender, Flavour, Setup};
use self::load::Load;
use self::report::Row;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["--server", setup @ ..] => server::main(setup),
        options => rounds(options.contains(&"--quick")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn rounds(quick: bool) -> anyhow::Result<()> {
    let rounds = if quick { 3 } else { 5 };
    let latency = Load::Latency { calls: if quick { 4_000 } else { 20_000 } };
    let window = Duration::from_millis(if quick { 300 } else { 1_000 });
    let throughput = Load::Throughput { in_flight: 64, window };
    let mut rows = [
        Row::new("W1 one core, mt", Flavour::MultiThread, latency),
        Row::new("W1 one core, ct", Flavour::CurrentThread, latency),
        Row::new("W2/64, mt", Flavour::MultiThread, throughput),
        Row::new("W2/64, ct", Flavour::CurrentThread, throughput),
    ];
    for round in 0..rounds {
        print!("round {} of {rounds}:", round + 1);
        for row in &mut rows {
            let mut figures = [0.0; Contender::ALL.len()];
            for turn in 0..Contender::ALL.len() {
                let index = (round + turn) % Contender::ALL.len();
                let contender = Contender::ALL[index];
                let pinned = matches!(row.load, Load::Latency { .. });
                figures[index] =
                    Setup { contender, flavour: row.flavour, pinned }.measure(row.load)?;
                print!(" .");
                std::io::stdout().flush()?;
            }
            row.figures.push(figures);
        }
        println!();
    }
    report::print(&rows, rounds);
    Ok(())
}
