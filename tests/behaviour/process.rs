//! A member in a process of its own: does what its standard input says, a line each, and says on its standard output
//! what happens.
//!
//! | input | output |
//! |---|---|
//! | | `role leader`, `role follower`, … whenever it changes |
//! | `subscribe` | `subscribed`, then `value V` for each value, `resynced` after a change of leader |
//! | `publish V` | `published V` |
//! | `notify V` | `notified V`: published, but not remembered |
//! | its end | leaves the cluster and exits |
//!
//! The port is its argument, or that of its environment. `failed E`: it could not be started.

use std::error::Error;
use std::io::{self, BufRead};
use std::sync::Mutex;

use cluster_client::{Event, Subscribe, Subscription, SubscriptionSender, cluster_client};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
struct Notice(String);

/// The real client: knows what was published last since it was made.
#[derive(Default)]
struct Board(Mutex<State>);

#[derive(Default)]
struct State {
    last: Option<Notice>,
    watchers: Vec<SubscriptionSender<Notice>>,
}

impl Board {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn post(&self, value: String) {
        let mut state = self.state();
        let notice = Notice(value);
        state.watchers.retain(|watcher| watcher.send(notice.clone()).is_ok());
        state.last = Some(notice);
    }
}

#[cluster_client]
impl Board {
    #[subscribe]
    async fn watch(&self) -> Result<Subscription<Notice>, cluster_client::Error> {
        let (sender, subscription) = Subscription::channel();
        let mut state = self.state();
        if let Some(last) = &state.last {
            // The subscription is still here.
            let _ = sender.send(last.clone());
        }
        state.watchers.push(sender);
        Ok(subscription)
    }

    #[publish(key = "topic")]
    async fn publish(&self, topic: String, value: String) -> Result<(), cluster_client::Error> {
        self.post(format!("{topic}: {value}"));
        Ok(())
    }

    #[invoke]
    async fn notify(&self, value: String) {
        self.post(value);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut builder = BoardProxy::builder();
    // Without one it goes by its environment.
    if let Some(port) = std::env::args().nth(1) {
        builder = builder.port(port.parse()?);
    }
    let board = match builder.start(async |_| Ok::<_, io::Error>(Board::default())).await {
        Ok(board) => board,
        Err(error) => {
            println!("failed {error}");
            return Err(error.into());
        }
    };
    let mut commands = commands();
    let mut roles = board.membership().role_changes();
    let mut subscription = None;
    loop {
        tokio::select! {
            Some(role) = roles.next() => println!("role {}", format!("{role:?}").to_lowercase()),
            Some(event) = next(&mut subscription) => match event {
                Event::Value(Notice(value)) => println!("value {value}"),
                Event::Missed(count) => println!("missed {count}"),
                Event::Resynced => println!("resynced"),
            },
            command = commands.recv() => {
                let Some(command) = command else { break };
                match command.split_once(' ') {
                    None if command == "subscribe" => {
                        subscription = Some(board.watch().await?);
                        println!("subscribed");
                    }
                    Some(("publish", value)) => {
                        board.publish("news".into(), value.into()).await?;
                        println!("published {value}");
                    }
                    Some(("notify", value)) => {
                        board.notify(value.into()).await?;
                        println!("notified {value}");
                    }
                    _ => return Err(format!("unknown command {command:?}").into()),
                }
            }
        }
    }
    board.membership().close().await;
    Ok(())
}

async fn next(subscription: &mut Option<Subscription<Notice>>) -> Option<Event<Notice>> {
    match subscription {
        Some(subscription) => subscription.next_event().await,
        None => std::future::pending().await,
    }
}

/// The lines of the standard input, until its end.
fn commands() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            // Nobody waits for it once the member exits.
            let _ = sender.send(line);
        }
    });
    receiver
}
