//! Who may lead, and who waits for whom.

use std::sync::Arc;

use cluster_client::{Error, Outcome, Role, RolePreference};
use serde_json::json;
use support::backend::{Backend, BackendProxy};
use support::free_port;
use support::ledger::Ledger;
use tokio::sync::Notify;

use crate::node::Node;
use crate::scene::{Scene, until_role};
use crate::store::{Interop, InteropProxy, Ran, StoreError};
use crate::{live, soon};

#[test]
fn who_must_lead_fails_on_a_port_of_the_other_kind() {
    live(async {
        let scene = Scene::new();
        let _leader = scene.rust().await;
        let setup = json!({ "options": scene.options(json!({ "isLeader": true })) });
        let (_node, result) = Node::spawn().try_join("Interop", setup);
        let error = result.unwrap_err();
        assert!(error.message.ends_with("is occupied by other"), "{error:?}");

        let scene = Scene::new();
        let _leader = scene.node();
        let builder = InteropProxy::builder().role(RolePreference::Leader);
        let error = scene.start(builder).await.expect_err("Node leads");
        assert!(matches!(error, Error::PortOccupied { .. }), "{error:?}");
    });
}

/// It looks whether anybody listens, by a connection that it ends at once.
#[test]
fn a_node_member_that_never_leads_follows_a_rust_leader() {
    live(async {
        let scene = Scene::new();
        let leader = scene.rust().await;
        let node = scene.node_with(json!({ "isLeader": false }));
        assert!(!node.leads());
        assert_eq!(node.call("add", &[json!(1), json!(1)]).unwrap(), 2);
        assert_eq!(leader.add(1.0, 1.0).await, Ok(2.0));
    });
}

#[test]
fn node_waits_for_a_real_client_that_a_rust_leader_takes_long_to_build() {
    live(async {
        let port = free_port();
        let (begun, go_on) = <(Arc<Notify>, Arc<Notify>)>::default();
        let (building, built) = (Arc::clone(&begun), Arc::clone(&go_on));
        let builder = InteropProxy::builder().port(port).node_compat();
        let starting = tokio::spawn(builder.start(move |_| {
            let (begun, go_on) = (Arc::clone(&building), Arc::clone(&built));
            async move {
                begun.notify_one();
                go_on.notified().await;
                Ok::<_, Error>(Interop::new(Ran::default()))
            }
        }));
        soon(begun.notified()).await;
        let setup = json!({ "options": { "port": port } });
        let (node, id) = Node::spawn().begin_join("Interop", setup);
        // Another process is there in no time, so this one has registered, or is about to.
        let _other = Scene::new().node();
        assert_eq!(node.node.now(), 0, "it is not ready");
        go_on.notify_one();
        node.node.answer(id).unwrap();
        let leader = soon(starting).await.unwrap().unwrap();
        assert_eq!(leader.membership().role(), Role::Leader);
        assert_eq!(node.call("add", &[json!(1), json!(1)]).unwrap(), 2);
    });
}

/// D9: nobody stays with a leader that has closed, though its process keeps another channel.
#[test]
fn closing_one_of_two_channels_leaves_no_node_follower_behind() {
    live(async {
        let scene = Scene::new();
        let (interop, jobs) = (scene.rust().await, scene.jobs().await);
        let node = Node::spawn();
        let first = node.join("Interop", scene.options(json!({})));
        let second = node.join("Interop", scene.options(json!({ "name": "Jobs" })));
        let from = node.now();
        soon(interop.membership().close()).await;
        // The port goes with all channels, to whoever is first.
        first.event(from, "lost", |_| Some(()));
        second.event(from, "role", |_| Some(()));
        assert_eq!(second.call("echo", &[json!(1)]).unwrap(), 1);
        assert_eq!(jobs.echo(1).await, Ok(1));
    });
}

#[test]
fn a_call_that_a_killed_node_leader_had_is_of_unknown_outcome() {
    live(async {
        let (_scene, leader, rust, _node) = Scene::led_by_node().await;
        let running = tokio::spawn({
            let rust = rust.clone();
            async move { rust.slow(10_000).await }
        });
        leader.ran(0, "slow");
        leader.node.kill();
        let error = soon(running).await.unwrap().unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
        assert_eq!(rust.add(1.0, 1.0).await, Ok(2.0), "sent to the next leader");
    });
}

/// What a Node leader has executed, and answered with an error.
#[test]
fn an_error_of_a_node_leader_says_that_the_call_ran() {
    live(async {
        let (_scene, _leader, rust, _node) = Scene::led_by_node().await;
        let StoreError::Cluster(error) = rust.fail("plain").await.unwrap_err() else { panic!() };
        assert_eq!(error.outcome(), Outcome::Executed, "{error:?}");
    });
}

/// Only a Rust leader promises that, for followers of both kinds.
#[test]
fn the_publication_of_a_node_follower_that_is_killed_is_taken_back() {
    live(async {
        let (port, ledger) = (free_port(), Ledger::open());
        let at = ledger.port();
        let builder = BackendProxy::builder().port(port).node_compat();
        let start = builder.start(move |cx| Backend::connect(at, cx.epoch()));
        let leader = soon(start).await.unwrap();
        assert_eq!(leader.membership().role(), Role::Leader);
        let node = Node::spawn().join("Backend", json!({ "port": port }));
        let registered = |names: &[&str]| {
            tokio::task::block_in_place(|| {
                ledger.wait("the publications", |book| {
                    book.client()?.registered.iter().eq(names).then_some(())
                });
            });
        };
        node.send("publish", &json!("node"));
        registered(&["node"]);
        node.node.kill();
        registered(&[]);
    });
}

#[test]
fn a_rust_member_that_leaves_a_node_leader_is_not_missed() {
    live(async {
        let (scene, leader, rust, node) = Scene::led_by_node().await;
        soon(rust.membership().close()).await;
        until_role(&rust, Role::Closed).await;
        let again = scene.rust().await;
        assert_eq!(again.add(1.0, 1.0).await, Ok(2.0));
        assert_eq!(node.call("add", &[json!(1), json!(1)]).unwrap(), 2);
        let errors = leader.node.all(0, |line| (line["event"] == "error").then(|| line.clone()));
        assert_eq!(errors, Vec::<serde_json::Value>::new());
    });
}
