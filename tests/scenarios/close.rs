//! 16 to 18 and 36 to 40: what closes, and who goes on.

use std::net::TcpListener;

use cluster_client::{Error, Role, Subscription, cluster_client};
use serde_json::json;

use crate::cast::{Kind, Scene, process};
use crate::live;
use crate::member::Member;
use crate::registry::{List, Reg, RegistryProxy};
use crate::soon;

roles! {
    b16_leader, b16_follower: the_close_method_has_run_when_it_resolves;
    b36_leader, b36_follower: closing_all_closes_the_real_client_and_frees_the_port;
    b40_leader, b40_follower: closing_waits_for_the_real_client;
}

/// Only a leader's has something to close.
async fn the_close_method_has_run_when_it_resolves(kind: Kind) {
    let scene = Scene::new();
    let leader = match kind {
        Kind::Rust => scene.join(Kind::Rust).await,
        Kind::Node => Member::Node(scene.node("Destroyed", json!({}))),
    };
    let gone = scene.join(kind.other()).await;
    match &gone {
        Member::Rust(proxy) => soon(proxy.destroy()).await,
        Member::Node(peer) => drop(peer.call("close", &[]).unwrap()),
    }
    assert_eq!(closed(&scene, &leader, "destroy"), 0);
    assert_eq!(leader.get("id").await, Ok("id".to_owned()));

    let follower = scene.join(kind.other()).await;
    match &leader {
        Member::Rust(proxy) => soon(proxy.destroy()).await,
        Member::Node(peer) => drop(peer.call("destroy", &[]).unwrap()),
    }
    assert_eq!(closed(&scene, &leader, "destroy"), 1);
    follower.takes_over().await;
    assert_eq!(follower.get("id").await, Ok("id".to_owned()));
}

/// How many real clients of the leader's kind were closed.
fn closed(scene: &Scene, leader: &Member, method: &str) -> usize {
    match leader {
        Member::Rust(_) => scene.book.closed() as usize,
        Member::Node(peer) => {
            let ran = |line: &serde_json::Value| (line["method"] == method).then_some(());
            peer.node.all(0, ran).len()
        }
    }
}

async fn closing_all_closes_the_real_client_and_frees_the_port(kind: Kind) {
    let (scene, leader, follower) = Scene::cast(kind).await;
    follower.close().await;
    assert_eq!(closed(&scene, &leader, "close"), 0);
    leader.close().await;
    assert_eq!(closed(&scene, &leader, "close"), 1);
    TcpListener::bind(("127.0.0.1", scene.port)).unwrap();
}

async fn closing_waits_for_the_real_client(kind: Kind) {
    let (scene, leader, follower) = Scene::cast(kind).await;
    leader.close().await;
    assert_eq!(closed(&scene, &leader, "close"), 1);
    follower.takes_over().await;
    assert_eq!(follower.get("id").await, Ok("id".to_owned()));
}

/// Nothing of the original's but its name: a channel without a close method.
struct Unclosed;

#[cluster_client(name = "Registry", vis = "pub(crate)")]
impl Unclosed {
    #[invoke]
    async fn get(&self, id: String) -> String {
        id
    }

    #[subscribe]
    async fn watch(&self, _reg: Reg) -> Result<Subscription<List>, Error> {
        Ok(Subscription::channel().1)
    }
}

#[test]
fn b17_leader() {
    live(async {
        let scene = Scene::new();
        let builder = UnclosedProxy::builder().port(scene.port).node_compat();
        let leader = soon(builder.start(async |_| Ok::<_, Error>(Unclosed))).await.unwrap();
        let follower = scene.join(Kind::Node).await;
        assert_eq!(follower.get("id").await, Ok("id".to_owned()));
        soon(leader.membership().close()).await;
        follower.takes_over().await;
    });
}

#[test]
fn b17_follower() {
    closes_in_order("Unclosed");
}

#[test]
fn b38_follower() {
    closes_in_order("Generated");
}

#[test]
fn b39_follower() {
    closes_in_order("Plain");
}

/// A Node leader of this kind closes, and its follower takes over.
fn closes_in_order(class: &str) {
    live(async {
        let scene = Scene::new();
        let leader = Member::Node(scene.node(class, json!({})));
        let follower = scene.join(Kind::Rust).await;
        leader.close().await;
        assert_eq!(closed(&scene, &leader, "close"), usize::from(class != "Unclosed"));
        follower.takes_over().await;
        assert_eq!(follower.get("id").await, Ok("id".to_owned()));
    });
}

/// Nobody hears of it.
#[test]
fn b18_follower() {
    live(async {
        let scene = Scene::new();
        let leader = scene.node("Loud", json!({}));
        let follower = scene.join(Kind::Rust).await;
        let from = leader.node.now();
        leader.close();
        leader.ran(from, "shout");
        leader.close();
        follower.takes_over().await;
        assert_eq!(follower.get("id").await, Ok("id".to_owned()));
    });
}

/// Two names of a Node process; the server of the port stays for the one that does not close.
#[test]
fn b37_follower() {
    live(async {
        let scene = Scene::new();
        let process = process();
        let (registry, id) = scene.join_process(&process, "Registry", json!({}));
        process.answer(id).unwrap();
        let (other, id) = scene.join_process(&process, "Registry", json!({ "name": "Other" }));
        process.answer(id).unwrap();
        let follower = scene.join(Kind::Rust).await;
        other.close();
        assert_eq!(follower.get("id").await, Ok("id".to_owned()));
        assert!(registry.leads() && !follower.leads());
    });
}

/// A channel without followers goes alone.
#[test]
fn b37_leader() {
    live(async {
        let (scene, registry, other) = two_channels().await;
        let follower = scene.join(Kind::Node).await;
        soon(other.membership().close()).await;
        assert_eq!(follower.get("id").await, Ok("id".to_owned()));
        assert_eq!(registry.membership().role(), Role::Leader);
    });
}

/// Its followers need a leader, so the port is handed over with all channels.
#[test]
fn b37_leader_with_followers() {
    live(async {
        let (scene, registry, other) = two_channels().await;
        let process = process();
        let nodes = ["Registry", "Other"].map(|name| {
            let (node, id) = scene.join_process(&process, "Registry", json!({ "name": name }));
            process.answer(id).unwrap();
            Member::Node(node)
        });
        soon(other.membership().close()).await;
        // To whoever is first: the others are not left with a leader that has closed.
        nodes[1].node().event(0, "lost", |_| Some(()));
        nodes[0].node().event(0, "role", |_| Some(()));
        assert_eq!(nodes[0].get("id").await, Ok("id".to_owned()));
        assert_eq!(soon(registry.get("id".to_owned())).await, Ok("id".to_owned()));
    });
}

/// Both led by this process.
async fn two_channels() -> (Scene, RegistryProxy, UnclosedProxy) {
    let scene = Scene::new();
    let registry = scene.rust().await;
    let builder = UnclosedProxy::builder().name("Other").port(scene.port).node_compat();
    let other = soon(builder.start(async |_| Ok::<_, Error>(Unclosed))).await.unwrap();
    assert_eq!(other.membership().role(), Role::Leader);
    (scene, registry, other)
}
