//! Every accepted form of a signature, with the types its proxy has.

use std::collections::BTreeMap;
use std::path::Path;

use cluster_client::{CallContext, Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    id: String,
    place: (u8, u16),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct Instances(Vec<Instance>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = 16, receivers = "one")]
pub enum Change {
    Added(Instance),
    Removed { id: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct Price {
    #[subscribe(key)]
    symbol: String,
    cents: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct Reading(#[subscribe(key)] u16, i64);

#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
pub enum RegistryError {
    #[error(transparent)]
    Cluster(#[from] cluster_client::Error),
}

type Result<T, E = RegistryError> = std::result::Result<T, E>;

#[derive(Serialize, Deserialize)]
pub struct Registry;

#[cluster_client(name = "RegistryClient", rename_all = "camelCase", version = "1")]
impl Registry {
    #[invoke(idempotent, spawn, timeout = "5s", name = "find", version = "2")]
    pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> {
        Ok(vec![service.to_owned()])
    }

    #[invoke]
    pub async fn alias(
        &self,
        mut cx: CallContext,
        names: &[String],
        one: &Instance,
    ) -> Result<u64> {
        cx = CallContext::current().unwrap_or(cx);
        let _ = (cx, names, one);
        Ok(1)
    }

    #[invoke]
    pub async fn infallible(&self, a: (u8, u16), b: BTreeMap<String, u64>) -> usize {
        usize::from(a.1) + b.len()
    }

    #[invoke]
    pub async fn nothing(&self) {}

    #[invoke]
    pub async fn unit(&self) -> () {}

    #[invoke]
    pub async fn itself(&self, other: &Self) -> Option<Self> {
        let Self = other;
        None
    }

    #[invoke]
    async fn private(&self, on: bool) -> Result<bool, cluster_client::Error> {
        Ok(on)
    }

    #[invoke]
    pub(crate) async fn twelve(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: &str,
    ) -> u8 {
        let _ = l;
        a + b + c + d + e + f + g + h + i + j + k
    }

    #[invoke(oneway)]
    pub async fn touch(&self, service: String) {
        drop(service);
    }

    #[invoke(oneway, timeout = "250ms")]
    pub fn touch_now(&self, cx: CallContext, service: &str) {
        let _ = (cx, service);
    }

    #[invoke(oneway)]
    pub async fn touch_if(&self, service: &Path) -> Result<()> {
        let _ = service;
        Ok(())
    }

    #[subscribe]
    pub async fn watch(&self, service: &str) -> Result<Subscription<Instances>, RegistryError> {
        let _ = service;
        Ok(Subscription::channel().1)
    }

    #[subscribe(name = "changes")]
    pub async fn watch_changes(&self, cx: CallContext) -> Result<Subscription<Change>> {
        let _ = cx;
        Ok(Subscription::channel().1)
    }

    #[subscribe]
    pub async fn prices(&self, symbols: Vec<String>, depth: u8) -> Subscription<Price> {
        let _ = (symbols, depth);
        Subscription::channel().1
    }

    #[publish(key = "instance.id", undo = "deregister")]
    pub async fn register(&self, instance: Instance, weight: u8) -> Result<()> {
        let _ = (instance, weight);
        Ok(())
    }

    #[invoke]
    pub async fn deregister(&self, instance: Instance, weight: u8) -> Result<()> {
        let _ = (instance, weight);
        Ok(())
    }

    #[publish(key = "(service, instance.place, on)", timeout = "2m", idempotent)]
    pub async fn place(
        &self,
        cx: CallContext,
        service: &str,
        instance: &Instance,
        on: bool,
    ) -> bool {
        let _ = (cx, service, instance);
        on
    }

    #[publish]
    pub async fn announce(&self, service: &str, tags: &[String]) -> Result<u64> {
        let _ = (service, tags);
        Ok(0)
    }

    #[publish(event)]
    pub async fn emit(&self, service: String) {
        drop(service);
    }

    #[close]
    pub async fn disconnect(&self) -> Result<()> {
        Ok(())
    }

    /// Not annotated: stays here.
    pub fn helper<T: Default>(&self) -> T {
        T::default()
    }
}

/// Never run: it holds the types of the proxies' methods down.
async fn types_of_the_proxies(proxy: RegistryProxy, one: Instance) -> Result<()> {
    let _: Vec<String> = proxy.lookup(&String::from("a")).await?;
    let _: u64 = proxy.alias(&[String::new()], &one).await?;
    let _: std::result::Result<usize, cluster_client::Error> =
        proxy.infallible((1, 2), BTreeMap::new()).await;
    let _: std::result::Result<(), cluster_client::Error> = proxy.nothing().await;
    let _: std::result::Result<(), cluster_client::Error> = proxy.unit().await;
    let _: Option<Registry> = proxy.itself(&Registry).await?;
    let _: bool = proxy.private(true).await?;
    let _: u8 = proxy.twelve(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "").await?;
    let _: std::result::Result<(), cluster_client::Error> = proxy.touch(String::new()).await;
    let _: std::result::Result<(), cluster_client::Error> = proxy.touch_now("");
    let _: std::result::Result<(), cluster_client::Error> = proxy.touch_if(Path::new("/")).await;
    let _: Subscription<Instances> = proxy.watch("").await?;
    let _: Subscription<Change> = proxy.watch_changes().await?;
    let _: std::result::Result<Subscription<Price>, cluster_client::Error> =
        proxy.prices(vec![], 1).await;
    let _: () = proxy.register(one.clone(), 1).await?;
    let _: bool = proxy.place("", &one, true).await?;
    let _: u64 = proxy.announce("", &[]).await?;
    let _: () = proxy.emit(String::new()).await?;
    proxy.disconnect().await?;

    let leader: Option<RegistryLeader> = proxy.as_leader();
    if let Some(leader) = leader {
        let _: &Registry = leader.client();
        let _: Vec<String> = leader.lookup("a").await?;
    }
    let follower: Option<RegistryFollower> = proxy.as_follower();
    if let Some(follower) = follower {
        let _: Vec<String> = follower.clone().lookup("a").await?;
    }
    proxy.membership().close().await;
    Ok(())
}

#[test]
fn the_futures_of_a_proxy_are_send() {
    fn send<T: Send>(_: impl FnOnce(RegistryProxy, Instance) -> T) {}
    send(types_of_the_proxies);
}

#[test]
fn proxies_are_clone_debug_send_and_sync() {
    fn all<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}
    all::<RegistryProxy>();
    all::<RegistryLeader>();
    all::<RegistryFollower>();
}

#[test]
fn every_annotated_method_is_served_but_close() {
    use cluster_client::__private::Service;

    assert_eq!(RegistryProxy::CHANNEL, "RegistryClient");
    assert_eq!(RegistryProxy::METHODS.len(), 19);
}
