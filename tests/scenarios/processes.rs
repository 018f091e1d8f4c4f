//! 19, 20 and 22: `cluster.test.js`, with members that are processes of their own.

use serde_json::json;
use support::process::Group;
use support::report::{Command, Report};

use crate::cast::{Kind, Scene, process};
use crate::live;
use crate::member::Member;

roles! {
    b19_leader, b19_follower: one_publishes_and_four_subscribe;
    b22_leader, b22_follower: of_two_that_start_at_once_one_leads;
}

async fn one_publishes_and_four_subscribe(kind: Kind) {
    let (scene, publisher, _) = Scene::cast(kind).await;
    let mut listeners = Vec::new();
    for _ in 0..4 {
        let member = scene.join(kind.other()).await;
        listeners.push((member.listen("test-id").await, member));
    }
    publisher.publish("test-id", "now").await;
    for (listener, _) in &mut listeners {
        listener.hears(&["now"]).await;
    }
}

/// `kind` is told first.
async fn of_two_that_start_at_once_one_leads(kind: Kind) {
    let scene = Scene::new();
    let process = process();
    let node = async { scene.join_process(&process, "Registry", json!({})) };
    let (rust, (node, id)) = match kind {
        Kind::Rust => tokio::join!(scene.rust(), node),
        Kind::Node => {
            let (node, rust) = tokio::join!(node, scene.rust());
            (rust, node)
        }
    };
    process.answer(id).unwrap();
    let members = [Member::Rust(rust), Member::Node(node)];
    assert_eq!(members.iter().filter(|member| member.leads()).count(), 1);
    for member in &members {
        let mut listener = member.listen("foo").await;
        member.publish("foo", "bar").await;
        listener.hears(&["bar"]).await;
    }
}

/// The leader, a process of its own, is killed; the Node follower gets the next value without doing anything.
#[test]
fn b20_leader() {
    live(async {
        let mut group = Group::new(env!("CARGO_BIN_EXE_member"));
        group.setup.node_compat = true;
        let mut leader = group.spawn();
        assert!(leader.started());
        let setup =
            json!({ "ledger": group.ledger.port(), "options": { "port": group.setup.port } });
        let (node, joined) = process().try_join("Backend", setup);
        joined.unwrap();
        node.subscribe("news", &json!("news"));
        let publisher = group.spawn();
        publisher.started();
        let registered = |report: &Report| matches!(report, Report::Registered).then_some(());
        publisher.ask(&Command::Register { name: "publisher".to_owned() }, registered);
        group.ledger.publish("news", 1);
        node.hears(0, "news", &json!(1));

        group.ledger.will_be_killed(leader.pid());
        leader.kill();
        group.ledger.wait("the publication at the next leader", |book| {
            book.client()
                .is_some_and(|client| client.registered.contains("publisher"))
                .then_some(())
        });
        group.ledger.publish("news", 2);
        node.hears(0, "news", &json!(2));
    });
}

#[test]
fn b20_follower() {
    live(async {
        let (scene, leader, follower) = Scene::cast(Kind::Node).await;
        let publisher = scene.join(Kind::Node).await;
        let mut listener = follower.listen("test-id").await;
        publisher.publish("test-id", "one").await;
        listener.hears(&["one"]).await;
        leader.node().node.kill();
        // It remembers what it publishes, whether it has noticed or not.
        publisher.publish("test-id", "two").await;
        listener.hears(&["one", "two"]).await;
    });
}
