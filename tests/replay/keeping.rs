//! What a Rust follower keeps of its own under a Node leader, which says less than a Rust one.

use std::collections::HashSet;
use std::time::Duration;

use cluster_client::{
    Error, LeaderContext, Limits, Outcome, RolePreference, Subscribe, Subscription, Value,
    cluster_client,
};
use cluster_protocol::{Codec, ConnObject, FrameLimits, Kind, write_packet};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::recorded::{Wire, recorded};

/// Longer than anything takes: to wait for it is to fail.
const PATIENCE: Duration = Duration::from_secs(20);

/// The load of one of several hosts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct Load {
    #[subscribe(key)]
    host: String,
    percent: u32,
}

pub(crate) struct Hosts;

#[cluster_client(name = "RegistryClient", rename_all = "camelCase", vis = "pub(crate)")]
impl Hosts {
    #[subscribe]
    pub(crate) async fn watch(&self, _group: Value) -> Result<Subscription<Load>, Error> {
        Ok(Subscription::channel().1)
    }

    #[publish(undo = "deregister")]
    pub(crate) async fn register(&self, _host: &str) -> Result<(), Error> {
        Ok(())
    }

    #[invoke]
    pub(crate) async fn deregister(&self, _host: &str) -> Result<(), Error> {
        Ok(())
    }
}

async fn nobody(_: LeaderContext) -> Result<Hosts, Error> {
    panic!("the leader is this test")
}

/// A follower, and where it comes to register.
async fn follower() -> (HostsProxy, Wire, TcpListener) {
    follower_with(Limits::default()).await
}

async fn follower_with(limits: Limits) -> (HostsProxy, Wire, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let joining = tokio::spawn(
        HostsProxy::builder()
            .port(port)
            .role(RolePreference::Follower)
            .limits(limits)
            .node_compat()
            .start(nobody),
    );
    let leader = let_in(&listener).await;
    (joining.await.unwrap().unwrap(), leader, listener)
}

async fn let_in(listener: &TcpListener) -> Wire {
    let mut leader = Wire::new(listener.accept().await.unwrap().0);
    let register = leader.next().await;
    leader.send(&recorded("register_channel_res ok").to(register.id)).await;
    leader
}

#[tokio::test]
async fn what_was_undone_is_not_published_to_the_next_leader() {
    let (follower, mut leader, listener) = follower().await;
    for host in ["gone", "again", "stays"] {
        follower.register(host).await.unwrap();
        leader.next().await;
    }
    for host in ["gone", "again"] {
        let undoing = tokio::spawn({
            let follower = follower.clone();
            async move { follower.deregister(host).await }
        });
        let came = leader.next().await;
        leader.send(&recorded("invoke_result undefined").to(came.id)).await;
        undoing.await.unwrap().unwrap();
    }
    follower.register("again").await.unwrap();
    leader.next().await;

    drop(leader);
    let mut leader = let_in(&listener).await;
    let mut hosts = Vec::new();
    for _ in 0..2 {
        let came = leader.next().await;
        assert!(came.conn.contains(r#""method":"publish""#), "{}", came.conn);
        hosts.push(String::from_utf8_lossy(&came.data).into_owned());
    }
    // Whatever else was published again would come before this.
    let call = tokio::spawn(async move { follower.deregister("end").await });
    assert!(leader.next().await.conn.contains("deregister"));
    call.abort();
    hosts.sort();
    assert!(hosts[0].contains("again") && hosts[1].contains("stays"), "{hosts:?}");
}

#[tokio::test]
async fn all_is_published_again_however_much_it_is() {
    // More than the sockets take while nobody reads.
    const HOSTS: usize = 160;
    let padding = "x".repeat(128 << 10);
    let limits = Limits {
        outbound_bytes: 1 << 16,
        publication_bytes_per_follower: usize::MAX,
        ..Limits::default()
    };
    let (follower, mut leader, listener) = follower_with(limits).await;
    for host in 0..HOSTS {
        follower.register(&format!("{host}{padding}")).await.unwrap();
        leader.next().await;
    }
    drop(leader);
    let mut leader = let_in(&listener).await;
    let mut hosts = HashSet::new();
    for _ in 0..HOSTS {
        let came = timeout(PATIENCE, leader.next()).await;
        hosts.insert(came.expect("something is not published again").data);
    }
    assert_eq!(hosts.len(), HOSTS);
}

/// What a Node leader pushes.
fn push(group: &str, load: &Load) -> Vec<u8> {
    let key = format!("$$inner$$__\"{group}\"");
    let conn =
        ConnObject::SubscribeResult { key: key.into(), item: None, epoch: None, event: None };
    let mut packet = Vec::new();
    let limits = FrameLimits::default();
    write_packet(&mut packet, Kind::Request, 1, 0, &conn.to_bytes(), &limits, |out| {
        Codec::SerializeJson.encode(load, out)
    })
    .unwrap();
    packet
}

#[tokio::test]
async fn the_newest_event_of_each_key_is_delivered() {
    let (follower, mut leader, _listener) = follower().await;
    let mut loads = follower.watch("web".into()).await.unwrap();
    leader.next().await;
    let load = |host: &str, percent| Load { host: host.into(), percent };
    let pushed = [load("a", 1), load("b", 2), load("a", 3)];
    leader.send(&pushed.each_ref().map(|load| push("web", load)).concat()).await;
    for _ in &pushed {
        leader.next().await.is("subscribe_result_res");
    }
    // All three have come by now.
    let mut newest = Vec::new();
    for _ in 0..2 {
        let next = timeout(PATIENCE, loads.next()).await;
        newest.push(next.expect("one of them was lost").unwrap());
    }
    newest.sort_by(|one, other| one.host.cmp(&other.host));
    assert_eq!(newest, [load("a", 3), load("b", 2)]);
}

pub(crate) struct Answering;

#[cluster_client(name = "RegistryClient", vis = "pub(crate)")]
impl Answering {
    #[publish]
    pub(crate) async fn register(&self, _host: &str) -> Result<u32, Error> {
        Ok(1)
    }

    #[invoke]
    pub(crate) async fn count(&self) -> Result<u32, Error> {
        Ok(1)
    }
}

#[tokio::test]
async fn a_publication_with_a_result_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let joining = tokio::spawn(
        AnsweringProxy::builder()
            .port(port)
            .role(RolePreference::Follower)
            .node_compat()
            .start(async |_| -> Result<Answering, Error> { panic!("the leader is this test") }),
    );
    let mut leader = let_in(&listener).await;
    let follower = joining.await.unwrap().unwrap();
    let error = follower.register("a").await.unwrap_err();
    assert!(matches!(&error, Error::InterfaceMismatch { .. }), "{error}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    let call = tokio::spawn(async move { follower.count().await });
    assert!(leader.next().await.conn.contains("count"), "the publication was sent");
    call.abort();
}
