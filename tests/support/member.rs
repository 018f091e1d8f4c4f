//! One member of a cluster as a process: told what to do on its standard input, saying what happens on its standard output.

#![allow(clippy::unwrap_used, reason = "whoever started it notices its end")]

use std::io::{BufRead, Write};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::{ClusterEvent, Error, Event, Membership, Outcome, Role, RolePreference};
use rustix::process::{Resource, Rlimit, setrlimit};
use support::backend::{Backend, BackendError, BackendProxy};
use support::flood::{self, Tally};
use support::report::{
    Called, Command, Done, Failed, LOOK, Moment, NOTE, OnewaysFailed, Report, Setup,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::MissedTickBehavior;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let setup: Setup = serde_json::from_str(&std::env::args().nth(1).unwrap()).unwrap();
    say_panics();
    let mut commands = commands();
    if setup.out_of_descriptors {
        setrlimit(Resource::Nofile, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    }
    let proxy = match start(&setup).await {
        Ok(proxy) => proxy,
        Err(error) => {
            return say(&Report::NotStarted { error: format!("{error:?}") });
        }
    };
    let membership = proxy.membership();
    say(&Report::Started { leads: membership.role() == Role::Leader });
    tokio::spawn(events(membership.clone()));
    let process =
        Process { setup, proxy: Mutex::new(proxy), load: Load::default(), tally: Arc::default() };
    let process = Arc::new(process);
    while let Some(command) = commands.recv().await {
        tokio::spawn(obey(command, Arc::clone(&process)));
    }
    // Whoever started this process is gone.
}

async fn start(setup: &Setup) -> Result<BackendProxy, Error> {
    let ledger = setup.ledger;
    let role = if setup.follower_only { RolePreference::Follower } else { RolePreference::Any };
    let builder = BackendProxy::builder()
        .port(setup.port)
        .role(role)
        .heartbeat_interval(setup.heartbeat_interval);
    let builder = match setup.standalone_after {
        Some(silence) => builder.standalone_after(silence),
        None => builder,
    };
    let builder = if setup.node_compat { builder.node_compat() } else { builder };
    builder.start(move |cx| Backend::connect(ledger, cx.epoch())).await
}

struct Process {
    setup: Setup,
    /// The present one: this process may close it and join again.
    proxy: Mutex<BackendProxy>,
    load: Load,
    tally: Arc<Mutex<Tally>>,
}

async fn obey(command: Command, process: Arc<Process>) {
    let proxy = process.proxy.lock().unwrap().clone();
    let load = &process.load;
    match command {
        Command::Call { token } => say(&call(&proxy, token).await),
        Command::Load { kinds, every } => load.run(&proxy, &kinds, every),
        Command::Stop => load.stop.store(true, Ordering::Relaxed),
        Command::Register { name } => {
            proxy.register(name).await.unwrap();
            say(&Report::Registered);
        }
        Command::Watch { topic } => {
            let mut news = proxy.watch(topic).await.unwrap();
            say(&Report::Watching);
            while let Some(event) = news.next_event().await {
                match event {
                    Event::Value(news) => say(&Report::News(news.0)),
                    Event::Resynced => say(&Report::Resynced),
                    Event::Missed(_) => {}
                }
            }
        }
        Command::SpawnChild => {
            #[expect(clippy::zombie_processes, reason = "it is to outlive this process")]
            let child = std::process::Command::new("sleep")
                .arg("60")
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            say(&Report::Child(child.id()));
        }
        Command::Close => {
            proxy.membership().close().await;
            say(&Report::Closed);
        }
        Command::CountTasks => {
            say(&Report::Tasks(Handle::current().metrics().num_alive_tasks()));
        }
        Command::Pour { updates, size } => {
            let leader = proxy.as_leader().unwrap();
            say(&Report::Poured { last: leader.client().flood().pour(updates, size).await });
        }
        Command::Drink => {
            let (newest, each) = (proxy.newest().await.unwrap(), proxy.each().await.unwrap());
            say(&Report::Drinking);
            let tally = &process.tally;
            tokio::join!(
                flood::read_newest(newest, Arc::clone(tally)),
                flood::read_each(each, Arc::clone(tally))
            );
        }
        Command::Tally => {
            let mut tally = process.tally.lock().unwrap();
            say(&Report::Tally(tally.clone()));
            tally.delays.clear();
        }
        Command::Rejoin => {
            let again = start(&process.setup).await.unwrap();
            tokio::spawn(events(again.membership().clone()));
            *process.proxy.lock().unwrap() = again;
            say(&Report::Rejoined);
        }
    }
}

#[derive(Clone, Default)]
struct Load {
    stop: Arc<AtomicBool>,
    running: Arc<AtomicUsize>,
    begun: Arc<AtomicUsize>,
}

impl Load {
    fn run(&self, proxy: &BackendProxy, kinds: &[String], every: Duration) {
        let tasks = kinds.len();
        self.stop.store(false, Ordering::Relaxed);
        self.running.store(tasks, Ordering::Relaxed);
        for (turn, kind) in kinds.iter().cloned().enumerate() {
            let (proxy, load) = (proxy.clone(), self.clone());
            tokio::spawn(async move {
                // Not all at the same moment.
                tokio::time::sleep(every.mul_f64(turn as f64 / tasks as f64)).await;
                let mut turns = tokio::time::interval(every);
                turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    turns.tick().await;
                    if load.stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let number = load.begun.fetch_add(1, Ordering::Relaxed) + 1;
                    let token = format!("{kind}-{}-{turn}-{number}", std::process::id());
                    say(&call(&proxy, token).await);
                }
                if load.running.fetch_sub(1, Ordering::Relaxed) == 1 {
                    say(&Report::Stopped { begun: load.begun.load(Ordering::Relaxed) });
                }
            });
        }
    }
}

