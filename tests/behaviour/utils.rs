//! 71 and 72: events reach those who listen. (69, 70 and 73 are JavaScript's own.)

use cluster_client::ClusterEvent;
use support::free_port;

use crate::samples::{Log, member, soon};

#[tokio::test]
async fn b71_each_listener_is_told_each_event_once() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let clone = leader.clone();
    let mut listeners = [leader.membership().events(), clone.membership().events()];
    let follower = member(port, &log).await;
    let (pid, instance) = (std::process::id(), follower.membership().instance());
    soon(follower.membership().close()).await;
    for listener in &mut listeners {
        let joined = ClusterEvent::FollowerJoined { pid, instance };
        assert_eq!(soon(listener.next()).await, Some(joined));
        let left = soon(listener.next()).await;
        let who = |event| match event {
            Some(ClusterEvent::FollowerLeft { instance, .. }) => Some(instance),
            _ => None,
        };
        assert_eq!(who(left), Some(instance));
    }
    soon(leader.membership().close()).await;
    for listener in &mut listeners {
        assert_eq!(soon(listener.next()).await, Some(ClusterEvent::Closed));
        assert_eq!(soon(listener.next()).await, None);
    }
}
