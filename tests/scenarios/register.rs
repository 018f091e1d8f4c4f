//! 60 to 62: `register_error.test.js`.

use std::time::Duration;

use cluster_client::Error;
use serde_json::json;

use crate::cast::{Build, Kind, Scene};
use crate::member::node_reg;
use crate::registry::{Failed, Reg};
use crate::relay::{Fault, Relay};
use crate::{live, soon};

#[test]
fn b60_leader() {
    node_registers_again(Fault::Lost);
}

/// What arrives first and is no registration ends the connection.
#[test]
fn b60_leader_rewritten() {
    live(async {
        let scene = Scene::new();
        let leader = scene.rust().await;
        let relay = Relay::to(scene.port, Fault::Rewritten).await;
        let beyond = Scene { port: relay.port, ..scene };
        let (node, joined) = beyond.try_node("Registry", json!({ "isLeader": false }));
        assert_eq!(joined.unwrap_err().name, "SocketCloseError");
        // It tries again by itself.
        soon(async {
            while node.call("get", &[json!("id")]).is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        drop(leader);
    });
}

#[test]
fn b61_leader() {
    node_registers_again(Fault::AnswerRewritten);
}

/// After its time for an answer, and three seconds.
fn node_registers_again(fault: Fault) {
    live(async {
        let scene = Scene::new();
        let leader = scene.rust().await;
        let relay = Relay::to(scene.port, fault).await;
        let beyond = Scene { port: relay.port, ..scene };
        let node = beyond.node("Registry", json!({ "isLeader": false, "responseTimeout": 500 }));
        assert_eq!(node.call("get", &[json!("id")]).unwrap(), "id");
        drop(leader);
    });
}

#[test]
fn b60_follower() {
    rust_registers_again(Fault::Lost);
}

#[test]
fn b60_follower_rewritten() {
    rust_registers_again(Fault::Rewritten);
}

fn rust_registers_again(fault: Fault) {
    live(async {
        let scene = Scene::new();
        let _leader = scene.node("Registry", json!({}));
        let relay = Relay::to(scene.port, fault).await;
        let beyond = Scene { port: relay.port, ..scene };
        let builder = Scene::follower().connect_timeout(Duration::from_millis(500));
        let follower = beyond.start(builder, Build::default()).await.unwrap();
        assert_eq!(soon(follower.get("id".to_owned())).await, Ok("id".to_owned()));
    });
}

/// Here such an answer is an error at once.
#[test]
fn b61_follower() {
    live(async {
        let scene = Scene::new();
        let _leader = scene.node("Registry", json!({}));
        let relay = Relay::to(scene.port, Fault::AnswerRewritten).await;
        let beyond = Scene { port: relay.port, ..scene };
        let builder = || Scene::follower().connect_timeout(Duration::from_millis(500));
        let refused = beyond.start(builder(), Build::default()).await.unwrap_err();
        assert!(matches!(refused, Error::ForeignPort { .. }), "{refused:?}");
        let follower = beyond.start(builder(), Build::default()).await.unwrap();
        assert_eq!(soon(follower.get("id".to_owned())).await, Ok("id".to_owned()));
    });
}

#[test]
fn b62_leader() {
    live(async {
        let (_scene, leader, follower) = Scene::cast(Kind::Rust).await;
        follower.close().await;
        let subscribe = json!({ "listener": "late", "reg": node_reg("foo") });
        follower.node().ask("subscribe", subscribe).unwrap();
        assert_eq!(leader.count().await, (1, 0));
    });
}

#[test]
fn b62_follower() {
    live(async {
        let (_scene, leader, follower) = Scene::cast(Kind::Node).await;
        follower.close().await;
        let error = soon(follower.rust().watch(Reg { key: "foo".to_owned() })).await.unwrap_err();
        assert_eq!(error, Error::Closed);
        let error = soon(follower.rust().get("id".to_owned())).await.unwrap_err();
        assert_eq!(error, Failed::Cluster(Error::Closed));
        assert_eq!(leader.count().await, (1, 0));
    });
}
