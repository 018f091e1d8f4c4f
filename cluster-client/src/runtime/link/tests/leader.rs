//! What the leader says without having been asked, and its silence.

use cluster_protocol::{ChannelState, HEARTBEAT, HEARTBEAT_RES, PushEvent};

use super::*;

#[tokio::test]
async fn what_the_leader_says_is_passed_on_in_order() {
    let (_link, mut leader, said) = connect(settings()).await;
    let push = |item: Option<&'static str>, event| ConnObject::SubscribeResult {
        key: "k".into(),
        item: item.map(Into::into),
        epoch: Some(1),
        event,
    };
    let welcome = Welcome {
        version: 1,
        instance: 1,
        pid: 1,
        epoch: 1,
        since: 1,
        state: ChannelState::Ready,
        channels: Vec::new(),
    };
    leader.ask(&push(Some("i"), None), b"value").await;
    leader.write(&packet(Kind::Request, 1, r#"{"type":"of_the_future"}"#, b"")).await;
    leader.ask(&push(None, Some(PushEvent::Missed { count: 3 })), b"").await;
    leader.ask(&ConnObject::Unsubscribed { key: "k".into() }, b"").await;
    leader
        .ask(&ConnObject::PublicationTaken { method: "m".into(), key: "p".into(), call: 7 }, b"")
        .await;
    leader.ask(&ConnObject::ChannelState { rs: welcome }, b"{}").await;
    let expected = [
        r#"pushed k Some("i") None b"value""#,
        r#"pushed k None Some(Missed { count: 3 }) b"""#,
        "unsubscribed k",
        "taken m p 7",
        "Ready {}",
    ];
    assert_eq!(said.lines(5).await, expected);
}

#[tokio::test]
async fn what_comes_together_with_the_handshake_is_passed_on() {
    let (mut read, write, mut leader) = pair().await;
    leader.write(&packet(Kind::Request, 1, r#"{"type":"going_away","accepted":0}"#, b"")).await;
    poll_fn(|cx| read.poll_read(cx)).await.unwrap();
    let said = Arc::new(Said::default());
    let sequence = Arc::new(AtomicU64::new(1));
    let _link = LeaderLink::spawn(read, write, settings(), sequence, said.clone());
    assert_eq!(said.lines(1).await, ["going away"]);
}

#[tokio::test]
async fn a_silent_leader_is_pinged_and_reported_until_it_says_something() {
    let interval = Duration::from_millis(30);
    let (_link, mut leader, said) =
        connect(LinkSettings { heartbeat_interval: interval, ..settings() }).await;
    let begun = Instant::now();
    let ping = leader.next().await.unwrap();
    assert!(begun.elapsed() + Duration::from_millis(5) >= interval);
    assert_eq!((ping.kind, ping.conn.as_str(), ping.timeout), (Kind::Request, HEARTBEAT, 30));
    assert_eq!(said.lines(1).await, ["unresponsive"]);
    leader.write(&packet(Kind::Response, ping.id, HEARTBEAT_RES, b"")).await;
    assert_eq!(said.lines(2).await[1], "responsive");
}

#[tokio::test]
async fn a_heartbeat_is_answered() {
    let (_link, mut leader, _) = connect(settings()).await;
    leader.write(&packet(Kind::Request, 77, HEARTBEAT, b"")).await;
    let answer = leader.next().await.unwrap();
    assert_eq!((answer.kind, answer.id, answer.conn.as_str()), (Kind::Response, 77, HEARTBEAT_RES));
}
