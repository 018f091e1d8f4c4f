//! Closing while calls go on that do not end in time: they are cut off before the client is closed, and each is told.

use std::time::Duration;

use cluster_client::{
    ClusterEvent, Error, Events, Limits, Outcome, Role, Subscribe, Subscription, cluster_client,
};
use serde::{Deserialize, Serialize};
use support::free_port;

use crate::samples::{Log, soon};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
struct News;

/// Does nothing in time but to publish.
struct Slow(Log);

#[cluster_client]
impl Slow {
    #[invoke]
    async fn work(&self) {
        self.goes_on("work").await;
    }

    #[invoke(oneway)]
    async fn note(&self) {
        self.goes_on("note").await;
    }

    #[publish(undo = "withdraw")]
    async fn announce(&self, name: String) -> Result<(), Error> {
        self.0.add(format!("announced {name}"));
        Ok(())
    }

    #[invoke]
    async fn withdraw(&self, name: String) -> Result<(), Error> {
        self.goes_on(&format!("withdraw {name}")).await;
        Ok(())
    }

    #[subscribe]
    async fn watch(&self) -> Result<Subscription<News>, Error> {
        self.goes_on("watch").await;
        Err(Error::Closed)
    }

    #[close]
    async fn disconnect(&self) {
        self.0.add("closing");
    }
}

impl Slow {
    async fn goes_on(&self, what: &str) {
        struct CutOff<'a>(&'a Log);
        impl Drop for CutOff<'_> {
            fn drop(&mut self) {
                self.0.add("cut off");
            }
        }
        let _cut_off = CutOff(&self.0);
        self.0.add(what);
        std::future::pending::<()>().await;
    }
}

async fn member(port: u16, log: &Log) -> SlowProxy {
    let limits = Limits { drain: Duration::from_millis(50), ..Limits::default() };
    let log = log.clone();
    let start = SlowProxy::builder()
        .port(port)
        .limits(limits)
        .response_timeout(Duration::from_secs(60))
        .start(move |_| std::future::ready(Ok::<_, Error>(Slow(log.clone()))));
    soon(start).await.unwrap()
}

fn gone(method: &str) -> Error {
    Error::Disconnected { method: method.to_owned(), outcome: Outcome::Unknown }
}

/// What one-way calls and publications came to.
async fn failed(mut events: Events) -> Vec<(&'static str, Error)> {
    let mut failed = Vec::new();
    while let Some(event) = soon(events.next()).await {
        match event {
            ClusterEvent::OnewayFailed { calls: 1, error, .. } => failed.push(("oneway", error)),
            ClusterEvent::PublicationFailed { error, .. } => failed.push(("publication", error)),
            _ => {}
        }
    }
    failed
}

#[tokio::test]
async fn what_outlasts_the_drain_time_is_cut_off_before_the_client_is_closed() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let follower = member(port, &log).await;
    assert_eq!(leader.membership().role(), Role::Leader);
    for name in ["a", "b"] {
        leader.announce(name.to_owned()).await.unwrap();
    }
    let mut calls = Vec::new();
    for member in [&leader, &follower] {
        member.note().await.unwrap();
        let (works, withdraws) = (member.clone(), member.clone());
        calls.push(tokio::spawn(async move { works.work().await }));
        let name = format!("{} of another", calls.len());
        calls.push(tokio::spawn(async move { withdraws.withdraw(name).await }));
    }
    for (what, times) in [("note", 2), ("work", 2)] {
        log.until(what, times).await;
    }
    log.until("withdraw 1 of another", 1).await;
    log.until("withdraw 3 of another", 1).await;
    let events = leader.membership().events();

    soon(leader.membership().close()).await;

    for (call, method) in calls.into_iter().zip(["work", "withdraw", "work", "withdraw"]) {
        assert_eq!(soon(call).await.unwrap(), Err(gone(method)));
    }
    // Those of six calls, and of what was begun to be taken back.
    assert!(
        log.is_in_order(
            &[["cut off"; 6].as_slice(), &["withdraw a", "cut off", "closing"]].concat()
        )
    );
    assert_eq!(log.count("withdraw b"), 0);
    assert_eq!(
        failed(events).await,
        [
            ("oneway", gone("note")),
            ("oneway", gone("note")),
            ("publication", gone("withdraw")),
            ("publication", Error::GoingAway { method: "withdraw".to_owned() }),
        ]
    );
    follower.membership().close().await;
}

#[tokio::test]
async fn what_is_being_taken_back_is_cut_off_too() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let follower = member(port, &log).await;
    follower.announce("a".to_owned()).await.unwrap();
    soon(follower.membership().close()).await;
    log.until("withdraw a", 1).await;
    let events = leader.membership().events();
    soon(leader.membership().close()).await;
    assert!(log.is_in_order(&["withdraw a", "cut off", "closing"]));
    assert_eq!(failed(events).await, [("publication", gone("withdraw"))]);
}

#[tokio::test]
async fn a_subscription_that_is_being_opened_is_cut_off_and_may_have_been() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let follower = member(port, &log).await;
    let (watches, other) = (leader.clone(), follower.clone());
    let own = tokio::spawn(async move { watches.watch().await.map(drop) });
    log.until("watch", 1).await;
    soon(leader.membership().close()).await;
    assert!(log.is_in_order(&["watch", "cut off", "closing"]));
    assert_eq!(soon(own).await.unwrap(), Err(gone("watch")));
    // A subscription may be asked for twice.
    let again = tokio::spawn(async move { other.watch().await.map(drop) });
    log.until("watch", 2).await;
    soon(follower.membership().close()).await;
    assert_eq!(soon(again).await.unwrap(), Err(gone("watch")));
}
