//! One port, and members of both kinds that compete for it.

use std::time::Duration;

use cluster_client::{Builder, Error, Events, Role, RolePreference};
use serde_json::{Value as Json, json};
use support::free_port;

use crate::jobs::{Jobs, JobsProxy};
use crate::node::{Node, Peer};
use crate::store::{Interop, InteropProxy, Ran};
use crate::{soon, until};

pub(crate) struct Scene {
    pub(crate) port: u16,
    /// What the Rust real clients have done.
    pub(crate) ran: Ran,
    /// Node's interval and ours, which Node's liveness is judged by.
    pub(crate) heartbeat: Duration,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { port: free_port(), ran: Ran::default(), heartbeat: Duration::from_secs(2) }
    }

    pub(crate) fn with_heartbeat(millis: u64) -> Self {
        Self { heartbeat: Duration::from_millis(millis), ..Self::new() }
    }

    pub(crate) async fn rust(&self) -> InteropProxy {
        self.rust_as(RolePreference::Any).await
    }

    pub(crate) async fn rust_as(&self, role: RolePreference) -> InteropProxy {
        self.start(InteropProxy::builder().role(role)).await.unwrap()
    }

    pub(crate) async fn start(
        &self,
        builder: Builder<InteropProxy>,
    ) -> Result<InteropProxy, Error> {
        let ran = self.ran.clone();
        let builder = builder.port(self.port).heartbeat_interval(self.heartbeat).node_compat();
        let factory = move |_| {
            let ran = ran.clone();
            async { Ok::<_, Error>(Interop::new(ran)) }
        };
        soon(builder.start(factory)).await
    }

    pub(crate) async fn jobs(&self) -> JobsProxy {
        let builder = JobsProxy::builder().port(self.port).node_compat();
        soon(builder.start(|_| async { Ok::<_, Error>(Jobs::default()) })).await.unwrap()
    }

    /// A Node process with one member.
    pub(crate) fn node(&self) -> Peer {
        self.node_with(json!({}))
    }

    pub(crate) fn node_with(&self, options: Json) -> Peer {
        Node::spawn().join("Interop", self.options(options))
    }

    /// Those, and what all members of the scene have alike.
    pub(crate) fn options(&self, mut options: Json) -> Json {
        options["port"] = json!(self.port);
        options["heartbeatInterval"] = json!(self.heartbeat.as_millis() as u64);
        options
    }

    /// A Rust leader, with a Node and a Rust follower.
    pub(crate) async fn led_by_rust() -> (Self, InteropProxy, Peer, InteropProxy) {
        let scene = Self::new();
        let leader = scene.rust().await;
        let (node, rust) = (scene.node(), scene.rust().await);
        assert_eq!(leader.membership().role(), Role::Leader);
        assert!(!node.leads());
        assert_eq!(rust.membership().role(), Role::Follower);
        (scene, leader, node, rust)
    }

    /// A Node leader, with a Rust and a Node follower.
    pub(crate) async fn led_by_node() -> (Self, Peer, InteropProxy, Peer) {
        let scene = Self::new();
        let leader = scene.node();
        let (rust, node) = (scene.rust().await, scene.node());
        assert!(leader.leads() && !node.leads());
        assert_eq!(rust.membership().role(), Role::Follower);
        (scene, leader, rust, node)
    }
}

/// The text of the first event that begins like this.
pub(crate) async fn event(events: &mut Events, begins: &str) -> String {
    until(async || {
        let event = format!("{:?}", events.next().await.expect("the member is open"));
        event.starts_with(begins).then_some(event)
    })
    .await
}

/// Waits until the member has the role.
pub(crate) async fn until_role(member: &InteropProxy, role: Role) {
    let mut roles = member.membership().role_changes();
    until(async || (roles.next().await.expect("the member is open") == role).then_some(())).await;
}

/// An object in the notation of the vectors.
pub(crate) fn object<const N: usize>(entries: [(&str, Json); N]) -> Json {
    json!({ "$": "object", "v": entries.as_slice() })
}

pub(crate) fn node_reg(data_id: &str) -> Json {
    object([("dataId", json!(data_id))])
}

pub(crate) fn node_post(data_id: &str, value: impl Into<Json>) -> Json {
    object([("dataId", json!(data_id)), ("value", value.into())])
}
