//! 1 to 10, 13 to 15: one real client for all members, its subscriptions and publications.

mod failing;

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Mutex;
use std::time::Duration;

use cluster_client::{CloseReason, Role, Subscription, SubscriptionSender, cluster_client};
use futures::FutureExt;
use futures::future::join;

use crate::sample::{
    Mode, Store, StoreError, StoreProxy, Team, Values, close_all, entry, soon, values,
};

both_modes!(
    b01_members_wait_for_a_slow_real_client,
    b02_single_mode_opens_no_port,
    b03_each_handle_gets_the_first_value,
    b04_a_later_subscriber_gets_the_retained_value,
    b05_a_later_handle_gets_the_retained_value_at_once,
    b06_a_publication_reaches_all_members,
    b07_a_oneway_call_reaches_the_real_client,
    b08_a_dropped_handle_takes_no_other_with_it,
    b09_after_the_last_handle_upstream_is_unsubscribed,
    b10_a_publication_before_any_subscription_is_seen,
    b13_one_member_leads_and_the_others_follow,
    b14_all_members_share_one_real_client,
    b15_a_real_client_that_breaks_takes_no_member_with_it,
);

/// Longer than a call may take, and than one attempt to register.
async fn b01_members_wait_for_a_slow_real_client(mode: Mode) {
    let team = Team::new(mode);
    let timeout = Duration::from_millis(100);
    let start = || {
        let log = team.log.clone();
        let builder = team.builder().response_timeout(timeout).connect_timeout(timeout);
        builder.start(move |_| {
            let log = log.clone();
            async move {
                tokio::time::sleep(timeout * 5).await;
                Store::connect(log, false)
            }
        })
    };
    let (one, other) = soon(join(start(), start())).await;
    let (one, other) = (one.unwrap(), other.unwrap());
    let mut roles = [&one, &other].map(|member| member.membership().role());
    roles.sort_by_key(|role| *role != Role::Leader);
    assert_eq!(roles, [Role::Leader, Role::Follower]);
    assert_eq!(team.log.count("connect"), 1);

    assert_eq!(one.echo("hello").await.unwrap(), "hello");
    assert_eq!(other.echo("hello").await.unwrap(), "hello");
    soon(join(one.membership().close(), other.membership().close())).await;
    assert_eq!(team.log.count("connected"), team.log.count("destroyed"));
}

async fn b02_single_mode_opens_no_port(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    let is_free = TcpListener::bind(("127.0.0.1", team.port)).is_ok();
    assert_eq!(is_free, mode == Mode::Single);
    close_all([&leader, &follower]).await;
}

async fn b03_each_handle_gets_the_first_value(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    for member in [&leader, &follower] {
        let mut one = member.subscribe("foo".into()).await.unwrap();
        let mut other = member.subscribe("foo".into()).await.unwrap();
        assert_eq!(soon(one.next()).await, values([]));
        assert_eq!(soon(other.next()).await, values([]));
    }
    assert_eq!(team.log.count("subscribe foo"), 1);
    close_all([&leader, &follower]).await;
}

async fn b04_a_later_subscriber_gets_the_retained_value(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    let mut first = leader.subscribe("foo".into()).await.unwrap();
    assert_eq!(soon(first.next()).await, values([]));

    let mut later = follower.subscribe("foo".into()).await.unwrap();
    let mut too = follower.subscribe("foo".into()).await.unwrap();
    assert_eq!(soon(later.next()).await, values([]));
    assert_eq!(soon(too.next()).await, values([]));
    assert_eq!(team.log.count("subscribe foo"), 1);
    close_all([&leader, &follower]).await;
}

async fn b05_a_later_handle_gets_the_retained_value_at_once(mode: Mode) {
    let (_team, leader, follower) = Team::of_two(mode).await;
    for member in [&leader, &follower] {
        let mut first = member.subscribe("foo".into()).await.unwrap();
        assert_eq!(soon(first.next()).await, values([]));
        let mut later = member.subscribe("foo".into()).await.unwrap();
        assert_eq!(later.next().now_or_never(), Some(values([])));
        // And once only.
        assert_eq!(later.next().now_or_never(), None);
    }
    close_all([&leader, &follower]).await;
}

/// Two handles in each of two members, all of which have had the first value.
async fn four_handles(one: &StoreProxy, other: &StoreProxy) -> [Subscription<Values>; 4] {
    let mut handles = Vec::new();
    for member in [one, one, other, other] {
        let mut handle = member.subscribe("foo".into()).await.unwrap();
        assert_eq!(soon(handle.next()).await, values([]));
        handles.push(handle);
    }
    handles.try_into().unwrap()
}

async fn b06_a_publication_reaches_all_members(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    let mut handles = four_handles(&leader, &follower).await;
    follower.publish(entry("foo", "bar")).await.unwrap();
    // It is acknowledged: it has happened by now.
    assert_eq!(team.log.count("publish bar"), 1);
    for handle in &mut handles {
        assert_eq!(soon(handle.next()).await, values(["bar"]));
    }
    leader.publish(entry("foo", "baz")).await.unwrap();
    for handle in &mut handles {
        assert_eq!(soon(handle.next()).await, values(["bar", "baz"]));
    }
    close_all([&leader, &follower]).await;
}

