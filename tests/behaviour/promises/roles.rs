//! Proxies that keep to one role.

use cluster_client::{Error, Outcome, Role};
use support::free_port;

use crate::samples::{Log, RegistryError, member, role, soon};

fn role_changed(method: &str) -> Error {
    let error = Error::RoleChanged { method: method.to_owned() };
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    error
}

#[tokio::test]
async fn a_leader_proxy_ends_with_the_leadership_and_holds_up_no_close() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let pinned = leader.as_leader().expect("it leads");
    assert_eq!(soon(pinned.get("123")).await, Ok("123".to_owned()));
    soon(leader.membership().close()).await;
    assert_eq!(log.count("closed"), 1);
    assert_eq!(soon(pinned.get("124")).await, Err(role_changed("get").into()));
    assert_eq!(soon(pinned.note("line".into())).await, Err(role_changed("note")));
    assert!(leader.as_leader().is_none());
    assert_eq!((log.count("get 124"), log.count("line")), (0, 0));
}

#[tokio::test]
async fn a_follower_proxy_ends_with_the_leader_it_followed() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let follower = member(port, &log).await;
    let pinned = follower.as_follower().expect("it follows");
    assert_eq!(soon(pinned.get("123")).await, Ok("123".to_owned()));
    soon(leader.membership().close()).await;
    role(follower.membership(), Role::Leader).await;

    assert_eq!(soon(pinned.get("124")).await, Err(role_changed("get").into()));
    assert_eq!(soon(pinned.note("line".into())).await, Err(role_changed("note")));
    let watching = soon(pinned.watch("s".into())).await.map(drop);
    assert_eq!(watching, Err(RegistryError::Cluster(role_changed("watch"))));
    let registered = soon(pinned.register("s".into(), "h".into())).await;
    assert_eq!(registered, Err(role_changed("register").into()));
    // The proxy that follows the role does.
    assert_eq!(soon(follower.get("123")).await, Ok("123".to_owned()));
    assert!(follower.as_follower().is_none() && follower.as_leader().is_some());
    for line in ["get 124", "line", "watch s", "register s h"] {
        assert_eq!(log.count(line), 0, "{line}");
    }
}
