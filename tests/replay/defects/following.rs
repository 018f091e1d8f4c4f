//! A Rust follower and Node leaders.

use std::time::{Duration, Instant};

use cluster_client::{CloseReason, ClusterEvent, Error, Outcome, Role, RolePreference};
use cluster_protocol::{Kind, RESULT_ERR, SUBSCRIBE_RESULT_RES};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::stock::{Count, Item, StockError, StockProxy, nobody, stock};
use super::wire::{encoded, packet};
use crate::recorded::{PATIENCE, Wire, recorded};

/// After so long a silence a heartbeat is sent.
const INTERVAL: Duration = Duration::from_millis(100);

/// The port of a Node process.
struct Leader(TcpListener);

impl Leader {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// A follower of it, and the connection that it has registered on.
    async fn followed(&self) -> (StockProxy, Wire) {
        let joining = stock(self.0.local_addr().unwrap().port())
            .role(RolePreference::Follower)
            .heartbeat_interval(INTERVAL);
        let joining = tokio::spawn(joining.start(nobody));
        let wire = self.joined().await;
        (timeout(PATIENCE, joining).await.unwrap().unwrap().unwrap(), wire)
    }

    async fn joined(&self) -> Wire {
        self.answered("register_channel_res ok").await
    }

    /// The next connection, whose registration is answered so.
    async fn answered(&self, answer: &str) -> Wire {
        let (stream, _) = timeout(PATIENCE, self.0.accept()).await.unwrap().unwrap();
        let mut wire = Wire::new(stream);
        let register = wire.next().await;
        assert!(register.conn.contains("register_channel"), "{}", register.conn);
        wire.send(&recorded(answer).to(register.id)).await;
        wire
    }
}

fn push(id: u64, data: &[u8]) -> Vec<u8> {
    let conn = json!({ "type": "subscribe_result", "key": "$$inner$$__\"x\"" });
    packet(Kind::Request, id, &conn.to_string(), data)
}

/// A Node leader drops who sends no requests, and answers to its pushes are none.
#[tokio::test]
async fn d01_heartbeats_are_sent_while_pushes_are_acknowledged() {
    let leader = Leader::new().await;
    let (follower, mut wire) = leader.followed().await;
    let _counts = follower.watch("x".into()).await.unwrap();
    assert!(wire.next().await.conn.contains("subscribe"));
    let (mut heartbeats, mut last, mut acknowledged) = (0, Instant::now(), 0);
    while heartbeats < 3 {
        // A push at a time, and each is acknowledged at once: there is no silence to be broken.
        wire.send(&push(acknowledged + 1, &encoded(&1))).await;
        while wire.any().await.kind == Kind::Request {
            (heartbeats, last) = (heartbeats + 1, Instant::now());
        }
        acknowledged += 1;
        let silent = last.elapsed();
        assert!(silent < INTERVAL * 10, "no request for {silent:?}, {acknowledged} pushes");
    }
}

/// D2, D3: a Node leader does not answer what it does not have, or what throws.
#[tokio::test]
async fn d02_a_call_that_is_never_answered_ends_in_time_and_alone() {
    let leader = Leader::new().await;
    let (follower, mut wire) = leader.followed().await;
    let error = timeout(PATIENCE, follower.never()).await.unwrap().unwrap_err();
    let StockError::Cluster(error @ Error::DeadlineExceeded { .. }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.outcome(), Outcome::Unknown);
    let never = wire.next().await;
    let call = tokio::spawn(async move { (follower.echo("x".into()).await, follower) });
    let echo = wire.next().await;
    // Now the late answer comes, too.
    wire.send(&recorded("invoke_result undefined").to(never.id)).await;
    let ok = &recorded("invoke_result ok").conn;
    wire.send(&packet(Kind::Response, echo.id, ok, &encoded(&"x"))).await;
    assert_eq!(call.await.unwrap().0, Ok("x".into()));
}

