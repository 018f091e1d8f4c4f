//! 21, 42, 46 to 48 and 54: calls.

use std::slice;

use cluster_client::{Buffer, Date, Error, Value, cluster_client};
use serde_json::json;

use crate::cast::{Kind, Scene};
use crate::member::{mock_error, node_provider, provider, text};
use crate::registry::Provider;
use crate::{live, soon};

roles! {
    b42_leader, b42_follower: a_value_and_an_error;
    b46_leader, b46_follower: a_callback;
    b47_leader, b47_follower: a_promise;
    b54_leader, b54_follower: each_key_has_its_listeners;
}

#[test]
fn b21_leader() {
    live(async {
        let (_scene, _leader, follower) = Scene::cast(Kind::Rust).await;
        for value in [
            json!({ "$": "date", "ms": 1_700_000_000_000_u64 }),
            json!({ "$": "bytes", "hex": "68656c6c6f" }),
            json!({ "$": "object", "v": [["name", "peter"]] }),
        ] {
            assert_eq!(follower.node().call("echo", slice::from_ref(&value)).unwrap(), value);
        }
    });
}

#[test]
fn b21_follower() {
    live(async {
        let (_scene, _leader, follower) = Scene::cast(Kind::Node).await;
        let object = [("name".to_owned(), Value::from("peter"))].into_iter().collect();
        for value in [
            Value::Date(Date::from_millis(1_700_000_000_000).unwrap()),
            Value::Buffer(Buffer(b"hello".to_vec())),
            Value::Object(object),
        ] {
            assert_eq!(soon(follower.rust().echo(value.clone())).await, Ok(value));
        }
    });
}

async fn a_value_and_an_error(kind: Kind) {
    let (_scene, leader, follower) = Scene::cast(kind).await;
    for member in [&leader, &follower] {
        assert_eq!(member.get("123").await, Ok("123".to_owned()));
        assert_eq!(member.get("error").await, mock_error());
    }
}

async fn a_callback(kind: Kind) {
    let (_scene, leader, follower) = Scene::cast(kind).await;
    for member in [&leader, &follower] {
        assert_eq!(member.callback("123").await, Ok("123".to_owned()));
        assert_eq!(member.callback("error").await, mock_error());
    }
}

async fn a_promise(kind: Kind) {
    let (_scene, leader, follower) = Scene::cast(kind).await;
    for member in [&leader, &follower] {
        assert_eq!(member.promise("123").await, Ok("123".to_owned()));
        assert_eq!(member.promise("error").await, mock_error());
    }
}

/// The callback that never comes.
#[test]
fn b46_leader_never() {
    live(async {
        let scene = Scene::new();
        let _leader = scene.rust().await;
        let node = scene.node("Registry", json!({ "responseTimeout": 300 }));
        assert_timed_out(&node.call("never", &[]).unwrap_err());
    });
}

#[test]
fn b46_follower_never() {
    live(async {
        let (_scene, _leader, follower) = Scene::cast(Kind::Node).await;
        let error = soon(follower.rust().never()).await.unwrap_err();
        assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error:?}");
    });
}

#[test]
fn b48_leader() {
    live(async {
        let scene = Scene::new();
        let _leader = scene.rust().await;
        let node = scene.node("Registry", json!({ "responseTimeout": 300 }));
        assert_timed_out(&node.call("slow", &[json!(10_000)]).unwrap_err());
    });
}

#[test]
fn b48_follower() {
    live(async {
        let (_scene, _leader, follower) = Scene::cast(Kind::Node).await;
        let error = soon(follower.rust().slow(10_000)).await.unwrap_err();
        assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error:?}");
    });
}

/// Both sides count; here the leader too tells that the time is up.
fn assert_timed_out(failure: &crate::node::Failure) {
    let by_node = failure.name == "ResponseTimeoutError"
        && failure.message.starts_with("Server no response in 300ms, address#127.0.0.1");
    assert!(by_node || failure.code == "TIMED_OUT", "{failure:?}");
}

async fn each_key_has_its_listeners(kind: Kind) {
    let (_scene, leader, follower) = Scene::cast(kind).await;
    let (mut one, mut two) = (follower.listen("foo").await, follower.listen("foo").await);
    let mut three = follower.listen("bar").await;
    for listener in [&mut one, &mut two, &mut three] {
        listener.hears(&[]).await;
    }
    leader.publish("foo", "xxx").await;
    one.hears(&["xxx"]).await;
    two.hears(&["xxx"]).await;
    follower.round_trip().await;
    three.has_heard_all().await;
    leader.publish("bar", "yyy").await;
    three.hears(&["yyy"]).await;
    follower.round_trip().await;
    one.has_heard_all().await;
}

/// Where `publish` is delegated to `invoke` it has a result; here it is a method like others.
struct Promised;

#[cluster_client(name = "Registry", vis = "pub(crate)")]
impl Promised {
    #[invoke]
    pub(crate) async fn publish(&self, provider: Provider) -> String {
        provider.value
    }
}

async fn promised(scene: &Scene) -> PromisedProxy {
    let builder = PromisedProxy::builder().port(scene.port).node_compat();
    soon(builder.start(async |_| Ok::<_, Error>(Promised))).await.unwrap()
}

#[test]
fn b54_leader_publish_is_invoked() {
    live(async {
        let scene = Scene::new();
        let _leader = promised(&scene).await;
        let node = scene.node("Promised", json!({}));
        let published = text(node.call("publish", &[node_provider("foo", "xxx")]));
        assert_eq!(published, Ok("xxx".to_owned()));
    });
}

#[test]
fn b54_follower_publish_is_invoked() {
    live(async {
        let scene = Scene::new();
        let leader = scene.node("Promised", json!({}));
        let follower = promised(&scene).await;
        assert_eq!(soon(follower.publish(provider("foo", "xxx"))).await, Ok("xxx".to_owned()));
        assert!(leader.leads());
    });
}
