//! 33 to 35: a leader that must lead, the methods of a proxy, publications from several members.

use std::net::TcpListener;

use cluster_client::{ClusterEvent, Error, Role, RolePreference};
use futures::future::join_all;

use crate::sample::{Mode, StoreProxy, Team, Values, close_all, entry, soon};

both_modes!(b34_a_proxy_can_be_given_methods, b35_subscribers_see_the_publications_of_all_members,);

#[tokio::test]
async fn b33_a_leader_on_an_occupied_port_fails() {
    let team = Team::new(Mode::Cluster);
    let occupied = |channel: &str| Error::PortOccupied {
        endpoint: format!("127.0.0.1:{}", team.port),
        channel: channel.to_owned(),
    };
    let must_lead = || team.builder().role(RolePreference::Leader);
    let stranger = TcpListener::bind(("127.0.0.1", team.port)).unwrap();
    let error = team.start(must_lead()).await.err().unwrap();
    assert_eq!(error, occupied("Store"));
    let message = format!("cannot lead channel `Store`: 127.0.0.1:{} is held by", team.port);
    assert!(error.to_string().starts_with(&message), "{error}");
    drop(stranger);

    let leader = team.start(must_lead()).await.unwrap();
    assert_eq!(team.start(must_lead()).await.err(), Some(occupied("Store")));
    // The port is this process's: another channel can be led on it.
    let neighbour = team.start(must_lead().name("Neighbour")).await.unwrap();
    assert_eq!(neighbour.membership().role(), Role::Leader);
    assert_eq!(leader.version().await, Ok(1));
    assert_eq!(neighbour.version().await, Ok(2));

    close_all([&leader, &neighbour]).await;
    let next = team.start(must_lead()).await.unwrap();
    close_all([&next]).await;
}

/// Whoever failed to lead is out: it neither waits for the port nor follows.
#[tokio::test]
async fn b33_a_leader_that_failed_has_left() {
    let (team, leader, follower) = Team::of_two(Mode::Cluster).await;
    let mut events = leader.membership().events();
    let failed = team.start(team.builder().role(RolePreference::Leader)).await;
    assert!(matches!(failed.err(), Some(Error::PortOccupied { .. })));
    close_all([&leader, &follower]).await;
    while let Some(event) = soon(events.next()).await {
        let joined = matches!(event, ClusterEvent::FollowerJoined { .. });
        assert!(!joined, "{event:?}");
    }
    assert!(TcpListener::bind(("127.0.0.1", team.port)).is_ok());
}

impl StoreProxy {
    /// What several calls make.
    async fn publish_all(&self, key: &str, values: &[&str]) {
        for value in values {
            self.publish(entry(key, value)).await.unwrap();
        }
    }
}

async fn b34_a_proxy_can_be_given_methods(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    leader.publish_all("foo", &["a", "b"]).await;
    follower.clone().publish_all("foo", &["c"]).await;
    assert_eq!(["a", "b", "c"].map(|value| team.log.count(&format!("publish {value}"))), [1; 3]);
    close_all([&leader, &follower]).await;
}

async fn b35_subscribers_see_the_publications_of_all_members(mode: Mode) {
    const HOSTS: [&str; 2] = ["dubbo://127.0.0.1:20299", "dubbo://127.0.0.1:20300"];
    let (_team, leader, follower) = Team::of_two(mode).await;
    let mut subscriptions = vec![
        leader.subscribe("service".into()).await.unwrap(),
        follower.subscribe("service".into()).await.unwrap(),
    ];
    let published = [(&leader, HOSTS[0]), (&follower, HOSTS[1])]
        .map(|(member, host)| member.publish(entry("service", host)));
    join_all(published).await.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    subscriptions.push(follower.subscribe("service".into()).await.unwrap());
    subscriptions.push(leader.subscribe("service".into()).await.unwrap());
    for subscription in &mut subscriptions {
        let both = async {
            loop {
                let Values(mut hosts) = subscription.next().await.unwrap();
                hosts.sort();
                if hosts == HOSTS {
                    return;
                }
                assert!(hosts.len() < 2, "{hosts:?}");
            }
        };
        soon(both).await;
    }
    close_all([&leader, &follower]).await;
}