/// For each key the last one, and what has failed or was never published not at all.
#[tokio::test]
async fn d10_only_the_last_publication_of_a_key_is_made_again() {
    let leader = Leader::new().await;
    let (follower, mut wire) = leader.followed().await;
    let item = |id: &str, count| Item { id: id.into(), count };
    for (id, count) in [("x", 1), ("y", 1), ("x", 2), ("x", 3), ("x", 4)] {
        follower.announce(item(id, count)).await.unwrap();
        assert!(wire.next().await.conn.contains(r#""method":"publish""#));
    }
    drop(wire);
    let mut wire = leader.joined().await;
    let mut again = [wire.next().await.data, wire.next().await.data];
    let mut expected = [item("x", 4), item("y", 1)].map(|item| {
        let item = encoded(&item);
        [&u32::try_from(item.len()).unwrap().to_be_bytes()[..], &item].concat()
    });
    again.sort();
    expected.sort();
    assert_eq!(again, expected);
    // And nothing comes after them but this.
    let call = tokio::spawn(async move { follower.take("x".into()).await });
    assert!(wire.next().await.conn.contains(r#""method":"take""#));
    call.abort();
}

/// What a real client cannot do now it may do later.
#[tokio::test]
async fn d16_a_leader_that_has_failed_is_joined_again() {
    let leader = Leader::new().await;
    let (follower, wire) = leader.followed().await;
    let mut events = follower.membership().events();
    drop(wire);
    let _failed = leader.answered("register_channel_res error").await;
    let told = async {
        loop {
            if let ClusterEvent::RealClient(error) = events.next().await.unwrap() {
                return error;
            }
        }
    };
    let told = timeout(PATIENCE, told).await.unwrap();
    assert!(told.to_string().contains("boom"), "{told}");
    let call = tokio::spawn({
        let follower = follower.clone();
        async move { follower.echo("x".into()).await }
    });
    let mut wire = leader.joined().await;
    let echo = async {
        let came = wire.next().await;
        let ok = &recorded("invoke_result ok").conn;
        wire.send(&packet(Kind::Response, came.id, ok, &encoded(&"x"))).await;
    };
    let again = async {
        match call.await.unwrap() {
            Ok(text) => Ok(text),
            // It may have been told of the failure. The next one is not.
            Err(_) => follower.echo("x".into()).await,
        }
    };
    assert_eq!(tokio::join!(echo, again).1, Ok("x".into()));
    assert_eq!(follower.membership().role(), Role::Follower);
}

#[tokio::test]
async fn d21_an_answer_or_a_push_without_data_costs_no_connection() {
    let leader = Leader::new().await;
    let (follower, mut wire) = leader.followed().await;
    let mut counts = follower.watch("x".into()).await.unwrap();
    assert!(wire.next().await.conn.contains("subscribe"));
    wire.send(&push(41, b"")).await;
    let acknowledged = wire.next().await;
    assert_eq!((acknowledged.id, &*acknowledged.conn), (41, SUBSCRIBE_RESULT_RES));
    assert_eq!(timeout(PATIENCE, counts.next()).await.unwrap(), None);
    let why = counts.close_reason();
    assert!(matches!(why, Some(CloseReason::Failed(Error::Decode { .. }))), "{why:?}");
    drop(counts);
    assert!(wire.next().await.conn.contains("unSubscribe"));

    let call = tokio::spawn({
        let follower = follower.clone();
        async move { follower.take("x".into()).await }
    });
    let came = wire.next().await;
    wire.send(&packet(Kind::Response, came.id, RESULT_ERR, b"")).await;
    let StockError::Cluster(error @ Error::Decode { .. }) = call.await.unwrap().unwrap_err() else {
        panic!("no error says what is missing")
    };
    assert_eq!(error.outcome(), Outcome::Executed);

    let mut counts = follower.watch("x".into()).await.unwrap();
    assert!(wire.next().await.conn.contains("subscribe"));
    wire.send(&push(42, &encoded(&2))).await;
    assert_eq!(timeout(PATIENCE, counts.next()).await.unwrap(), Some(Count(2)));
}