async fn call(proxy: &BackendProxy, token: String) -> Report {
    let begun = Moment::now();
    let result = if token.starts_with(LOOK) {
        proxy.look(token.clone()).await
    } else if token.starts_with(NOTE) {
        proxy.note(token.clone()).await.map(|()| 0).map_err(BackendError::from)
    } else {
        proxy.work(token.clone()).await
    };
    let result = match result {
        Ok(epoch) => Ok(Done { epoch }),
        Err(BackendError::Cluster(error)) => Err(failed(&error)),
        Err(error @ BackendError::Lost) => {
            Err(Failed { outcome: Outcome::Executed, error: format!("{error:?}") })
        }
    };
    Report::Called(Called { token, result, begun, ended: Moment::now() })
}

fn failed(error: &Error) -> Failed {
    Failed { outcome: error.outcome(), error: format!("{error:?}") }
}

async fn events(membership: Membership) {
    let mut events = membership.events();
    while let Some(event) = events.next().await {
        if let ClusterEvent::OnewayFailed { calls, error, .. } = &event {
            let (calls, failed) = (*calls, failed(error));
            say(&Report::OnewaysFailed(OnewaysFailed { calls, failed, at: Moment::now() }));
        }
        say(&Report::Event(format!("{event:?}")));
    }
}

/// A panic anywhere is the end of this process, and is told: a task that is gone would only be missed.
fn say_panics() {
    std::panic::set_hook(Box::new(|panic| {
        say(&Report::Panicked(panic.to_string()));
        std::process::exit(101);
    }));
}

/// The lines of the standard input.
fn commands() -> tokio::sync::mpsc::UnboundedReceiver<Command> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Whoever started this process reads all the time, so writing does not wait.
fn say(report: &Report) {
    let mut line = serde_json::to_vec(report).unwrap();
    line.push(b'\n');
    // If nobody listens any more, the end of this process is near.
    let _ = std::io::stdout().lock().write_all(&line);
}
