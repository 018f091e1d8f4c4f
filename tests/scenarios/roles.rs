//! 51, 52, 63 and 65: one of many subscribers, the next leader, and several names on a port.

use std::sync::Mutex;
use std::time::Duration;

use cluster_client::{
    Error, Role, Subscribe, Subscription, SubscriptionSender, Value, cluster_client,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cast::{Build, Kind, Scene, process};
use crate::listener::Listener;
use crate::member::{Member, node_provider};
use crate::registry::{Provider, Reg};
use crate::{live, soon};

roles! {
    b52_leader, b52_follower: the_next_leader_has_what_there_was;
    b65_leader, b65_follower: a_closed_name_can_be_claimed_again;
}

/// Values of which each goes to one subscriber.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(receivers = "one")]
pub(crate) struct Job(Vec<String>);

#[derive(Default)]
struct Jobs {
    takers: Mutex<Vec<SubscriptionSender<Job>>>,
}

#[cluster_client(name = "Registry", rename_all = "camelCase", vis = "pub(crate)")]
impl Jobs {
    #[invoke]
    pub(crate) async fn echo(&self, value: Value) -> Value {
        value
    }

    #[subscribe]
    pub(crate) async fn take(&self, _reg: Reg) -> Result<Subscription<Job>, Error> {
        let (sender, subscription) = Subscription::channel();
        self.takers.lock().unwrap().push(sender);
        Ok(subscription)
    }

    #[publish(event)]
    pub(crate) async fn publish(&self, provider: Provider) -> Result<(), Error> {
        for taker in self.takers.lock().unwrap().iter() {
            taker.send(Job(vec![provider.value.clone()])).unwrap();
        }
        Ok(())
    }
}

async fn jobs(scene: &Scene) -> JobsProxy {
    let builder = JobsProxy::builder().port(scene.port).node_compat();
    soon(builder.start(async |_| Ok::<_, Error>(Jobs::default()))).await.unwrap()
}

#[test]
fn b51_leader() {
    live(async {
        let scene = Scene::new();
        let leader = jobs(&scene).await;
        let mut own = leader.take(Reg { key: "foo".to_owned() }).await.unwrap();
        let nodes = [scene.node("Registry", json!({})), scene.node("Registry", json!({}))];
        let listeners = nodes.each_ref().map(|node| Listener::node(node, "subscribe", "foo"));
        let round_trip = || nodes.iter().for_each(|node| drop(node.call("echo", &[json!(0)])));
        round_trip();
        let provider = Provider { key: "foo".to_owned(), value: "bar".to_owned() };
        leader.publish(provider).await.unwrap();
        round_trip();
        let of_nodes: usize = listeners.iter().map(Listener::heard).sum();
        if of_nodes == 0 {
            assert_eq!(soon(own.next()).await, Some(bar()));
        } else {
            assert_eq!((of_nodes, waiting(&mut own).await), (1, 0));
        }
    });
}

#[test]
fn b51_follower() {
    live(async {
        let scene = Scene::new();
        let leader = scene.node("Registry", json!({ "isBroadcast": false }));
        let (first, second) = (jobs(&scene).await, jobs(&scene).await);
        let reg = || Reg { key: "foo".to_owned() };
        let mut one = first.take(reg()).await.unwrap();
        // The first subscription brings the first value, to whoever there is.
        assert_eq!(soon(one.next()).await, Some(Job(Vec::new())));
        let mut two = second.take(reg()).await.unwrap();
        let own = Listener::node(&leader, "subscribe", "foo");
        second.echo(Value::Null).await.unwrap();

        leader.send("publish", &node_provider("foo", "bar"));
        leader.call("echo", &[json!(0)]).unwrap();
        for follower in [&first, &second] {
            soon(follower.echo(Value::Null)).await.unwrap();
        }
        assert_eq!(waiting(&mut one).await + waiting(&mut two).await + own.heard(), 1);
    });
}

fn bar() -> Job {
    Job(vec!["bar".to_owned()])
}

/// How many values wait to be taken.
async fn waiting(taker: &mut Subscription<Job>) -> usize {
    let mut waiting = 0;
    while let Ok(job) = tokio::time::timeout(Duration::ZERO, taker.next()).await {
        assert_eq!(job, Some(bar()));
        waiting += 1;
    }
    waiting
}

/// The leader closes, or its server is ended from inside where it is Node's; it comes back as a follower, or leads again.
async fn the_next_leader_has_what_there_was(kind: Kind) {
    let scene = Scene::new();
    let first = scene.join(kind).await;
    let (second, third) = (scene.join(kind.other()).await, scene.join(Kind::Rust).await);
    let mut listener = second.listen("foo").await;
    second.publish("foo", "host:1").await;
    listener.hears(&["host:1"]).await;
    assert_eq!([&first, &second, &third].map(|member| member.leads()), [true, false, false]);

    let former = match &first {
        Member::Rust(_) => {
            first.close().await;
            scene.join(Kind::Rust).await
        }
        Member::Node(peer) => {
            let from = peer.node.now();
            peer.ask("cutOff", json!({})).unwrap();
            peer.event(from, "role", |_| Some(()));
            Member::Node(peer.clone())
        }
    };
    let mut late = third.listen("foo").await;
    late.hears(&["host:1"]).await;
    former.publish("foo", "host:2").await;
    late.hears(&["host:1", "host:2"]).await;
    listener.hears(&["host:1", "host:2"]).await;
    let leaders = [&former, &second, &third].iter().filter(|member| member.leads()).count();
    assert_eq!(leaders, 1);
}

async fn a_closed_name_can_be_claimed_again(kind: Kind) {
    let scene = Scene::new();
    let first = scene.join(kind).await;
    first.close().await;
    let second = scene.join(kind.other()).await;
    assert!(second.leads());
    second.close().await;
    assert!(scene.join(kind).await.leads());
}

#[test]
fn b63_leader() {
    live(async {
        let scene = Scene::new();
        let registry = scene.rust().await;
        let builder = JobsProxy::builder().name("Jobs").port(scene.port).node_compat();
        let other = soon(builder.start(async |_| Ok::<_, Error>(Jobs::default()))).await.unwrap();
        for role in [registry.membership().role(), other.membership().role()] {
            assert_eq!(role, Role::Leader);
        }
        let process = process();
        for (name, method) in [("Registry", "get"), ("Jobs", "echo")] {
            let (node, id) = scene.join_process(&process, "Registry", json!({ "name": name }));
            process.answer(id).unwrap();
            assert_eq!(node.call(method, &[json!("id")]).unwrap(), "id");
        }
    });
}

#[test]
fn b63_follower() {
    live(async {
        let scene = Scene::new();
        let process = process();
        for name in ["Registry", "Other"] {
            let (node, id) = scene.join_process(&process, "Registry", json!({ "name": name }));
            process.answer(id).unwrap();
            assert!(node.leads());
            let follower = scene.start(Scene::follower().name(name), Build::default());
            let follower = follower.await.unwrap();
            assert_eq!(soon(follower.get(name.to_owned())).await, Ok(name.to_owned()));
        }
    });
}

/// A Node process that encodes in a way of its own is not understood, and the error says that.
#[test]
fn b50_follower() {
    live(async {
        let scene = Scene::new();
        let _leader = scene.node("Registry", json!({ "transcode": "json" }));
        let error = scene.start(Scene::follower(), Build::default()).await.unwrap_err();
        assert!(matches!(error, Error::ForeignPort { .. }), "{error:?}");
    });
}

/// Its own decoder ends a Node process that is answered in serialize-json.
#[test]
fn b50_leader() {
    live(async {
        let (scene, _leader, follower) = Scene::cast(Kind::Rust).await;
        let (node, _) = scene.begin_node("Registry", json!({ "transcode": "json" }));
        let (_status, complaints) = node.node.ended("it cannot read the answer");
        assert!(complaints.contains("is not valid JSON"), "{complaints}");
        assert_eq!(follower.get("id").await, Ok("id".to_owned()));
    });
}
