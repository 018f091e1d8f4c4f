//! Who plays which part: a leader of one kind and a follower of the other.

use std::io;
use std::time::Duration;

use cluster_client::{Builder, ClusterEvent, Error, RolePreference};
use serde_json::{Value as Json, json};
use support::free_port;

use crate::member::Member;
use crate::node::{Failure, Node, Peer};
use crate::registry::{Book, Registry, RegistryProxy};
use crate::soon;

const CHANNEL: &str = "Registry";

/// Two tests of one scenario, which is given the kind of the leader.
macro_rules! roles {
    ($($leader:ident, $follower:ident: $scenario:ident;)*) => {$(
        #[test]
        fn $leader() {
            crate::live($scenario(crate::cast::Kind::Rust));
        }

        #[test]
        fn $follower() {
            crate::live($scenario(crate::cast::Kind::Node));
        }
    )*};
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Rust,
    Node,
}

impl Kind {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Rust => Self::Node,
            Self::Node => Self::Rust,
        }
    }
}

/// How the real clients in this process come to be.
#[derive(Clone, Copy, Default)]
pub(crate) struct Build {
    pub(crate) after: Duration,
    pub(crate) fails: bool,
}

pub(crate) const SLOW: Build = Build { after: Duration::from_secs(1), fails: false };
pub(crate) const FAILING: Build = Build { after: Duration::ZERO, fails: true };

/// One port, and what the real clients in this process have done.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) port: u16,
    pub(crate) book: Book,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { port: free_port(), book: Book::default() }
    }

    /// A leader of that kind, and a follower of the other.
    pub(crate) async fn cast(leader: Kind) -> (Self, Member, Member) {
        let scene = Self::new();
        let (leader, follower) = (scene.join(leader).await, scene.join(leader.other()).await);
        assert!(leader.leads() && !follower.leads());
        (scene, leader, follower)
    }

    pub(crate) async fn join(&self, kind: Kind) -> Member {
        match kind {
            Kind::Rust => Member::Rust(self.rust().await),
            Kind::Node => Member::Node(self.node("Registry", json!({}))),
        }
    }

    pub(crate) async fn rust(&self) -> RegistryProxy {
        self.start(Self::builder(), Build::default()).await.unwrap()
    }

    pub(crate) fn builder() -> Builder<RegistryProxy> {
        RegistryProxy::builder()
    }

    pub(crate) fn follower() -> Builder<RegistryProxy> {
        Self::builder().role(RolePreference::Follower)
    }

    pub(crate) async fn start(
        &self,
        builder: Builder<RegistryProxy>,
        build: Build,
    ) -> Result<RegistryProxy, Error> {
        let book = self.book.clone();
        let factory = move |_| {
            let book = book.clone();
            async move {
                tokio::time::sleep(build.after).await;
                if build.fails {
                    Err(io::Error::other("mock error"))
                } else {
                    Ok(Registry::new(book))
                }
            }
        };
        soon(builder.port(self.port).node_compat().start(factory)).await
    }

    /// By a member that followed while its real client could not have been built, and has taken over.
    pub(crate) async fn led_by_failing_rust() -> (Self, RegistryProxy) {
        let scene = Self::new();
        let first = scene.rust().await;
        let second = scene.start(Self::builder(), FAILING).await.unwrap();
        let mut events = second.membership().events();
        soon(first.membership().close()).await;
        while !matches!(soon(events.next()).await, Some(ClusterEvent::RealClient(_))) {}
        (scene, second)
    }

    /// The follower has seen better leaders.
    pub(crate) async fn led_by_failing_node() -> (Self, Peer, RegistryProxy) {
        let scene = Self::new();
        let first = scene.node("Registry", json!({}));
        let follower = scene.start(Self::follower(), Build::default()).await.unwrap();
        first.close();
        let (second, failed) = scene.try_node("Failing", json!({ "isLeader": true }));
        assert_eq!(failed.unwrap_err().message, "mock error");
        (scene, second, follower)
    }

    /// A Node process with one member, which is ready.
    pub(crate) fn node(&self, class: &str, options: Json) -> Peer {
        let (node, joined) = self.try_node(class, options);
        joined.unwrap();
        node
    }

    pub(crate) fn try_node(&self, class: &str, options: Json) -> (Peer, Result<Json, Failure>) {
        let (node, id) = self.begin_node(class, options);
        let joined = node.node.answer(id);
        (node, joined)
    }

    /// The same, and the number of the answer that tells that it is ready.
    pub(crate) fn begin_node(&self, class: &str, options: Json) -> (Peer, u64) {
        self.join_process(&process(), class, options)
    }

    /// One more member of a process.
    pub(crate) fn join_process(
        &self,
        process: &std::sync::Arc<Node>,
        class: &str,
        mut options: Json,
    ) -> (Peer, u64) {
        options["port"] = json!(self.port);
        if options["name"].is_null() {
            options["name"] = json!(CHANNEL);
        }
        process.begin_join(class, json!({ "options": options }))
    }
}

/// A Node process with these real clients.
pub(crate) fn process() -> std::sync::Arc<Node> {
    Node::run(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/node/member.js"))
}
