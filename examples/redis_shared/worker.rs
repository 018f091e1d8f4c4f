//! A worker: an application process that uses Redis and never asks whose connection it is.

use anyhow::Result;
use cluster_client::{Event, Outcome};
use serde::{Deserialize, Serialize};
use showcase::{Call, Hear, Load, Report, orders, report, report_roles};

use crate::shared::{SharedRedis, SharedRedisError, SharedRedisProxy};

#[derive(Serialize, Deserialize)]
pub enum Order {
    Set { key: String, value: String },
    Get { key: String },
    Listen { channel: String },
    Publish { channel: String, text: String },
    Count { key: String, in_flight: u64 },
    Stop,
}

#[derive(Serialize, Deserialize)]
pub enum Did {
    Set,
    Got {
        value: Option<String>,
    },
    Listens,
    Heard {
        text: String,
    },
    /// The subscription was restored with a new leader.
    Resynced,
}

/// What the parent remembers of a worker.
#[derive(Default)]
pub struct Heard {
    pub set: bool,
    pub got: Option<String>,
    pub listens: bool,
    pub heard: Vec<String>,
    pub resynced: bool,
}

/// Works until the parent ends its orders. `name` is that of the connection, should it be this worker that makes it.
pub async fn run(url: &str, name: &str, port: u16) -> Result<()> {
    let (url, name) = (url.to_owned(), name.to_owned());
    let redis = SharedRedisProxy::builder()
        .name("redis")
        .port(port)
        .start(move |cx| {
            let (url, name) = (url.clone(), name.clone());
            async move { SharedRedis::connect(&url, &name, cx.epoch()).await }
        })
        .await?;
    report_roles(redis.membership());

    let mut load = Load::new();
    let mut orders = orders();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Set { key, value } => {
                redis.set(&key, &value).await?;
                did(Did::Set);
            }
            Order::Get { key } => did(Did::Got { value: redis.get(&key).await? }),
            Order::Listen { channel } => drop(tokio::spawn(listen(redis.clone(), channel))),
            Order::Publish { channel, text } => drop(redis.publish(&channel, &text).await?),
            Order::Count { key, in_flight } => {
                let redis = redis.clone();
                // Only answers tell the calls apart, by the values that they made.
                load.start(in_flight, move |lane, count| {
                    count_up(redis.clone(), key.clone(), lane << 32 | count)
                });
            }
            Order::Stop => load.stop().await,
        }
    }
    redis.membership().close().await;
    Ok(())
}

async fn listen(redis: SharedRedisProxy, channel: String) {
    let mut messages = match redis.listen(channel).await {
        Ok(messages) => messages,
        Err(error) => return eprintln!("listen: {error}"),
    };
    did(Did::Listens);
    while let Some(event) = messages.next_event().await {
        match event {
            Event::Value(message) => did(Did::Heard { text: message.text }),
            Event::Resynced => did(Did::Resynced),
            Event::Missed(_) => {}
        }
    }
}

async fn count_up(redis: SharedRedisProxy, key: String, id: u64) -> Call {
    match redis.incr(&key).await {
        Ok(counted) => Call::Answered { id: counted.value, epoch: counted.epoch },
        Err(SharedRedisError::Cluster(error)) if error.outcome() == Outcome::Unknown => {
            Call::Unknown { id }
        }
        Err(error) => Call::Failed { message: error.to_string() },
    }
}

fn did(what: Did) {
    report(&Report::Did(what));
}

impl Hear for Heard {
    type Report = Did;

    fn hear(&mut self, report: Did) {
        match report {
            Did::Set => self.set = true,
            Did::Got { value } => self.got = value,
            Did::Listens => self.listens = true,
            Did::Heard { text } => self.heard.push(text),
            Did::Resynced => self.resynced = true,
        }
    }
}
