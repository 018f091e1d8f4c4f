//! The user's own code panics: an error for that call, in every role, and nothing else.

use cluster_client::{
    ClusterEvent, Error, Event, Events, Outcome, Subscribe, Subscription, cluster_client,
};
use futures::StreamExt as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use support::free_port;
use tokio::time::timeout;

use crate::attacker::{Attacker, PATIENCE, call};

/// A value that cannot be written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct Mine;

impl Serialize for Mine {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("in Serialize")
    }
}

/// A value that cannot be read.
#[derive(Serialize)]
pub(crate) struct Powder;

impl<'de> Deserialize<'de> for Powder {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("in Deserialize")
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct Count(u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct MineEvent(Mine);

#[derive(Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub(crate) enum BombError {
    #[error("mine")]
    Mine(Mine),
    #[error(transparent)]
    Cluster(#[from] Error),
}

pub(crate) struct Bomb;

#[cluster_client(vis = "pub(crate)")]
impl Bomb {
    #[invoke]
    pub(crate) async fn fine(&self) -> Result<u64, BombError> {
        Ok(1)
    }

    #[invoke]
    pub(crate) async fn at_once(&self) -> Result<(), BombError> {
        panic!("at once")
    }

    #[invoke]
    pub(crate) async fn later(&self) -> Result<(), BombError> {
        tokio::task::yield_now().await;
        panic!("later")
    }

    #[invoke(spawn)]
    pub(crate) async fn spawned(&self) -> Result<(), BombError> {
        panic!("spawned")
    }

    #[invoke]
    pub(crate) async fn result(&self) -> Result<Mine, BombError> {
        Ok(Mine)
    }

    #[invoke]
    pub(crate) async fn error(&self) -> Result<(), BombError> {
        Err(BombError::Mine(Mine))
    }

    #[invoke(oneway)]
    pub(crate) async fn oneway(&self) {
        panic!("one-way")
    }

    #[publish]
    pub(crate) async fn publish(&self, key: String) -> Result<(), BombError> {
        panic!("publish {key}")
    }

    #[publish]
    pub(crate) async fn explosive(&self, powder: Powder) -> Result<(), BombError> {
        let _ = powder;
        Ok(())
    }

    #[subscribe]
    pub(crate) async fn subscribe(&self) -> Result<Subscription<Count>, BombError> {
        panic!("subscribe")
    }

    /// Its upstream panics after the first value.
    #[subscribe]
    pub(crate) async fn upstream(&self) -> Result<Subscription<Count>, BombError> {
        let mut count = 0;
        Ok(Subscription::from_stream(futures::stream::poll_fn(move |_| {
            count += 1;
            assert!(count < 2, "upstream");
            std::task::Poll::Ready(Some(Count(count)))
        })))
    }

    #[subscribe]
    pub(crate) async fn mines(&self) -> Result<Subscription<MineEvent>, BombError> {
        let mines = futures::stream::iter([MineEvent(Mine)]);
        Ok(Subscription::from_stream(mines.chain(futures::stream::pending())))
    }

    #[close]
    pub(crate) async fn close(&self) {
        panic!("close")
    }
}

async fn bomb(_: cluster_client::LeaderContext) -> Result<Bomb, Error> {
    Ok(Bomb)
}

async fn leader_and_follower() -> [BombProxy; 2] {
    let port = free_port();
    let leader = BombProxy::builder().port(port).start(bomb).await.unwrap();
    [leader, BombProxy::builder().port(port).start(bomb).await.unwrap()]
}

fn panicked<T: std::fmt::Debug>(result: Result<T, BombError>, method: &str, message: &str) {
    let Err(BombError::Cluster(error)) = result else { panic!("{result:?}") };
    assert_eq!(error, Error::Panicked { method: method.to_owned(), message: message.to_owned() });
    assert_eq!(error.outcome(), Outcome::Executed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_the_error_of_its_call() {
    for member in leader_and_follower().await.iter().rev() {
        panicked(member.at_once().await, "at_once", "at once");
        panicked(member.later().await, "later", "later");
        panicked(member.spawned().await, "spawned", "spawned");
        panicked(member.publish("k".to_owned()).await, "publish", "publish k");
        panicked(member.subscribe().await, "subscribe", "subscribe");
        assert_eq!(member.fine().await, Ok(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_serialize_is_the_error_of_its_call() {
    let [leader, follower] = leader_and_follower().await;
    panicked(follower.result().await, "result", "in Serialize");
    panicked(follower.error().await, "error", "in Serialize");
    // A leader hands its own values over as they are. Errors take the way that a follower's take.
    assert_eq!(leader.result().await, Ok(Mine));
    panicked(leader.error().await, "error", "in Serialize");
    for member in [leader, follower] {
        assert_eq!(member.fine().await, Ok(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_a_one_way_call_is_an_event() {
    let [leader, follower] = leader_and_follower().await;
    for member in [&leader, &follower] {
        let mut events = leader.membership().events();
        member.oneway().await.unwrap();
        let event =
            wait_for(&mut events, |event| matches!(event, ClusterEvent::OnewayFailed { .. })).await;
        let error = Error::Panicked { method: "oneway".to_owned(), message: "one-way".to_owned() };
        assert_eq!(
            event,
            ClusterEvent::OnewayFailed { method: "oneway".to_owned(), calls: 1, error }
        );
        assert_eq!(member.fine().await, Ok(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_an_upstream_ends_its_subscriptions_only() {
    let members = leader_and_follower().await;
    for member in members.iter().rev() {
        let mut counts = member.upstream().await.unwrap();
        let first = timeout(PATIENCE, counts.next()).await.expect("the first value");
        // The end may overtake a value of which only the newest counts.
        if first.is_some() {
            assert_eq!(timeout(PATIENCE, counts.next()).await.expect("the end"), None);
        }
        assert_eq!(member.fine().await, Ok(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_cannot_be_written_harms_nobody() {
    let [leader, follower] = leader_and_follower().await;
    let mut events = leader.membership().events();
    for late in [false, true] {
        let mut mines = follower.mines().await.unwrap();
        let event = timeout(PATIENCE, mines.next_event()).await.expect("no event");
        assert_eq!(event, Some(Event::Missed(1)), "late: {late}");
    }
    wait_for(&mut events, |event| matches!(event, ClusterEvent::SubscriptionFailed { .. })).await;
    let mut mines = leader.mines().await.unwrap();
    assert_eq!(mines.next().await, Some(MineEvent(Mine)));
    assert_eq!(follower.fine().await, Ok(1));
}

/// A leader measures what it retains by encoding it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_cannot_be_written_harms_no_leader_without_followers() {
    let leader = BombProxy::builder().port(free_port()).start(bomb).await.unwrap();
    let mut mines = leader.mines().await.unwrap();
    let mine = timeout(PATIENCE, mines.next()).await.expect("no event");
    assert_eq!(mine, Some(MineEvent(Mine)));
    assert_eq!(leader.fine().await, Ok(1));
}

/// A publication's arguments are decoded before its method runs, for the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_while_a_connection_is_served_ends_that_connection() {
    let [leader, follower] = leader_and_follower().await;
    let mut events = leader.membership().events();
    let mut attacker = Attacker::register(leader.membership().port(), "Bomb").await;
    attacker.send(&call(2, "explosive", &[b"null"])).await;
    attacker.closed_within(PATIENCE, "a panic").await;
    let event =
        wait_for(&mut events, |event| matches!(event, ClusterEvent::FollowerLeft { .. })).await;
    let ClusterEvent::FollowerLeft { reason, .. } = event else { panic!("{event:?}") };
    assert!(reason.contains("in Deserialize"), "{reason}");
    assert_eq!(follower.fine().await, Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_the_factory_is_the_error_of_start() {
    async fn explode(_: cluster_client::LeaderContext) -> Result<Bomb, Error> {
        panic!("factory")
    }
    let error = BombProxy::builder().port(free_port()).start(explode).await.err().unwrap();
    let Error::RealClient { message, .. } = &error else { panic!("{error:?}") };
    assert!(message.contains("panicked: factory"), "{message}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_close_is_an_event_and_the_port_is_handed_over() {
    let [leader, follower] = leader_and_follower().await;
    let mut events = leader.membership().events();
    timeout(PATIENCE, leader.close()).await.expect("close hangs");
    let event = wait_for(&mut events, |event| matches!(event, ClusterEvent::RealClient(_))).await;
    let ClusterEvent::RealClient(Error::Panicked { message, .. }) = event else {
        panic!("{event:?}")
    };
    assert_eq!(message, "close");
    assert_eq!(follower.fine().await, Ok(1));
}

async fn wait_for(events: &mut Events, wanted: fn(&ClusterEvent) -> bool) -> ClusterEvent {
    loop {
        let event = timeout(PATIENCE, events.next()).await.expect("no such event").unwrap();
        if wanted(&event) {
            return event;
        }
    }
}
