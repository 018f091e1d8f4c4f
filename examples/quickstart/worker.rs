//! A worker: an application process that uses the registry and never asks which role it has.

use std::time::{Duration, Instant};

use anyhow::Result;
use cluster_client::{Event, Outcome};
use serde::{Deserialize, Serialize};
use showcase::{Call, Hear, Load, Report, orders, report, report_roles};

use crate::registry::{Instance, Registry, RegistryError, RegistryProxy};

pub const SERVICE: &str = "payments";

#[derive(Serialize, Deserialize)]
pub enum Order {
    Lookup,
    Watch,
    Register { address: String },
    Load { in_flight: u64 },
    Stop,
}

#[derive(Serialize, Deserialize)]
pub enum Did {
    Found {
        took: Duration,
    },
    /// The service has these instances now.
    Sees {
        addresses: Vec<String>,
    },
    /// The subscription was restored with a new leader.
    Resynced,
}

/// What the parent remembers of a worker.
#[derive(Default)]
pub struct Heard {
    pub found: Option<Duration>,
    pub sees: Vec<String>,
    pub resynced: bool,
}

/// Works until the parent ends its orders.
pub async fn run(server: &str, port: u16, worker: u64) -> Result<()> {
    let server = server.to_owned();
    let registry = RegistryProxy::builder()
        .name("registry")
        .port(port)
        .start(move |cx| {
            let server = server.clone();
            async move { Registry::connect(&server, cx.epoch()).await }
        })
        .await?;
    report_roles(registry.membership());

    let mut load = Load::new();
    let mut orders = orders();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Lookup => {
                let asked = Instant::now();
                registry.lookup(call_id(worker, 0, 0), SERVICE).await?;
                did(Did::Found { took: asked.elapsed() });
            }
            Order::Watch => drop(tokio::spawn(watch(registry.clone()))),
            Order::Register { address } => {
                registry.register(Instance { service: SERVICE.to_owned(), address }).await?;
            }
            Order::Load { in_flight } => {
                let registry = registry.clone();
                load.start(in_flight, move |lane, count| {
                    call(registry.clone(), call_id(worker, lane, count))
                });
            }
            Order::Stop => load.stop().await,
        }
    }
    registry.disconnect().await;
    Ok(())
}

async fn watch(registry: RegistryProxy) {
    let mut instances = match registry.watch(SERVICE.to_owned()).await {
        Ok(instances) => instances,
        Err(error) => return eprintln!("watch: {error}"),
    };
    while let Some(event) = instances.next_event().await {
        match event {
            Event::Value(instances) => did(Did::Sees { addresses: instances.addresses }),
            Event::Resynced => did(Did::Resynced),
            Event::Missed(_) => {}
        }
    }
}

/// A lookup or a number, in turn.
async fn call(registry: RegistryProxy, id: u64) -> Call {
    let answer = if takes_number(id) {
        registry.next_number(id).await.map(|number| number.epoch)
    } else {
        registry.lookup(id, SERVICE).await.map(|found| found.epoch)
    };
    match answer {
        Ok(epoch) => Call::Answered { id, epoch },
        Err(RegistryError::Cluster(error)) if error.outcome() == Outcome::Unknown => {
            Call::Unknown { id }
        }
        Err(error) => Call::Failed { message: error.to_string() },
    }
}

/// Whether the call takes a number, and so must not run twice.
pub fn takes_number(id: u64) -> bool {
    id % 2 == 1
}

/// Unlike that of any other call of any worker.
fn call_id(worker: u64, lane: u64, count: u64) -> u64 {
    worker * 1_000_000_000 + lane * 1_000_000 + count
}

fn did(what: Did) {
    report(&Report::Did(what));
}

impl Hear for Heard {
    type Report = Did;

    fn hear(&mut self, report: Did) {
        match report {
            Did::Found { took } => self.found = Some(took),
            Did::Sees { addresses } => self.sees = addresses,
            Did::Resynced => self.resynced = true,
        }
    }
}
