//! Four processes share one connection to a registry server; then the one that holds it is killed under load.
//!
//! Run it: `cargo run --release --example quickstart`. It needs nothing but itself: the registry server and the four workers
//! are processes of their own, and are this program again. The annotated client is in `registry.rs`, what a worker does with
//! it in `worker.rs`, and what the server counts in `server.rs`.

#![allow(
    unreachable_pub,
    reason = "it is a program, and its modules are written as those of a library are"
)]

mod book;
mod registry;
mod server;
mod worker;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use showcase::{
    Screen, Standing, Tone, Workers, ended, free_port, grouped, millis, plural, within,
};

use book::Book;
use server::{Counts, Registry};
use worker::{Heard, Order, SERVICE};

const WORKERS: usize = 4;
const IN_FLIGHT: u64 = 8;
/// Calls that each worker gets answered before the kill, and again after it.
const CALLS: usize = 1_500;
const WHOLE: Duration = Duration::from_secs(14);
const ADDRESSES: [&str; 3] = ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    ended("quickstart", run(&arguments).await)
}

async fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        [] => within(WHOLE, play()).await,
        ["server"] => server::run().await,
        ["worker", server, port, number] => {
            worker::run(server, port.parse()?, number.parse()?).await
        }
        _ => bail!("run it without arguments"),
    }
}

async fn play() -> Result<()> {
    let screen = Screen::new("quickstart", "four processes, one connection to the registry server");
    let mut server = Registry::start().await?;
    let port = free_port()?;
    screen.row(
        "registry server",
        Tone::Plain,
        &server.address,
        &format!("pid {}, a process of its own", server.pid),
    );
    let mut workers = Workers::<Heard>::start(WORKERS, |number| {
        vec!["worker".to_owned(), server.address.clone(), port.to_string(), number.to_string()]
    })?;

    screen.step("Four workers start at once and compete for one port");
    let leader = workers.leader().await?;
    workers.show_roles(&screen);

    screen.step("Each looks up a service; none asks who leads");
    workers.order_all(&Order::Lookup).await?;
    workers
        .until("every lookup is answered", |workers| {
            workers.all.iter().all(|worker| worker.heard.found.is_some())
        })
        .await?;
    for (who, worker) in workers.all.iter().enumerate() {
        let path = if who == leader { "by the connection it holds" } else { "through the leader" };
        screen.row(&worker.name, Tone::Good, &millis(worker.heard.found.unwrap_or_default()), path);
    }

    screen.step("Each watches the service; two followers publish an instance");
    workers.order_all(&Order::Watch).await?;
    let followers: Vec<usize> = (0..WORKERS).filter(|who| *who != leader).collect();
    for (who, address) in followers.iter().zip(&ADDRESSES[..2]) {
        workers.order(*who, &Order::Register { address: (*address).to_owned() }).await?;
    }
    workers
        .until("every worker sees both instances", |workers| all_see(workers, &ADDRESSES[..2]))
        .await?;
    for (who, worker) in workers.all.iter().enumerate() {
        let publishes = if followers[..2].contains(&who) { "published one of them" } else { "" };
        screen.row(
            &worker.name,
            Tone::Good,
            &format!("sees {}", plural(worker.heard.sees.len(), "instance")),
            publishes,
        );
    }
    let counts = server.counts().await?;
    let note = format!("and {}, for {WORKERS} processes", plural(counts.watching, "subscription"));
    screen.row("registry server", Tone::Plain, &plural(counts.open, "connection"), &note);

    screen.step(&format!(
        "With {IN_FLIGHT} calls in flight in each, the leader is killed by SIGKILL"
    ));
    workers.order_all(&Order::Load { in_flight: IN_FLIGHT }).await?;
    workers
        .until("the load runs", |workers| {
            workers.all.iter().all(|worker| worker.calls.answered.len() >= CALLS)
        })
        .await?;
    let answered = workers.answered();
    let killed = workers.kill(leader)?;
    screen.row(
        &workers.all[leader].name,
        Tone::Bad,
        "killed",
        &format!("after {}", plural(answered, "call")),
    );
    let takeover = workers.takeover(&screen, killed, CALLS).await?;
    let publisher = followers[2];
    workers.order(publisher, &Order::Register { address: ADDRESSES[2].to_owned() }).await?;
    workers
        .until("the subscriptions work again", |workers| {
            all_see(workers, &ADDRESSES) && workers.survivors().all(|worker| worker.heard.resynced)
        })
        .await?;
    let note = format!("{} published a third instance and all see it", workers.all[publisher].name);
    screen.row("subscriptions", Tone::Good, "restored", &note);
    workers.order_all(&Order::Stop).await?;
    workers
        .until("the load ends", |workers| {
            workers.survivors().all(|worker| worker.calls.issued.is_some())
        })
        .await?;

    screen.step("What the registry server counted");
    let counts = server.counts().await?;
    let book = server.book().await?;
    show(&screen, &counts, &book, &workers);
    check(&counts, &book, &workers)?;
    let (answered, unknown, lost) = (workers.answered(), workers.unknown(), lost(&book, &workers));
    workers.finish().await?;
    server.finish().await?;
    screen.summary(&format!(
        "processes={WORKERS} connections={} takeover_ms={:.1} calls={answered} lost={lost} unknown={unknown}",
        counts.most,
        takeover.as_secs_f64() * 1e3,
    ));
    Ok(())
}

