//! Who connects and does not register as a follower does.

use std::time::{Duration, Instant};

use cluster_client::{Error, Limits, Value};
use cluster_protocol::Codec;
use support::free_port;
use tokio::time::timeout;

use crate::attacker::{Attacker, PATIENCE, broken_headers, call, packet, register, request};
use crate::scene::{Scene, Victim, VictimProxy};

/// Long before the handshake's time is over.
const AT_ONCE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_turned_away_at_once() {
    let mut scene = Scene::new().await;
    let mut random = fastrand::Rng::with_seed(7);
    let mut noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(1000).collect();
    noise[0] = 0xa7;
    let nested = format!(r#"{{"type":{}1{}}}"#, "[".repeat(1500), "]".repeat(1500));
    let mut strangers = vec![
        ("HTTP", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("TLS", [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[0x5a; 508]].concat()),
        ("noise", noise),
        ("no JSON", request(1, "register_channel", b"")),
        ("nested JSON", request(1, &nested, b"")),
        ("half a JSON object", request(1, r#"{"type":"register_channel","#, b"")),
        ("an unknown type", request(1, r#"{"type":"join"}"#, b"")),
        ("a call", call(1, "echo", &[b"\"x\""])),
        ("a response", packet(cluster_protocol::Kind::Response, 1, b"{}", b"")),
        ("no name", request(1, r#"{"type":"register_channel"}"#, b"")),
        ("data in the handshake", request(1, r#"{"type":"register_channel"}"#, b"data")),
        (
            "the announcement of more than a registration",
            request(1, &"x".repeat(1001), b"")[..24].to_vec(),
        ),
    ];
    strangers.extend(broken_headers());
    for (who, bytes) in strangers {
        let mut stranger = Attacker::connect(scene.port).await;
        stranger.try_send(&bytes).await;
        stranger.closed_within(AT_ONCE, who).await;
    }
    scene.untouched().await;
}

/// It reconnects at once and without a pause when it is hung up on, so it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_process_is_told_that_it_is_not_wanted() {
    let mut scene = Scene::new().await;
    let mut node = Attacker::connect(scene.port).await;
    let register = r#"{"type":"register_channel","channelName":"Victim"}"#;
    node.send(&request(1, register, b"")).await;
    let answer = node.response(1).await;
    assert_eq!(answer.conn, r#"{"type":"register_channel_res"}"#);
    let refused: Value = Codec::SerializeJson.decode(&answer.data).unwrap();
    let refused = format!("{refused:?}");
    assert!(refused.contains("`node_compat()`"), "{refused}");
    node.send(&request(2, register, b"")).await;
    let open = timeout(Duration::from_millis(100), node.closed()).await;
    assert!(open.is_err(), "hung up on");
    scene.untouched().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_register_in_time_is_closed() {
    let handshake_timeout = Duration::from_millis(300);
    let limits = Limits { handshake_timeout, ..Limits::default() };
    let mut scene = Scene::with(limits, Duration::from_secs(2)).await;
    let register = register("Victim");
    for part in [&[][..], &register[..1], &register[..12], &register[..24], &register[..40]] {
        let begun = Instant::now();
        let mut silent = Attacker::connect(scene.port).await;
        silent.send(part).await;
        silent.closed_within(AT_ONCE, "silence").await;
        assert!(begun.elapsed() >= handshake_timeout, "closed after {:?}", begun.elapsed());
    }
    scene.untouched().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_falls_silent_in_the_middle_of_a_packet_is_closed() {
    let heartbeat_interval = Duration::from_millis(50);
    let mut scene = Scene::with(Limits::default(), heartbeat_interval).await;
    let mut silent = Attacker::register(scene.port, "Victim").await;
    let begun = Instant::now();
    silent.send(&call(2, "echo", &[b"\"never complete\""])[..50]).await;
    silent.closed_within(PATIENCE, "silence").await;
    assert!(begun.elapsed() >= heartbeat_interval * 10, "closed after {:?}", begun.elapsed());
    scene.untouched().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_keep_nobody_out() {
    let limits = Limits { pending_handshakes: 16, ..Limits::default() };
    let mut scene = Scene::with(limits, Duration::from_secs(2)).await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(Attacker::connect(scene.port).await);
    }
    for attacker in &mut idle[..184] {
        attacker.closed_within(AT_ONCE, "one of the oldest").await;
    }
    let another = VictimProxy::builder().port(scene.port).start(victim).await.unwrap();
    assert_eq!(another.echo("in".to_owned()).await, Ok("in".to_owned()));
    // The newcomer has pushed out one more.
    idle[184].closed_within(AT_ONCE, "the next oldest").await;
    let newest = timeout(Duration::from_millis(100), idle[199].closed()).await;
    assert!(newest.is_err(), "the newest still has its time");
    scene.untouched().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_and_resets_are_nothing() {
    let mut scene = Scene::new().await;
    let register = register("Victim");
    for round in 0..200 {
        let mut probe = match round % 4 {
            3 => Attacker::register(scene.port, "Victim").await,
            _ => Attacker::connect(scene.port).await,
        };
        match round % 4 {
            0 => {}
            1 => probe.send(&register[..round % register.len()]).await,
            2 => probe.send(&register).await,
            _ => probe.send(&call(2, "echo", &[b"\"half\""])[..30 + round / 4]).await,
        }
        if round % 8 >= 4 {
            probe.stream.set_zero_linger().unwrap();
        }
        drop(probe);
    }
    scene.untouched().await;
}

async fn victim(_: cluster_client::LeaderContext) -> Result<Victim, Error> {
    Ok(Victim::default())
}

/// The leader's own limit, told to the one it hits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_follower_too_many_is_refused_with_the_limit() {
    let port = free_port();
    let limits = Limits { followers: 1, ..Limits::default() };
    let leader = VictimProxy::builder().port(port).limits(limits).start(victim).await.unwrap();
    let first = VictimProxy::builder().port(port).start(victim).await.unwrap();
    let refused = VictimProxy::builder().port(port).start(victim).await.err();
    let Some(Error::Refused { reason, .. }) = &refused else { panic!("{refused:?}") };
    assert!(reason.contains("limits.followers"), "{reason}");
    assert!(first.echo(String::new()).await.is_ok() && leader.echo(String::new()).await.is_ok());
}
