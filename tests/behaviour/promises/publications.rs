//! A publication belongs to the process that made it.

use std::pin::pin;
use std::time::Duration;

use cluster_client::testing::Network;
use cluster_client::{Error, Outcome, Role, RolePreference, cluster_client};
use futures::poll;
use support::free_port;

use crate::peers::Relay;
use crate::samples::{Hosts, Log, RegistryProxy, member, next_is, role, soon, start};

#[tokio::test]
async fn it_is_taken_back_when_its_publisher_closes() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let publisher = member(port, &log).await;
    let mut watching = leader.watch("s".into()).await.unwrap();
    soon(publisher.register("s".into(), "h".into())).await.unwrap();
    next_is(&mut watching, &Hosts(vec!["h".into()])).await;
    soon(publisher.membership().close()).await;
    next_is(&mut watching, &Hosts(vec![])).await;

    // Those of the leader too, and before the real client is closed.
    leader.register("s".into(), "own".into()).await.unwrap();
    soon(leader.membership().close()).await;
    assert_eq!(log.count("withdraw s own"), 1);
    assert_eq!(log.count("closed"), 1);
}

#[tokio::test]
async fn it_is_taken_back_when_its_publisher_dies() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let relay = Relay::to(port, []).await;
    let publisher = RegistryProxy::builder().port(relay.port).role(RolePreference::Follower);
    let publisher = start(publisher, &log).await.unwrap();
    let mut watching = leader.watch("s".into()).await.unwrap();
    soon(publisher.register("s".into(), "h".into())).await.unwrap();
    next_is(&mut watching, &Hosts(vec!["h".into()])).await;
    relay.close();
    next_is(&mut watching, &Hosts(vec![])).await;
    assert_eq!(log.count("withdraw s h"), 1);
}

#[tokio::test]
async fn a_later_publication_of_the_key_takes_it_over() {
    let (port, log) = (free_port(), Log::default());
    let _leader = member(port, &log).await;
    let publishers = [member(port, &log).await, member(port, &log).await];
    for publisher in &publishers {
        soon(publisher.register("s".into(), "h".into())).await.unwrap();
    }
    soon(publishers[0].membership().close()).await;
    soon(publishers[1].membership().close()).await;
    log.until("withdraw s h", 1).await;
    // What the first one had left behind would have been taken back before.
    assert_eq!(log.count("withdraw s h"), 1);
}

#[tokio::test]
async fn what_was_taken_over_is_published_again_by_its_last_publisher_alone() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let publishers = [member(port, &log).await, member(port, &log).await];
    for publisher in &publishers {
        soon(publisher.register("s".into(), "h".into())).await.unwrap();
        // Of one connection and in order: by its answer, what the leader says of the take-over has come.
        soon(publishers[0].get("barrier")).await.unwrap();
    }
    soon(leader.membership().close()).await;
    for publisher in &publishers {
        soon(publisher.get("ready")).await.unwrap();
    }
    assert_eq!(log.count("register s h"), 3);
}

/// As where the task that publishes comes to run late. The next leader has been asked by then for all that there was.
#[tokio::test]
async fn what_was_answered_is_there_at_the_next_leader_whenever_the_answer_is_looked_at() {
    for preference in [RolePreference::Any, RolePreference::Follower] {
        let (port, log) = (free_port(), Log::default());
        let leader = member(port, &log).await;
        let next = RegistryProxy::builder().port(port).role(preference);
        let publisher = start(next, &log).await.unwrap();
        let mut publishing = pin!(publisher.register("s".into(), "h".into()));
        assert!(poll!(&mut publishing).is_pending());
        log.until("register s h", 1).await;
        // Of one connection and in order.
        soon(publisher.get("barrier")).await.unwrap();
        soon(leader.membership().close()).await;
        let _next = member(port, &log).await;
        soon(publisher.get("restored")).await.unwrap();
        assert_eq!(log.count("register s h"), 1, "{preference:?}: nobody has asked for it yet");
        soon(publishing).await.unwrap();
        assert_eq!(log.count("register s h"), 2, "{preference:?}");
    }
}

#[tokio::test]
async fn what_its_user_has_taken_back_is_forgotten() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let publisher = member(port, &log).await;
    for host in ["gone", "kept"] {
        soon(publisher.register("s".into(), host.into())).await.unwrap();
    }
    soon(publisher.withdraw("s".into(), "gone".into())).await.unwrap();
    soon(publisher.get("barrier")).await.unwrap();
    soon(leader.membership().close()).await;
    role(publisher.membership(), Role::Leader).await;
    assert_eq!(log.count("register s kept"), 2);
    assert_eq!(log.count("register s gone"), 1);
    // It is not taken back a second time either.
    soon(publisher.membership().close()).await;
    assert_eq!(log.count("withdraw s kept"), 1);
    assert_eq!(log.count("withdraw s gone"), 1);
}

/// As long as the longest that a connection object may be, and so longer than what could be said of it.
#[tokio::test]
async fn one_whose_key_is_long_is_forgotten_as_well() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let publisher = member(port, &log).await;
    let long = "h".repeat(64 << 10);
    soon(publisher.register("s".into(), long.clone())).await.unwrap();
    soon(leader.withdraw("s".into(), long.clone())).await.unwrap();
    soon(publisher.get("barrier")).await.unwrap();
    soon(leader.membership().close()).await;
    role(publisher.membership(), Role::Leader).await;
    assert_eq!(log.count(&format!("register s {long}")), 1);
}

struct Switch;

#[cluster_client]
impl Switch {
    #[publish(idempotent, key = "name", timeout = "2s")]
    async fn turn_on(&self, name: String) -> Result<(), Error> {
        drop(name);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_may_be_repeated_and_was_sent_once_may_have_run() {
    let network = Network::new(1);
    let [leader, follower] = [network.process(), network.process()];
    let factory = |_| std::future::ready(Ok::<_, Error>(Switch));
    let _led = soon(SwitchProxy::builder().process(&leader).start(factory)).await.unwrap();
    let proxy = SwitchProxy::builder().process(&follower).role(RolePreference::Follower);
    let proxy = soon(proxy.start(factory)).await.unwrap();
    leader.stop();
    let publishing = tokio::spawn(async move { proxy.turn_on("light".into()).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    leader.kill();
    let error = soon(publishing).await.unwrap().unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
}
