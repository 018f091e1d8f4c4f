//! What a Rust follower keeps of its own under a Node leader, which says less than a Rust one.

use cluster_client::{
    Error, LeaderContext, RolePreference, Subscribe, Subscription, Value, cluster_client,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::recorded::{Wire, recorded};

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
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let joining = tokio::spawn(
        HostsProxy::builder().port(port).role(RolePreference::Follower).node_compat().start(nobody),
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