fn all_see(workers: &Workers<Heard>, addresses: &[&str]) -> bool {
    workers.survivors().all(|worker| worker.heard.sees == addresses)
}

/// Calls that a worker holds for done and the server never ran, and calls of which nothing was heard again.
fn lost(book: &Book, workers: &Workers<Heard>) -> usize {
    let not_run: usize =
        workers.all.iter().map(|worker| book.never_ran(&worker.calls.answered)).sum();
    not_run + workers.unsettled()
}

fn show(screen: &Screen, counts: &Counts, book: &Book, workers: &Workers<Heard>) {
    let row = |label: &str, good: bool, value: usize, note: &str| {
        screen.row(label, if good { Tone::Good } else { Tone::Bad }, &grouped(value), note);
    };
    let note = format!("at a time; {} in all, one for each leader", counts.accepted);
    row("connections", counts.most == 1, counts.most, &note);
    let note = format!("at a time; {} in all, for {WORKERS} processes", counts.watched);
    row("subscriptions", counts.watching == 1, counts.watching, &note);
    let note = "two of them published again by the new leader";
    row("instances", counts.registered == ADDRESSES, counts.registered.len(), note);
    let note = format!("of {} that the server ran", grouped(book.runs()));
    row("calls answered", true, workers.answered(), &note);
    let lost = lost(book, workers);
    row("calls lost", lost == 0, lost, "answered and not in the server's book, or never settled");
    let ran: usize = workers
        .all
        .iter()
        .map(|worker| worker.calls.unknown.len() - book.never_ran(&worker.calls.unknown))
        .sum();
    let note = format!("in flight at the kill and not sent again; {ran} of them ran");
    row("outcome unknown", true, workers.unknown(), &note);
}

/// Everything that would be a reason not to believe the last line.
fn check(counts: &Counts, book: &Book, workers: &Workers<Heard>) -> Result<()> {
    ensure!(counts.most == 1, "{} connections at a time", counts.most);
    ensure!(
        counts.open == 1 && counts.accepted == 2,
        "{} connections, {} in all",
        counts.open,
        counts.accepted
    );
    ensure!(
        counts.watching == 1 && counts.watched == 2,
        "{} subscriptions, {} in all",
        counts.watching,
        counts.watched
    );
    ensure!(
        counts.registered == ADDRESSES,
        "the instances of {SERVICE:?} are {:?}",
        counts.registered
    );
    let leaders = workers.survivors().filter(|worker| worker.standing == Standing::Leader).count();
    ensure!(leaders == 1, "{leaders} leaders");
    workers.ensure_none_failed()?;
    let lost = lost(book, workers);
    ensure!(lost == 0, "{} lost", plural(lost, "call"));
    for worker in &workers.all {
        let lookups = worker.calls.unknown.iter().filter(|id| !worker::takes_number(**id)).count();
        ensure!(
            lookups == 0,
            "{} got no answer, though it may be sent again",
            plural(lookups, "lookup")
        );
    }
    let twice = book.ran_twice(worker::takes_number);
    ensure!(twice == 0, "{} ran twice and must not", plural(twice, "call"));
    Ok(())
}
