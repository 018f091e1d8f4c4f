//! 56 to 59: `lazy.test.js` and `ready.test.js`, followers before their leader and real clients that fail.

use std::time::Duration;

use serde_json::json;

use crate::cast::{Build, FAILING, Kind, SLOW, Scene};
use crate::member::Member;
use crate::{live, soon};

roles! {
    b56_leader, b56_follower: a_follower_before_its_leader;
}

async fn a_follower_before_its_leader(kind: Kind) {
    let scene = Scene::new();
    let (leader, follower) = match kind {
        Kind::Rust => {
            let options = json!({ "isLeader": false, "responseTimeout": 100 });
            let (follower, id) = scene.begin_node("Registry", options);
            // It has looked for a leader by now.
            assert!(!follower.leads());
            let leader = scene.start(Scene::builder(), SLOW).await.unwrap();
            follower.node.answer(id).unwrap();
            (Member::Rust(leader), Member::Node(follower))
        }
        Kind::Node => {
            let follower = scene.start(Scene::follower(), Build::default());
            let leader = async {
                scene.begin_node("Slow", json!({ "isLeader": true, "responseTimeout": 100 }))
            };
            let (follower, (leader, id)) = tokio::join!(follower, leader);
            leader.node.answer(id).unwrap();
            (Member::Node(leader), Member::Rust(follower.unwrap()))
        }
    };
    for member in [&leader, &follower] {
        assert_eq!(member.get("hello").await, Ok("hello".to_owned()));
    }
}

/// Node looks every three seconds for a leader.
#[test]
fn b57_leader() {
    live(async {
        let scene = Scene::new();
        let (follower, id) = scene.begin_node("Registry", json!({ "isLeader": false }));
        assert!(!follower.leads());
        let build = Build { after: Duration::from_secs(5), ..FAILING };
        let error = scene.start(Scene::builder(), build).await.unwrap_err();
        assert!(error.to_string().contains("mock error"), "{error}");
        assert_eq!(follower.node.answer(id).unwrap_err().message, "mock error");
        follower.close();
    });
}

#[test]
fn b57_follower() {
    live(async {
        let scene = Scene::new();
        let follower = scene.start(Scene::follower(), Build::default());
        let leader = async { scene.begin_node("Failing", json!({ "isLeader": true })) };
        let (follower, (leader, id)) = tokio::join!(follower, leader);
        let error = follower.unwrap_err();
        assert!(error.to_string().contains("mock error"), "{error}");
        assert_eq!(leader.node.answer(id).unwrap_err().message, "mock error");
        leader.close();
    });
}

#[test]
fn b58_leader() {
    live(async {
        let (scene, _leader) = Scene::led_by_failing_rust().await;
        let (follower, joined) = scene.try_node("Registry", json!({}));
        assert_eq!(joined.unwrap_err().message, "mock error");
        follower.close();
    });
}

#[test]
fn b58_follower() {
    live(async {
        let (scene, leader, _follower) = Scene::led_by_failing_node().await;
        let error = scene.start(Scene::follower(), Build::default()).await.unwrap_err();
        assert!(error.to_string().contains("mock error"), "{error}");
        leader.close();
    });
}

#[test]
fn b59_leader() {
    live(async {
        let (scene, leader) = Scene::led_by_failing_rust().await;
        let (follower, _joined) = scene.try_node("Registry", json!({}));
        assert_eq!(follower.call("get", &[json!("id")]).unwrap_err().message, "mock error");
        let error = soon(leader.get("id".to_owned())).await.unwrap_err();
        assert!(error.to_string().contains("mock error"), "{error}");
    });
}

#[test]
fn b59_follower() {
    live(async {
        let (_scene, leader, follower) = Scene::led_by_failing_node().await;
        assert_eq!(leader.call("get", &[json!("id")]).unwrap_err().message, "mock error");
        let error = soon(follower.get("id".to_owned())).await.unwrap_err();
        assert!(error.to_string().contains("mock error"), "{error}");
    });
}
