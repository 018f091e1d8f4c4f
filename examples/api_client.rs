//! Business logic with a cache in front, written against a trait.
//!
//! `SettingsSource` is the remote service. `Settings` is what the application uses: it caches each setting, and keeps it
//! up to date by a subscription. It takes any `SettingsSource`: the real one, the generated proxy that many processes share,
//! or a mock, as in the test at the end of this file.
//!
//! Run it: `cargo run --release --example api_client`. Test it: `cargo test --example api_client`.

#![allow(missing_docs, reason = "it is a program, and nobody's library")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use cluster_client::{Role, Subscribe, Subscription, SubscriptionSender, cluster_client};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use showcase::{Screen, Tone, ended, free_port, grouped, plural, within};
use tokio::sync::watch;

/// A setting's value, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct Setting {
    pub value: String,
}

#[derive(Debug, thiserror::Error, PartialEq, Serialize, Deserialize)]
pub enum SettingsError {
    #[error("no setting is called {0:?}")]
    NotFound(String),
    #[error(transparent)]
    Cluster(#[from] cluster_client::Error),
}

/// The remote service: what is asked of it goes over the network.
#[cluster_client(name = "settings")]
#[async_trait]
pub trait SettingsSource: Send + Sync {
    /// The present value and all later ones.
    #[subscribe]
    async fn watch(&self, key: String) -> Result<Subscription<Setting>, SettingsError>;

    /// Changes a value, for everybody.
    #[invoke]
    async fn change(&self, key: &str, value: &str) -> Result<(), SettingsError>;
}

/// What the application uses.
pub struct Settings {
    source: Arc<dyn SettingsSource>,
    cached: Mutex<HashMap<String, watch::Receiver<Setting>>>,
}

impl Settings {
    pub fn new(source: Arc<dyn SettingsSource>) -> Self {
        Self { source, cached: Mutex::default() }
    }

    /// A rule of the business, not of the service: a discount is a percentage, and none unless it is one.
    pub async fn discount(&self) -> Result<f64, SettingsError> {
        let setting = self.setting("discount").await?;
        let percent: Option<f64> = setting.borrow().value.parse().ok();
        Ok(percent.filter(|percent| percent.is_finite()).unwrap_or(0.0).clamp(0.0, 100.0))
    }

    /// Waits until a setting has this value.
    pub async fn becomes(&self, key: &str, value: &str) -> Result<(), SettingsError> {
        let mut setting = self.setting(key).await?;
        let reached = setting.wait_for(|setting| setting.value == value).await;
        reached.map(drop).map_err(|_| SettingsError::NotFound(key.to_owned()))
    }

    /// From the cache; what is not there comes from the source, which keeps it up to date from then on.
    async fn setting(&self, key: &str) -> Result<watch::Receiver<Setting>, SettingsError> {
        // Nobody updates what has no sender any more: its subscription has ended.
        if let Some(setting) =
            lock(&self.cached).get(key).filter(|setting| setting.has_changed().is_ok())
        {
            return Ok(setting.clone());
        }
        let mut changes = self.source.watch(key.to_owned()).await?;
        let first = changes.next().await.ok_or_else(|| SettingsError::NotFound(key.to_owned()))?;
        let (sender, setting) = watch::channel(first);
        lock(&self.cached).insert(key.to_owned(), setting.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    change = changes.next() => match change {
                        Some(change) => drop(sender.send_replace(change)),
                        None => return,
                    },
                    () = sender.closed() => return,
                }
            }
        });
        Ok(setting)
    }
}

const MEMBERS: usize = 3;
const READS: usize = 1_000;

#[tokio::main]
async fn main() -> ExitCode {
    ended("api_client", within(Duration::from_secs(10), play()).await)
}

async fn play() -> Result<()> {
    let screen =
        Screen::new("api_client", "business logic, a cache, and one client for three members");
    let remote = Arc::new(RemoteSettings::with("discount", "10"));
    let port = free_port()?;
    let built = Arc::new(AtomicUsize::new(0));
    // Three members in one process, for brevity. In three processes it is the same program.
    let members =
        try_join_all((0..MEMBERS).map(|_| join(port, remote.clone(), built.clone()))).await?;
    let settings: Vec<Settings> =
        members.iter().map(|member| Settings::new(Arc::new(member.clone()))).collect();

    screen.step(&format!("Every member reads the discount {READS} times"));
    for (who, (settings, member)) in settings.iter().zip(&members).enumerate() {
        for _ in 0..READS {
            let discount = settings.discount().await?;
            ensure!((discount - 10.0).abs() < f64::EPSILON, "member {} read {discount}", who + 1);
        }
        let (tone, role) = shown(member.membership().role());
        screen.row(
            &format!("member {}", who + 1),
            tone,
            role,
            &format!("{} reads", grouped(READS)),
        );
    }
    let watched = remote.watched.load(Relaxed);
    screen.row(
        "remote service",
        Tone::Plain,
        &plural(watched, "subscription"),
        "the cache answered the rest",
    );
    ensure!(watched == 1, "the remote service was asked {watched} times");

    screen.step("One member changes it; every cache follows");
    members[1].change("discount", "25").await?;
    for (who, settings) in settings.iter().enumerate() {
        settings.becomes("discount", "25").await?;
        screen.row(&format!("member {}", who + 1), Tone::Good, "25 %", "");
    }

    screen.step("The leader closes; another takes over, and the caches still follow");
    let leader = members
        .iter()
        .position(|member| member.membership().role() == Role::Leader)
        .context("nobody leads")?;
    members[leader].membership().close().await;
    let survivors: Vec<usize> = (0..MEMBERS).filter(|who| *who != leader).collect();
    members[survivors[0]].change("discount", "50").await?;
    for who in &survivors {
        settings[*who].becomes("discount", "50").await?;
        let (tone, role) = shown(members[*who].membership().role());
        screen.row(&format!("member {}", who + 1), tone, role, "50 %");
    }

    let (built, watched) = (built.load(Relaxed), remote.watched.load(Relaxed));
    ensure!(
        built == 2 && watched == 2,
        "{built} real clients and {watched} subscriptions for two leaders"
    );
    for who in survivors {
        members[who].membership().close().await;
    }
    screen.summary(&format!(
        "members={MEMBERS} leaders=2 real_clients={built} reads={} upstream={watched}",
        MEMBERS * READS
    ));
    Ok(())
}

