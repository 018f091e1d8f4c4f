//! A member of the cluster that is a Rust process. It never asks what the others are, and its code has no word of Node
//! but `node_compat()`. `member.js` is the same in Node.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use cluster_client::{Buffer, Date, Event, Role, Value};
use serde::{Deserialize, Serialize};
use showcase::{orders, report};
use tokio::time::sleep;

use crate::config::{Config, ConfigCenter, ConfigCenterProxy, ConfigError, Post, Topic};

/// So many calls are made before the leader is killed, one after the other.
const CALLS: usize = 20;

#[derive(Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Order {
    Get { data_id: String },
    Echo,
    Fail,
    Subscribe { data_id: String },
    Publish { data_id: String, content: String },
    Chase { leader: u32 },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "camelCase")]
pub enum Report {
    Joined {
        leads: bool,
    },
    /// A result or an error, as the language writes it.
    Saw {
        text: String,
    },
    /// By a subscription.
    Heard {
        content: String,
        text: String,
    },
    /// By a subscription, that something may have been missed. Node has no such event.
    Resynced,
    /// The chase goes on: some calls were made.
    Chases,
    /// A call was answered by a new leader.
    Moved {
        leads: bool,
        calls: usize,
        failed: usize,
    },
}

/// Works until the parent ends its orders.
pub async fn run(server: &str, port: u16) -> Result<()> {
    let server = server.to_owned();
    let center = ConfigCenterProxy::builder()
        .name("ConfigCenter")
        .port(port)
        .node_compat()
        .start(move |_cx| {
            let server = server.clone();
            async move { ConfigCenter::connect(&server).await }
        })
        .await?;
    report(&Report::Joined { leads: leads(&center) });

    let mut orders = orders();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Get { data_id } => {
                let Config { content, modified, comment, .. } = center.get(&data_id).await?;
                saw(format!(
                    "{{ content: {content:?}, modified: {modified}, comment: {comment:?} }}"
                ));
            }
            Order::Echo => {
                let (date, buffer) = (Date::from_millis(0)?, Buffer(vec![0, 255]));
                let value = Value::from(vec![date.into(), buffer.into(), Value::Undefined]);
                let echoed = center.echo(value.clone()).await?;
                ensure!(echoed == value, "{value:?} came back as {echoed:?}");
                saw(format!("{echoed:?}"));
            }
            Order::Fail => match center.get("nowhere").await {
                Err(ConfigError::Refused { code, message })
                    if (code.as_str(), message.as_str()) == ("NOT_FOUND", "no config nowhere") =>
                {
                    saw(format!("Refused {{ code: {code:?}, message: {message:?} }}"));
                }
                other => bail!("nowhere is not NOT_FOUND but {other:?}"),
            },
            Order::Subscribe { data_id } => {
                drop(tokio::spawn(listen(center.clone(), Topic { data_id })));
            }
            Order::Publish { data_id, content } => {
                center.publish(Post { data_id, content }).await?;
            }
            Order::Chase { leader } => drop(tokio::spawn(chase(center.clone(), leader))),
        }
    }
    center.membership().close().await;
    Ok(())
}

/// One subscription for the life of the process, whoever leads.
async fn listen(center: ConfigCenterProxy, topic: Topic) {
    let mut configs = match center.subscribe(topic).await {
        Ok(configs) => configs,
        Err(error) => return eprintln!("subscribe: {error}"),
    };
    while let Some(event) = configs.next_event().await {
        match event {
            Event::Value(config) => report(&Report::Heard {
                content: String::from_utf8_lossy(&config.content.0).into_owned(),
                text: format!("{:?}", config.content),
            }),
            Event::Resynced => report(&Report::Resynced),
            Event::Missed(_) => {}
        }
    }
}

/// Calls until somebody else answers. A call in flight when the leader dies is sent again by the library.
async fn chase(center: ConfigCenterProxy, leader: u32) {
    let (mut calls, mut failed) = (0, 0);
    loop {
        calls += 1;
        let served = center.served_by().await;
        if calls == CALLS {
            report(&Report::Chases);
        }
        match served {
            Ok(by) if by.pid != leader => {
                return report(&Report::Moved { leads: leads(&center), calls, failed });
            }
            Ok(_) => {}
            Err(_) => failed += 1,
        }
        sleep(Duration::from_millis(1)).await;
    }
}

fn leads(center: &ConfigCenterProxy) -> bool {
    center.membership().role() == Role::Leader
}

fn saw(text: String) {
    report(&Report::Saw { text });
}
