//! Eight processes share one connection to a real Redis server, which is asked itself how many clients it has.
//!
//! Run it: `cargo run --release --example redis_shared`. It uses the Redis server of `REDIS_URL`, or starts `redis-server` on a
//! free port. The annotated client is in `shared.rs`, what a worker does with it in `worker.rs`.

#![allow(
    unreachable_pub,
    reason = "it is a program, and its modules are written as those of a library are"
)]

mod server;
mod shared;
mod worker;

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use showcase::{Screen, Tone, Workers, ended, free_port, grouped, plural, within};

use server::{Observer, Redis};
use worker::{Heard, Order};

const WORKERS: usize = 8;
const IN_FLIGHT: u64 = 4;
/// Calls that each worker gets answered before the kill, and again after it.
const CALLS: usize = 500;
const WHOLE: Duration = Duration::from_secs(14);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    ended("redis_shared", run(&arguments).await)
}

async fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        [] => within(WHOLE, play()).await,
        ["worker", url, name, port] => worker::run(url, name, port.parse()?).await,
        _ => bail!("run it without arguments"),
    }
}

async fn play() -> Result<()> {
    let mut redis = Redis::find().await?;
    let screen = Screen::new("redis_shared", "eight processes, one connection to Redis");
    screen.row("redis", Tone::Plain, &redis.shown, &redis.source);
    // Unlike the names of any other run, on a Redis that others use too.
    let ours = format!("cluster-client-{}", std::process::id());
    let (greeting, counter, news) =
        (format!("{ours}:greeting"), format!("{ours}:counter"), format!("{ours}:news"));
    let observer = Observer::start(&redis, ours.clone());
    let port = free_port()?.to_string();
    let mut workers = Workers::<Heard>::start(WORKERS, |_| {
        vec!["worker".to_owned(), redis.url.clone(), ours.clone(), port.clone()]
    })?;

    screen.step("Eight workers start at once and compete for one port");
    let leader = workers.leader().await?;
    workers.show_roles(&screen);

    screen.step("One sets a key, each gets it; each subscribes, one publishes");
    let followers: Vec<usize> = (0..WORKERS).filter(|who| *who != leader).collect();
    let (first, last) = (followers[0], followers[followers.len() - 1]);
    workers.order(first, &Order::Set { key: greeting.clone(), value: "hello".to_owned() }).await?;
    workers.until("the key is set", |workers| workers.all[first].heard.set).await?;
    workers.order_all(&Order::Get { key: greeting.clone() }).await?;
    workers.order_all(&Order::Listen { channel: news.clone() }).await?;
    workers
        .until("each gets the key and listens", |workers| {
            workers
                .all
                .iter()
                .all(|worker| worker.heard.got.as_deref() == Some("hello") && worker.heard.listens)
        })
        .await?;
    screen.row(
        "GET",
        Tone::Good,
        "\"hello\"",
        &format!("in {WORKERS} processes, set by {}", workers.all[first].name),
    );
    workers
        .order(last, &Order::Publish { channel: news.clone(), text: "before".to_owned() })
        .await?;
    workers.until("each hears the message", |workers| all_heard(workers, &["before"])).await?;
    let listeners = redis.listeners(&news).await?;
    let note = format!(
        "heard in {WORKERS} processes, though Redis counts {}",
        plural(listeners, "subscriber")
    );
    screen.row("PUBLISH", Tone::Good, "\"before\"", &note);
    let clients = redis.clients(&ours).await?;
    screen.row(
        "CLIENT LIST",
        Tone::Good,
        &plural(clients.ours, "connection"),
        &format!("for {WORKERS} processes"),
    );

    screen
        .step(&format!("With {IN_FLIGHT} INCR in flight in each, the leader is killed by SIGKILL"));
    workers.order_all(&Order::Count { key: counter.clone(), in_flight: IN_FLIGHT }).await?;
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
    workers
        .order(last, &Order::Publish { channel: news.clone(), text: "after".to_owned() })
        .await?;
    workers
        .until("the subscriptions work again", |workers| {
            all_heard(workers, &["before", "after"])
                && workers.survivors().all(|worker| worker.heard.resynced)
        })
        .await?;
    screen.row(
        "subscriptions",
        Tone::Good,
        "restored",
        &format!("{} published again and all heard it", workers.all[last].name),
    );
    workers.order_all(&Order::Stop).await?;
    workers
        .until("the load ends", |workers| {
            workers.survivors().all(|worker| worker.calls.issued.is_some())
        })
        .await?;

    screen.step("What Redis counted");
    let (listed, counted) = (observer.finish().await?, redis.counter(&counter).await?);
    let (clients, listeners) = (redis.clients(&ours).await?, redis.listeners(&news).await?);
    let (answered, unknown) = (workers.answered(), workers.unknown());
    let lost = lost(&workers, counted);
    let row = |label: &str, good: bool, value: usize, note: &str| {
        screen.row(label, if good { Tone::Good } else { Tone::Bad }, &grouped(value), note);
    };
    row(
        "connections",
        listed.most == 1,
        listed.most,
        &format!("at most, in {} looks at CLIENT LIST", grouped(listed.looks)),
    );
    row("subscribers", listeners == 1, listeners, "of the channel, by PUBSUB NUMSUB");
    row(
        "counter",
        true,
        counted,
        &format!("{} answered, each with a value of its own", plural(answered, "call")),
    );
    row(
        "calls lost",
        lost == 0,
        lost,
        "answered with a value that Redis never reached or gave twice, or never settled",
    );
    row("outcome unknown", true, unknown, "in flight at the kill and not sent again");

    ensure!(
        listed.most == 1 && clients.ours == 1,
        "{} connections, {} at most",
        clients.ours,
        listed.most
    );
    ensure!(
        !redis.is_our_own() || clients.others == 0,
        "{} connections that nobody should have",
        clients.others
    );
    ensure!(listeners == 1, "{listeners} subscribers");
    workers.ensure_none_failed()?;
    ensure!(lost == 0, "{} lost", plural(lost, "call"));
    redis.forget(&[&greeting, &counter]).await?;
    workers.finish().await?;
    redis.stop().await?;
    screen.summary(&format!(
        "processes={WORKERS} connections={} takeover_ms={:.1} calls={answered} lost={lost} unknown={unknown}",
        listed.most,
        takeover.as_secs_f64() * 1e3,
    ));
    Ok(())
}

fn all_heard(workers: &Workers<Heard>, texts: &[&str]) -> bool {
    workers.survivors().all(|worker| worker.heard.heard == texts)
}

/// Answers that Redis cannot have given, or gave to two calls; and calls of which nothing was heard again.
fn lost(workers: &Workers<Heard>, counted: usize) -> usize {
    let answers = || workers.all.iter().flat_map(|worker| &worker.calls.answered);
    let possible: HashSet<u64> =
        answers().copied().filter(|value| (1..=counted as u64).contains(value)).collect();
    answers().count() - possible.len() + workers.unsettled()
}
