//! What was pushed to a subscription that is over: not for who subscribes to the same key anew.

use cluster_client::{CloseReason, Event};
use cluster_protocol::{ConnObject, Kind, PushEvent, RESULT_OK};
use support::free_port;

use crate::attacker::{Attacker, Packet, packet, request};
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
