//! 67 and 68: a subscription whose first value is late.

use std::sync::Mutex;
use std::time::Duration;

use cluster_client::testing::Network;
use cluster_client::{
    ClusterEvent, Error, Event, Events, Subscribe, Subscription, SubscriptionSender, cluster_client,
};
use serde::{Deserialize, Serialize};
use support::free_port;

use crate::samples::{event, next, soon};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
struct Greeting(String);

/// Greets when it is told to.
#[derive(Default)]
struct Greeter {
    waiting: Mutex<Vec<(String, SubscriptionSender<Greeting>)>>,
}

#[cluster_client]
impl Greeter {
    #[subscribe]
    async fn greetings(&self, name: String) -> Subscription<Greeting> {
        let (sender, subscription) = Subscription::channel();
        self.waiting.lock().unwrap().push((name, sender));
        subscription
    }

    #[invoke]
    async fn greet(&self, name: String) {
        for (waiting, sender) in self.waiting.lock().unwrap().iter() {
            if *waiting == name {
                let _ = sender.send(Greeting(format!("hello:{name}")));
            }
        }
    }
}

async fn join(port: u16, single: bool) -> GreeterProxy {
    let member = GreeterProxy::builder()
        .port(port)
        .single_mode(single)
        .subscribe_timeout(Duration::from_millis(100))
        .start(async |_| Ok::<_, Error>(Greeter::default()));
    soon(member).await.unwrap()
}

async fn stalled(events: &mut Events) -> String {
    event(events, |event| match event {
        ClusterEvent::SubscriptionStalled { key, .. } => Some(key),
        _ => None,
    })
    .await
}

/// Those that were reported until the member closed.
async fn all_stalled(mut events: Events) -> Vec<String> {
    let mut stalled = Vec::new();
    while let Some(event) = soon(events.next()).await {
        if let ClusterEvent::SubscriptionStalled { key, .. } = event {
            stalled.push(key);
        }
    }
    stalled
}

#[tokio::test]
async fn b67_a_late_first_value_is_reported_once_and_comes_all_the_same() {
    for single in [false, true] {
        let port = free_port();
        let members = [join(port, single).await, join(port, single).await];
        for (n, member) in members.iter().enumerate() {
            // In single mode the real client outlives the first member, and so do its last values for a while.
            let (early_key, late_key) = (format!("early{n}"), format!("late{n}"));
            let mut events = member.membership().events();
            let later = member.membership().events();
            let mut early = soon(member.greetings(early_key.clone())).await.unwrap();
            let mut late = soon(member.greetings(late_key.clone())).await.unwrap();
            // A second reader of the same key is no second subscription.
            let _same = soon(member.greetings(late_key.clone())).await.unwrap();
            soon(member.greet(early_key.clone())).await.unwrap();
            assert_eq!(next(&mut early).await, Greeting(format!("hello:{early_key}")));
            assert!(stalled(&mut events).await.contains(&late_key));
            soon(member.greet(late_key.clone())).await.unwrap();
            assert_eq!(
                soon(late.next_event()).await,
                Some(Event::Value(Greeting(format!("hello:{late_key}"))))
            );

            soon(member.membership().close()).await;
            assert_eq!(all_stalled(later).await.len(), 1);
        }
    }
}

#[tokio::test]
async fn b68_values_in_time_and_abandoned_subscriptions_are_not_reported() {
    let member = join(free_port(), false).await;
    let mut events = member.membership().events();
    let later = member.membership().events();
    let mut one = soon(member.greetings("one".into())).await.unwrap();
    soon(member.greet("one".into())).await.unwrap();
    assert_eq!(next(&mut one).await, Greeting("hello:one".into()));
    drop(soon(member.greetings("dropped".into())).await.unwrap());
    // It has a value, so a subscriber that comes later has one at once.
    let mut late = soon(member.greetings("one".into())).await.unwrap();
    assert_eq!(next(&mut late).await, Greeting("hello:one".into()));
    // By the time the last one is reported, those before it would have been.
    let _last = soon(member.greetings("last".into())).await.unwrap();
    assert!(stalled(&mut events).await.contains("last"));
    soon(member.membership().close()).await;
    assert_eq!(all_stalled(later).await.len(), 1);
}

/// What is reported is reported of somebody who has waited, not of the key's last reader but one.
#[tokio::test(start_paused = true)]
async fn whoever_comes_after_another_has_left_waits_as_long_as_that_one() {
    let second = Duration::from_secs(1);
    let network = Network::new(1);
    let member = GreeterProxy::builder()
        .process(&network.process())
        .subscribe_timeout(10 * second)
        .start(async |_| Ok::<_, Error>(Greeter::default()));
    let member = soon(member).await.unwrap();
    let mut events = member.membership().events();
    let first = member.greetings("late".into()).await.unwrap();
    tokio::time::sleep(second).await;
    drop(first);
    tokio::time::sleep(8 * second).await;
    let _second = member.greetings("late".into()).await.unwrap();
    tokio::time::sleep(9 * second).await;
    let _third = member.greetings("late".into()).await.unwrap();
    let at = tokio::time::Instant::now();
    assert!(stalled(&mut events).await.contains("late"));
    assert_eq!(at.elapsed(), second);
    soon(member.membership().close()).await;
    assert_eq!(all_stalled(events).await.len(), 0, "it is told once");
}
