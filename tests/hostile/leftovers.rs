//! What was pushed to a subscription that is over: not for who subscribes to the same key anew. And subscriptions whose
//! leader goes, or says nothing, before they are confirmed.

use std::time::Duration;

use cluster_client::{CloseReason, ClusterEvent, Event, Role, RolePreference};
use cluster_protocol::{ConnObject, HEARTBEAT, HEARTBEAT_RES, Kind, PushEvent, RESULT_OK};
use support::free_port;
use tokio::time::timeout;

use crate::attacker::{Attacker, PATIENCE, Packet, packet, request};
use crate::leaders::{Scripted, a_real_welcome, builder};
use crate::scene::{Line, Scene};

const KEY: &str = "linesnull";
const SUBSCRIBE: &str = r#"{"type":"subscribe","key":"linesnull","method":"lines"}"#;
const UNSUBSCRIBE: &str = r#"{"type":"unSubscribe","key":"linesnull"}"#;
const UNSUBSCRIBED: &str = r#"{"type":"unsubscribed","key":"linesnull"}"#;

fn push(data: &[u8], event: Option<PushEvent>) -> Vec<u8> {
    let conn = ConnObject::SubscribeResult { key: KEY.into(), item: None, epoch: Some(1), event };
    packet(Kind::Request, 1, &conn.to_bytes(), data)
}

fn ok(to: &Packet) -> Vec<u8> {
    packet(Kind::Response, to.id, RESULT_OK.as_bytes(), b"")
}

/// Waits for this from a follower, and answers its heartbeats.
async fn comes(follower: &mut Attacker, conn: &str) -> Packet {
    let comes = async {
        loop {
            let came = follower.next().await.expect("the connection is closed");
            if came.conn == conn {
                return came;
            }
            if came.conn == HEARTBEAT {
                let answer = packet(Kind::Response, came.id, HEARTBEAT_RES.as_bytes(), b"");
                follower.send(&answer).await;
            }
        }
    };
    timeout(PATIENCE, comes).await.unwrap_or_else(|_| panic!("{conn} does not come"))
}

