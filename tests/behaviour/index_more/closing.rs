//! 36 to 40: what closing closes.

use std::net::TcpListener;

use cluster_client::{Error, Role, cluster_client};
use support::free_port;

use crate::samples::{Log, member, soon};

/// Another class, with a leader of its own.
struct Other;

#[cluster_client]
impl Other {
    #[invoke]
    async fn ping(&self) -> u32 {
        1
    }
}

#[tokio::test]
async fn b36_closing_all_members_closes_the_real_client_and_frees_the_port() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let follower = member(port, &log).await;
    soon(follower.membership().close()).await;
    assert_eq!(log.count("closing"), 0);
    soon(leader.membership().close()).await;
    assert_eq!((log.count("built"), log.count("closed")), (1, 1));
    TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
}

#[tokio::test]
async fn b37_closing_one_class_leaves_the_other_on_the_port() {
    let (port, log) = (free_port(), Log::default());
    let registry = member(port, &log).await;
    let follower = member(port, &log).await;
    let other = soon(OtherProxy::builder().port(port).start(async |_| Ok::<_, Error>(Other)));
    let other = other.await.unwrap();
    assert_eq!(other.membership().role(), Role::Leader);
    assert_eq!(other.ping().await, Ok(1));

    let epoch = registry.membership().leader().unwrap().epoch;
    soon(other.membership().close()).await;
    assert_eq!(registry.membership().role(), Role::Leader);
    assert_eq!(follower.membership().leader().unwrap().epoch, epoch);
    assert_eq!(soon(follower.get("123")).await, Ok("123".to_owned()));
    assert!(TcpListener::bind(("127.0.0.1", port)).is_err());
}

#[tokio::test]
async fn b40_close_resolves_once_the_real_client_has_closed() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    // The `#[close]` method of the proxy is the same as closing the membership.
    soon(leader.disconnect()).await;
    assert_eq!((log.count("closing"), log.count("closed")), (1, 1));
    assert_eq!(leader.membership().role(), Role::Closed);
}
