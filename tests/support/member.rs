//! One member of a cluster as a process: told what to do on its standard input, saying what happens on its standard output.

#![allow(clippy::unwrap_used, reason = "whoever started it notices its end")]

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cluster_client::{Event, Membership, Outcome, Role, RolePreference};
use rustix::process::{Resource, Rlimit, setrlimit};
use support::backend::{Backend, BackendError, BackendProxy};
use support::report::{Called, Command, Done, Failed, LOOK, Moment, Report, Setup};
use tokio::sync::mpsc::unbounded_channel;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let setup: Setup = serde_json::from_str(&std::env::args().nth(1).unwrap()).unwrap();
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
    let load = Load::default();
    while let Some(command) = commands.recv().await {
        tokio::spawn(obey(command, proxy.clone(), load.clone()));
    }
    // Whoever started this process is gone.
}

async fn start(setup: &Setup) -> Result<BackendProxy, cluster_client::Error> {
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

async fn obey(command: Command, proxy: BackendProxy, load: Load) {
    match command {
        Command::Call { token } => say(&call(&proxy, token).await),
        Command::Load { tasks } => load.run(&proxy, tasks),
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
            let child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
            say(&Report::Child(child.id()));
        }
        Command::Close => {
            proxy.membership().close().await;
            say(&Report::Closed);
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
    fn run(&self, proxy: &BackendProxy, tasks: usize) {
        self.running.store(tasks, Ordering::Relaxed);
        for task in 0..tasks {
            let (proxy, load) = (proxy.clone(), self.clone());
            tokio::spawn(async move {
                let mut number = 0;
                while !load.stop.load(Ordering::Relaxed) {
                    number += 1;
                    load.begun.fetch_add(1, Ordering::Relaxed);
                    let kind = if task % 2 == 0 { "work" } else { LOOK };
                    let token = format!("{kind}-{}-{task}-{number}", std::process::id());
                    say(&call(&proxy, token).await);
                    // A call that fails at once is not made again at once.
                    tokio::time::sleep(Duration::from_millis(1)).await;
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
    } else {
        proxy.work(token.clone()).await
    };
    let result = match result {
        Ok(epoch) => Ok(Done { epoch }),
        Err(error) => Err(failed(&error)),
    };
    Report::Called(Called { token, result, begun, ended: Moment::now() })
}

fn failed(error: &BackendError) -> Failed {
    let outcome = match error {
        BackendError::Lost => Outcome::Executed,
        BackendError::Cluster(error) => error.outcome(),
    };
    Failed { outcome, error: format!("{error:?}") }
}

async fn events(membership: Membership) {
    let mut events = membership.events();
    while let Some(event) = events.next().await {
        say(&Report::Event(format!("{event:?}")));
    }
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
