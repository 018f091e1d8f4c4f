//! A Rust follower and the packets of a Node leader.

use std::time::Duration;

use cluster_client::{Error, LeaderInfo, Role, RolePreference, Value};
use cluster_protocol::{Codec, ConnObject, Kind};
use tokio::net::TcpListener;

use crate::recorded::{Came, Wire, recorded};
use crate::registry::{
    Address, Addresses, All, Published, RegistryError, RegistryProxy, Watched, nobody,
};

/// A follower, and the leader's end of its connection.
async fn follower() -> (RegistryProxy, Wire) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let joining = tokio::spawn(
        RegistryProxy::builder()
            .port(port)
            .role(RolePreference::Follower)
            .heartbeat_interval(Duration::from_millis(50))
            .node_compat()
            .start(nobody),
    );
    let mut leader = Wire::new(listener.accept().await.unwrap().0);
    let register = leader.next().await;
    registers(&register);
    leader.send(&recorded("register_channel_res ok").to(register.id)).await;
    (joining.await.unwrap().unwrap(), leader)
}

/// As Node does, but for the field that Node ignores.
fn registers(came: &Came) {
    let recorded = recorded("register_channel").conn;
    let open = recorded.strip_suffix('}').unwrap();
    assert!(came.conn.starts_with(&format!("{open},\"rs\":{{")), "{}", came.conn);
    assert!(matches!(
        ConnObject::parse(came.conn.as_bytes()),
        Ok(ConnObject::RegisterChannel { rs: Some(_), .. })
    ));
}

#[tokio::test]
async fn calls_are_made_as_node_makes_them() {
    let (follower, mut leader) = follower().await;
    assert_eq!(follower.membership().role(), Role::Follower);
    let Some(LeaderInfo { pid: 0, epoch: 0, .. }) = follower.membership().leader() else {
        panic!("a Node leader does not say who it is")
    };
    let call = tokio::spawn({
        let follower = follower.clone();
        async move { follower.get_all().await }
    });
    let came = leader.next().await;
    came.is("invoke no args");
    let first = came.id;
    leader.send(&recorded("invoke_result ok").to(came.id)).await;
    assert_eq!(call.await.unwrap(), Ok(All { a: 1 }));

    let two = recorded("invoke two args").data();
    let (_, second) = two.split_at(4 + 12 + 4);
    let options: Value = Codec::SerializeJson.decode(second).unwrap();
    let call = tokio::spawn({
        let follower = follower.clone();
        async move { follower.get_data(Some("some id".into()), Some(options)).await }
    });
    let came = leader.next().await;
    came.is("invoke two args");
    assert!((first + 1..1 << 30).contains(&came.id), "ids count up from 1: {first}, {}", came.id);
    leader.send(&recorded("invoke_result undefined").to(came.id)).await;
    assert_eq!(call.await.unwrap(), Ok(Value::Undefined));
}

#[tokio::test]
async fn what_node_has_thrown_is_an_error_with_all_that_it_said() {
    let (follower, mut leader) = follower().await;
    let call = tokio::spawn(async move { follower.get_all().await });
    let came = leader.next().await;
    leader.send(&recorded("invoke_result error").to(came.id)).await;
    let expected = Error::NodeError {
        method: "getAll".into(),
        name: "Error".into(),
        message: "mock error".into(),
        code: Some("ECODE".into()),
        stack: Some("Error: mock error\n    at x".into()),
    };
    assert_eq!(call.await.unwrap(), Err(RegistryError::Cluster(expected)));
}

#[tokio::test]
async fn a_subscription_is_written_acknowledged_and_given_up_as_by_node() {
    let (follower, mut leader) = follower().await;
    let watched = Watched { data_id: "foo".into(), group: "bar".into() };
    let mut subscription = follower.watch(watched).await.unwrap();
    leader.next().await.is("subscribe");

    let push = recorded("subscribe_result");
    leader.send(&push.bytes()).await;
    let acknowledged = leader.next().await;
    assert_eq!((acknowledged.kind, acknowledged.id), (Kind::Response, push.id));
    acknowledged.is("subscribe_result_res");
    let address = Address { ip: "10.0.0.1".into(), port: 12200 };
    assert_eq!(subscription.next().await, Some(Addresses(vec![address])));

    drop(subscription);
    leader.next().await.is("unSubscribe");
}

#[tokio::test]
async fn a_publication_is_sent_as_node_sends_it() {
    let (follower, mut leader) = follower().await;
    let published = Published { data_id: "foo".into(), publish_data: "bar xx".into() };
    assert_eq!(follower.register(published).await, Ok(()));
    leader.next().await.is("publish (invoke oneway)");
}

#[tokio::test]
async fn a_heartbeat_is_nodes_and_comes_while_a_call_waits() {
    let (follower, mut leader) = follower().await;
    let call = tokio::spawn(async move { follower.get_all().await });
    let came = leader.next().await;
    for _ in 0..3 {
        let beat = leader.any().await;
        beat.is("heartbeat");
        leader.send(&recorded("heartbeat_res").to(beat.id)).await;
    }
    leader.send(&recorded("invoke_result ok").to(came.id)).await;
    assert_eq!(call.await.unwrap(), Ok(All { a: 1 }));
}

#[tokio::test]
async fn a_leader_without_its_real_client_says_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let joining = tokio::spawn(
        RegistryProxy::builder()
            .port(port)
            .role(RolePreference::Follower)
            .node_compat()
            .start(nobody),
    );
    let mut leader = Wire::new(listener.accept().await.unwrap().0);
    // It is asked again while it says nothing.
    let (first, again) = (leader.next().await, leader.next().await);
    registers(&again);
    assert_ne!(first.id, again.id);
    leader.send(&recorded("register_channel_res error").to(again.id)).await;
    let refused = joining.await.unwrap().unwrap_err();
    assert_eq!(
        refused,
        Error::RealClient { channel: "RegistryClient".into(), message: "boom".into() }
    );
}