async fn join(
    port: u16,
    remote: Arc<RemoteSettings>,
    built: Arc<AtomicUsize>,
) -> Result<SettingsSourceProxy, cluster_client::Error> {
    SettingsSourceProxy::builder()
        .port(port)
        .start(move |_| {
            built.fetch_add(1, Relaxed);
            let client: Arc<dyn SettingsSource> = remote.clone();
            async move { Ok::<_, Infallible>(client) }
        })
        .await
}

fn shown(role: Role) -> (Tone, &'static str) {
    match role {
        Role::Leader => (Tone::Leader, "LEADER"),
        Role::Follower => (Tone::Follower, "follower"),
        _ => (Tone::Bad, "without a role"),
    }
}

/// Stands for the client of a remote service, and counts what it is asked.
#[derive(Default)]
struct RemoteSettings {
    values: Mutex<HashMap<String, Setting>>,
    watchers: Mutex<Vec<(String, SubscriptionSender<Setting>)>>,
    watched: AtomicUsize,
}

impl RemoteSettings {
    fn with(key: &str, value: &str) -> Self {
        let remote = Self::default();
        lock(&remote.values).insert(key.to_owned(), Setting { value: value.to_owned() });
        remote
    }
}

#[async_trait]
impl SettingsSource for RemoteSettings {
    async fn watch(&self, key: String) -> Result<Subscription<Setting>, SettingsError> {
        self.watched.fetch_add(1, Relaxed);
        let present = lock(&self.values).get(&key).cloned();
        let present = present.ok_or_else(|| SettingsError::NotFound(key.clone()))?;
        let (sender, subscription) = Subscription::channel();
        let _ = sender.send(present);
        lock(&self.watchers).push((key, sender));
        Ok(subscription)
    }

    async fn change(&self, key: &str, value: &str) -> Result<(), SettingsError> {
        let setting = Setting { value: value.to_owned() };
        lock(&self.values).insert(key.to_owned(), setting.clone());
        for (watched, sender) in lock(&self.watchers).iter() {
            if watched == key {
                let _ = sender.send(setting.clone());
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(discount: &str) -> (Settings, Arc<RemoteSettings>) {
        let mock = Arc::new(RemoteSettings::with("discount", discount));
        (Settings::new(mock.clone()), mock)
    }

    #[tokio::test]
    async fn a_discount_is_a_percentage() {
        for (value, discount) in
            [("12.5", 12.5), ("250", 100.0), ("-3", 0.0), ("much", 0.0), ("NaN", 0.0)]
        {
            assert_eq!(settings(value).0.discount().await, Ok(discount), "{value}");
        }
    }

    #[tokio::test]
    async fn the_source_is_asked_once_and_its_changes_arrive() {
        let (settings, mock) = settings("10");
        for _ in 0..3 {
            assert_eq!(settings.discount().await, Ok(10.0));
        }
        assert_eq!(mock.watched.load(Relaxed), 1);
        mock.change("discount", "20").await.unwrap();
        settings.becomes("discount", "20").await.unwrap();
        assert_eq!(settings.discount().await, Ok(20.0));
        assert_eq!(mock.watched.load(Relaxed), 1);
    }

    #[tokio::test]
    async fn a_subscription_that_ended_is_made_again() {
        let (settings, mock) = settings("10");
        assert_eq!(settings.discount().await, Ok(10.0));
        let mut setting = settings.setting("discount").await.unwrap();
        lock(&mock.watchers).clear();
        assert!(setting.changed().await.is_err());
        lock(&mock.values).insert("discount".to_owned(), Setting { value: "30".to_owned() });
        assert_eq!(settings.discount().await, Ok(30.0));
        assert_eq!(mock.watched.load(Relaxed), 2);
    }

    #[tokio::test]
    async fn an_error_is_not_cached() {
        let mock = Arc::new(RemoteSettings::default());
        let settings = Settings::new(mock.clone());
        assert_eq!(settings.discount().await, Err(SettingsError::NotFound("discount".to_owned())));
        mock.change("discount", "10").await.unwrap();
        assert_eq!(settings.discount().await, Ok(10.0));
    }
}