async fn b07_a_oneway_call_reaches_the_real_client(mode: Mode) {
    let (_team, leader, follower) = Team::of_two(mode).await;
    let mut handles = four_handles(&leader, &follower).await;
    for (member, value) in [(&leader, "one"), (&follower, "other")] {
        member.publish(entry("foo", value)).await.unwrap();
        for handle in &mut handles {
            assert_eq!(soon(handle.next()).await, values([value]));
        }
        member.un_publish(entry("foo", value)).await.unwrap();
        for handle in &mut handles {
            assert_eq!(soon(handle.next()).await, values([]));
        }
    }
    close_all([&leader, &follower]).await;
}

async fn b08_a_dropped_handle_takes_no_other_with_it(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    let [dropped, mut one, mut other, dropped_too] = four_handles(&leader, &follower).await;
    drop((dropped, dropped_too));
    follower.publish(entry("foo", "bar")).await.unwrap();
    assert_eq!(soon(one.next()).await, values(["bar"]));
    assert_eq!(soon(other.next()).await, values(["bar"]));

    // Nor does the last one of a member.
    drop(one);
    follower.publish(entry("foo", "baz")).await.unwrap();
    assert_eq!(soon(other.next()).await, values(["bar", "baz"]));
    assert_eq!((team.log.count("subscribe foo"), team.log.count("unsubscribe foo")), (1, 0));
    close_all([&leader, &follower]).await;
}

async fn b09_after_the_last_handle_upstream_is_unsubscribed(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    let handles = four_handles(&leader, &follower).await;
    drop(handles);
    team.log.until("unsubscribe foo", 1).await;

    // What was retained is gone with it: a new subscriber gets what holds now.
    leader.publish(entry("foo", "bar")).await.unwrap();
    let mut later = follower.subscribe("foo".into()).await.unwrap();
    assert_eq!(soon(later.next()).await, values(["bar"]));
    assert_eq!(team.log.count("subscribe foo"), 2);
    close_all([&leader, &follower]).await;
}

async fn b10_a_publication_before_any_subscription_is_seen(mode: Mode) {
    let (_team, leader, follower) = Team::of_two(mode).await;
    follower.publish(entry("foo", "bar")).await.unwrap();
    let mut first = follower.subscribe("foo".into()).await.unwrap();
    assert_eq!(soon(first.next()).await, values(["bar"]));
    let mut later = leader.subscribe("foo".into()).await.unwrap();
    assert_eq!(soon(later.next()).await, values(["bar"]));
    close_all([&leader, &follower]).await;
}

async fn b13_one_member_leads_and_the_others_follow(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    let third = team.join().await;
    assert_eq!(third.membership().role(), Role::Follower);

    let known = leader.membership().leader().unwrap();
    assert_eq!(known.instance, leader.membership().instance());
    for member in [&follower, &third] {
        let seen = member.membership().leader().unwrap();
        assert_eq!((seen.instance, seen.epoch), (known.instance, known.epoch));
        assert!(member.as_follower().is_some() && member.as_leader().is_none());
    }
    assert!(leader.as_leader().is_some() && leader.as_follower().is_none());
    close_all([&leader, &follower, &third]).await;
}

async fn b14_all_members_share_one_real_client(mode: Mode) {
    let team = Team::new(mode);
    for version in 1..=2 {
        let leader = team.join().await;
        let follower = team.join().await;
        assert_eq!(leader.version().await, Ok(version));
        assert_eq!(follower.version().await, Ok(version));
        close_all([&leader, &follower]).await;
    }
    assert_eq!((team.log.count("connected"), team.log.count("destroyed")), (2, 2));
}

/// Loses its connection in the middle of a call.
#[derive(Default)]
struct Fragile {
    watchers: Mutex<Vec<SubscriptionSender<Values>>>,
}

#[cluster_client]
impl Fragile {
    #[subscribe]
    async fn watch(&self) -> Result<Subscription<Values>, StoreError> {
        let (sender, subscription) = Subscription::channel();
        self.watchers.lock().unwrap().push(sender);
        Ok(subscription)
    }

    #[invoke]
    async fn get_data(&self) -> Result<String, StoreError> {
        self.watchers.lock().unwrap().clear();
        Err(StoreError::mock())
    }
}

async fn b15_a_real_client_that_breaks_takes_no_member_with_it(mode: Mode) {
    let port = support::free_port();
    let start = async || {
        let builder = FragileProxy::builder().port(port).single_mode(mode == Mode::Single);
        soon(builder.start(async |_| Ok::<_, Infallible>(Fragile::default()))).await.unwrap()
    };
    let (leader, follower) = (start().await, start().await);
    for caller in [&leader, &follower] {
        let mut one = leader.watch().await.unwrap();
        let mut other = follower.watch().await.unwrap();
        assert_eq!(caller.get_data().await, Err(StoreError::mock()));
        for subscription in [&mut one, &mut other] {
            assert_eq!(soon(subscription.next()).await, None);
            assert_eq!(subscription.close_reason(), Some(CloseReason::Ended));
        }
    }
    assert_eq!(leader.membership().role(), Role::Leader);
    assert_eq!(follower.membership().role(), Role::Follower);
    soon(follower.membership().close()).await;
    soon(leader.membership().close()).await;
}