/// Values of the older one, and its end, may still be on their way: between them and the first of the newer one others are
/// missing, of which nobody tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_does_not_take_an_older_subscriptions_pushes_for_the_newer_ones() {
    let (welcome, interface) = a_real_welcome().await;
    let leader = Scripted::listen(free_port()).await;
    let (proxy, mut connection) = leader.follower(builder(leader.port), &welcome, &interface).await;
    let lines = async |connection: &mut Attacker| {
        let proxy = proxy.clone();
        let lines = tokio::spawn(async move { proxy.lines().await });
        let asked = connection.next().await.unwrap();
        assert!(asked.conn.starts_with(r#"{"type":"subscribe""#), "{}", asked.conn);
        (lines, asked)
    };
    let (older, asked) = lines(&mut connection).await;
    connection.send(&ok(&asked)).await;
    connection.send(&push(br#""1""#, None)).await;
    let mut older = older.await.unwrap().unwrap();
    assert_eq!(older.next_event().await, Some(Event::Value(Line("1".to_owned()))));
    drop(older);
    assert_eq!(connection.next().await.unwrap().conn, UNSUBSCRIBE);

    let (newer, asked) = lines(&mut connection).await;
    let said = [
        push(br#""2""#, None),
        push(b"", Some(PushEvent::Missed { count: 3 })),
        push(b"", Some(PushEvent::Ended)),
        packet(Kind::Request, 1, UNSUBSCRIBED.as_bytes(), b""),
        push(br#""9""#, None),
        ok(&asked),
        push(b"", Some(PushEvent::Ended)),
    ];
    connection.send(&said.concat()).await;
    let mut newer = newer.await.unwrap().unwrap();
    assert_eq!(newer.next_event().await, Some(Event::Value(Line("9".to_owned()))));
    assert_eq!(newer.next_event().await, None);
    assert_eq!(newer.close_reason(), Some(CloseReason::Ended));
}

/// Where its pushes wait because it does not read them, the end of its subscription among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_says_which_pushes_are_an_older_subscriptions() {
    let mut scene = Scene::new().await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    attacker.send(&request(2, SUBSCRIBE, b"")).await;
    assert_eq!(attacker.response(2).await.conn, RESULT_OK);
    let mut also = scene.followers[0].lines().await.unwrap();
    let older = "x".repeat(100_000);
    for _ in 0..100 {
        scene.victim.line(&older);
    }
    scene.victim.end_lines();
    // Who reads them hears of the end.
    while also.next_event().await.is_some() {}

    attacker.send(&[request(3, UNSUBSCRIBE, b""), request(4, SUBSCRIBE, b"")].concat()).await;
    let mut unsubscribed = false;
    loop {
        let came = attacker.next().await.expect("the connection is closed");
        match (came.kind, came.conn.as_str()) {
            (Kind::Response, RESULT_OK) => break,
            (Kind::Request, UNSUBSCRIBED) => unsubscribed = true,
            (_, conn) => assert!(!unsubscribed, "{conn}"),
        }
    }
    assert!(unsubscribed, "which are the older one's?");
    scene.victim.line("newer");
    let came = attacker.next().await.unwrap();
    assert_eq!(came.data, br#""newer""#, "{}", came.conn);
    scene.untouched().await;
}

/// Between the two values others are missing, though nothing was confirmed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_given_values_before_its_leader_went_is_told_of_the_next_one() {
    let (welcome, interface) = a_real_welcome().await;
    let leader = Scripted::listen(free_port()).await;
    let only_follower = builder(leader.port).role(RolePreference::Follower);
    let (proxy, mut first) = leader.follower(only_follower, &welcome, &interface).await;
    let asking = proxy.clone();
    let lines = tokio::spawn(async move { asking.lines().await });
    assert_eq!(first.next().await.unwrap().conn, SUBSCRIBE);
    first.send(&push(br#""1""#, None)).await;
    drop(first);

    let mut next = leader.welcome(&welcome, &interface).await;
    let asked = next.next().await.unwrap();
    assert_eq!(asked.conn, SUBSCRIBE);
    next.send(&[ok(&asked), push(br#""20""#, None)].concat()).await;
    let mut lines = lines.await.unwrap().unwrap();
    assert_eq!(lines.next_event().await, Some(Event::Value(Line("1".to_owned()))));
    assert_eq!(lines.next_event().await, Some(Event::Resynced));
    assert_eq!(lines.next_event().await, Some(Event::Value(Line("20".to_owned()))));
}

/// Whether it was not read in time or refused too late, nobody could tell: so it is asked until it answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_does_not_restore_a_subscription_in_time_is_asked_again() {
    const RESTORE: &str =
        r#"{"type":"subscribe","key":"linesnull","method":"lines","restore":true}"#;
    let (welcome, interface) = a_real_welcome().await;
    let leader = Scripted::listen(free_port()).await;
    let follower = builder(leader.port)
        .role(RolePreference::Follower)
        .subscribe_timeout(Duration::from_millis(100));
    let (proxy, mut first) = leader.follower(follower, &welcome, &interface).await;
    let asking = proxy.clone();
    let lines = tokio::spawn(async move { asking.lines().await });
    let asked = first.next().await.unwrap();
    first.send(&ok(&asked)).await;
    let mut lines = lines.await.unwrap().unwrap();
    let mut events = proxy.membership().events();
    drop(first);

    let mut next = leader.welcome(&welcome, &interface).await;
    let not_read = next.next().await.unwrap();
    assert_eq!(not_read.conn, RESTORE);
    while !matches!(events.next().await, Some(ClusterEvent::SubscriptionStalled { .. })) {}
    let busy = r#"{"type":"invoke_result","success":false,"failure":"busy"}"#;
    let expired = r#"{"type":"invoke_result","success":false,"failure":"expired"}"#;
    for answer in [None, Some(busy), Some(expired), Some(RESULT_OK)] {
        let asked = comes(&mut next, RESTORE).await;
        assert_ne!(asked.id, not_read.id);
        if let Some(answer) = answer {
            next.send(&packet(Kind::Response, asked.id, answer.as_bytes(), b"full")).await;
        }
    }
    next.send(&push(br#""2""#, None)).await;
    assert_eq!(lines.next_event().await, Some(Event::Resynced));
    assert_eq!(lines.next_event().await, Some(Event::Value(Line("2".to_owned()))));
    drop(lines);
    comes(&mut next, UNSUBSCRIBE).await;
}

/// Its last reader has left when there was nobody to be told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_restored_as_a_silence_began_is_taken_back_with_the_rest() {
    let (welcome, interface) = a_real_welcome().await;
    let leader = Scripted::listen(free_port()).await;
    let follower = builder(leader.port)
        .heartbeat_interval(Duration::from_millis(50))
        .standalone_after(Duration::from_millis(200));
    let (proxy, mut first) = leader.follower(follower, &welcome, &interface).await;
    let asking = proxy.clone();
    let lines = tokio::spawn(async move { asking.lines().await });
    let asked = first.next().await.unwrap();
    first.send(&ok(&asked)).await;
    let lines = lines.await.unwrap().unwrap();
    let mut roles = proxy.membership().role_changes();
    drop(first);

    let mut next = leader.welcome(&welcome, &interface).await;
    while !next.next().await.unwrap().conn.contains(r#""restore":true"#) {}
    drop(lines);
    while roles.next().await != Some(Role::Standalone) {}
    // The leader goes on.
    comes(&mut next, UNSUBSCRIBE).await;
}

/// It has been given them: whether it has the subscription is all that it asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_restores_a_subscription_twice_is_not_given_its_values_twice() {
    let mut scene = Scene::new().await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let ticks = |id, restore| {
        let conn = format!(
            r#"{{"type":"subscribe","key":"ticksnull","method":"ticks","restore":{restore}}}"#
        );
        request(id, &conn, b"")
    };
    scene.untouched().await;
    let retained = |came: Packet| {
        assert_eq!(came.data, b"1", "{}", came.conn);
    };
    attacker.send(&ticks(2, true)).await;
    retained(attacker.next().await.unwrap());
    assert_eq!(attacker.next().await.unwrap().id, 2, "the answer");
    attacker.send(&ticks(3, true)).await;
    assert_eq!(attacker.next().await.unwrap().id, 3, "the answer");
    attacker.send(&ticks(4, false)).await;
    retained(attacker.next().await.unwrap());
}
