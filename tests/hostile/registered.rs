//! Followers that have registered and then misbehave.

use std::time::{Duration, Instant};

use cluster_client::{ClusterEvent, Limits};
use cluster_protocol::{CANCEL, HEARTBEAT, HEARTBEAT_RES, Kind, RESULT_OK};

use crate::attacker::{
    Attacker, PATIENCE, broken_headers, call, framed, packet, register, request,
};
use crate::scene::Scene;
use tokio::time::timeout;

const AT_ONCE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_breaks_the_protocol_is_closed_alone() {
    let mut scene = Scene::new().await;
    let mut violations = vec![
        ("no JSON", request(2, "invoke", b"")),
        ("no object", request(2, "[1]", b"")),
        ("no type", request(2, "{}", b"")),
        (
            "fields of other types",
            request(2, r#"{"type":"invoke","method":7,"argLength":-1,"oneway":3}"#, b""),
        ),
        ("no UTF-8", packet(Kind::Request, 2, b"{\"type\":\"\xff\"}", b"")),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("one id twice", [call(2, "hang", &[]), call(2, "hang", &[])].concat()),
    ];
    violations.extend(broken_headers());
    for (what, bytes) in violations {
        let mut attacker = Attacker::register(scene.port, "Victim").await;
        attacker.try_send(&bytes).await;
        attacker.closed_within(AT_ONCE, what).await;
    }
    scene.nothing_hangs().await;
    scene.untouched().await;
}

/// What a newer or a confused follower may say. Its connection stays, and so do its calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_merely_odd_is_answered_or_ignored() {
    let mut scene = Scene::new().await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let nested = [b"[".repeat(20_000), b"]".repeat(20_000)].concat();
    let arguments = br#""x""#;
    let answered: [(&str, Vec<u8>, &str); 9] = [
        ("an unknown method", call(5, "format_disk", &[]), "unknown_method"),
        ("a subscription as a call", call(5, "ticks", &[]), "unknown_method"),
        ("too few arguments", call(5, "echo", &[]), "bad_arguments"),
        ("too many arguments", call(5, "echo", &[arguments, arguments]), "bad_arguments"),
        ("another type", call(5, "echo", &[b"17"]), "bad_arguments"),
        ("nested JSON", call(5, "echo", &[&nested]), "bad_arguments"),
        (
            "half an argument",
            request(
                5,
                r#"{"type":"invoke","method":"echo","argLength":1,"oneway":false}"#,
                &[0, 0, 0, 9, b'"'],
            ),
            "bad_arguments",
        ),
        (
            "a negative argument",
            request(
                5,
                r#"{"type":"invoke","method":"echo","argLength":1,"oneway":false}"#,
                &[0xff; 8],
            ),
            "bad_arguments",
        ),
        (
            "a key that is not that of the arguments",
            request(5, r#"{"type":"subscribe","key":"mine","method":"ticks"}"#, &framed(&[])),
            "bad_arguments",
        ),
    ];
    for (what, bytes, failure) in answered {
        attacker.send(&bytes).await;
        let answer = attacker.response(5).await;
        assert!(answer.conn.contains(failure), "{what}: {}", answer.conn);
    }
    let ignored = [
        request(6, r#"{"type":"of_the_future","x":1}"#, b"data"),
        request(6, r#"{"type":"invoke"}"#, b""),
        request(6, r#"{"type":"register_channel","channelName":"Victim"}"#, b""),
        request(6, r#"{"type":"unSubscribe","key":"never subscribed"}"#, b""),
        request(6, r#"{"type":"going_away","accepted":1}"#, b""),
        request(6, CANCEL, b""),
        packet(Kind::Response, 6, RESULT_OK.as_bytes(), b"nobody asked"),
        packet(Kind::Response, 6, b"no JSON", b""),
    ];
    for bytes in ignored {
        attacker.send(&bytes).await;
    }
    attacker.is_served().await;
    scene.untouched().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_heartbeats_is_answered() {
    let mut scene = Scene::new().await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let mut beats = Vec::new();
    for id in 0..10_000 {
        beats.extend(request(id, HEARTBEAT, b""));
    }
    attacker.send(&beats).await;
    scene.untouched().await;
    for id in 0..10_000 {
        let answer = attacker.next().await.unwrap();
        assert_eq!((answer.id, answer.conn.as_str()), (id, HEARTBEAT_RES));
    }
    attacker.is_served().await;
}

/// Each kind of packet that brings no work. What ends a call does not count, nor do calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_what_brings_no_work_ends_the_connection() {
    let limits = Limits { control_packets_per_second: 1, control_burst: 100, ..Limits::default() };
    let mut scene = Scene::with(limits, Duration::from_secs(2)).await;
    let mut events = scene.leader.membership().events();
    let floods = [
        ("heartbeats", request(2, HEARTBEAT, b"")),
        ("what is unknown", request(2, r#"{"type":"of_the_future"}"#, b"")),
        ("cancels of nothing", request(2, CANCEL, b"")),
        ("unsubscribing", request(2, r#"{"type":"unSubscribe","key":"never subscribed"}"#, b"")),
        ("answers", packet(Kind::Response, 2, RESULT_OK.as_bytes(), b"nobody asked")),
    ];
    for (what, flood) in floods {
        let mut attacker = Attacker::register(scene.port, "Victim").await;
        for id in 0..300 {
            attacker.send(&[call(id, "hang", &[]), request(id, CANCEL, b"")].concat()).await;
        }
        attacker.send(&flood.repeat(50)).await;
        attacker.is_served().await;
        attacker.try_send(&flood.repeat(200)).await;
        attacker.closed_within(AT_ONCE, what).await;
        loop {
            if let Some(ClusterEvent::FollowerLeft { reason, .. }) = events.next().await {
                assert!(reason.contains("limits.control_packets_per_second"), "{what}: {reason}");
                break;
            }
        }
    }
    scene.untouched().await;
}

/// What it takes back waits for what it publishes, and takes up room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_what_is_taken_back_ends_the_connection() {
    let limits = Limits { publications_per_follower: 10, ..Limits::default() };
    let mut scene = Scene::with(limits, Duration::from_secs(2)).await;
    let mut events = scene.leader.membership().events();
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let released =
        request(2, r#"{"type":"publication_released","method":"publish","key":"[\"x\"]"}"#, b"");
    attacker.send(&call(1, "publish", &[b"\"x\""])).await;
    attacker.send(&released.repeat(10)).await;
    attacker.is_served().await;
    attacker.send(&released).await;
    attacker.closed_within(AT_ONCE, "what is taken back").await;
    loop {
        if let Some(ClusterEvent::FollowerLeft { reason, .. }) = events.next().await {
            assert!(reason.contains("limits.publications_per_follower"), "{reason}");
            break;
        }
    }
    scene.victim.let_go();
    scene.untouched().await;
}

/// Cancelled or not, what it subscribes to and gives up at once is not kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_subscribed_to_and_given_up_at_once_is_over() {
    let limits =
        Limits { cancelled_calls: 1, linger: Duration::from_millis(30), ..Limits::default() };
    let mut scene = Scene::with(limits, Duration::from_secs(2)).await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let subscribe = r#"{"type":"subscribe","key":"linesnull","method":"lines"}"#;
    let unsubscribe = r#"{"type":"unSubscribe","key":"linesnull"}"#;
    for id in 0..20 {
        let given_up = [
            request(id, subscribe, &framed(&[])),
            request(id, CANCEL, b""),
            request(id, unsubscribe, b""),
        ];
        attacker.send(&given_up.concat()).await;
        attacker.is_served().await;
    }
    scene.victim.lines_end().await;
    scene.untouched().await;
}

/// Beyond the bound its calls run on and keep their places, until the time is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_cancels_is_heeded_later() {
    let limits = Limits {
        in_flight_per_follower: 20,
        cancelled_calls: 10,
        cancel_window: Duration::from_secs(1),
        ..Limits::default()
    };
    let mut scene = Scene::with(limits, Duration::from_millis(100)).await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let begun = Instant::now();
    for id in 0..20 {
        attacker.send(&call(id, "hang", &[])).await;
        attacker.send(&request(id, CANCEL, b"")).await;
    }
    // As soon as those that are cancelled at once have ended.
    let served = async {
        loop {
            attacker.send(&call(40, "echo", &[b"\"x\""])).await;
            if attacker.response(40).await.conn == RESULT_OK {
                return;
            }
        }
    };
    timeout(PATIENCE, served).await.unwrap();
    while scene.victim.hanging() > 10 {
        tokio::task::yield_now().await;
    }
    for id in 20..30 {
        attacker.send(&call(id, "hang", &[])).await;
    }
    attacker.send(&call(40, "hang", &[])).await;
    attacker.is_busy(40, "limits.in_flight_per_follower").await;
    assert_eq!(scene.victim.hanging(), 20);
    scene.untouched().await;
    // The first ten of these were cancelled.
    let ended = async {
        while scene.victim.hanging() > 10 {
            attacker.send(&request(50, HEARTBEAT, b"")).await;
            attacker.response(50).await;
        }
    };
    timeout(PATIENCE, ended).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "cancelled after {:?}", begun.elapsed());
    attacker.is_served().await;
}

/// More calls at once than one follower may have: what is over the bound is refused, the rest runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_calls_is_bounded() {
    let mut scene = Scene::new().await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    for id in 0..2000 {
        attacker.send(&call(id, "hang", &[])).await;
    }
    for _ in 0..2000 - 1024 {
        let answer = attacker.next().await.unwrap();
        assert!(answer.conn.contains("busy"), "{}", answer.conn);
    }
    assert_eq!(scene.victim.hanging(), 1024);
    scene.untouched().await;
    drop(attacker);
    scene.nothing_hangs().await;
}

/// It has given its older connection up: what comes of that now would come too late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_registers_anew_ends_its_older_connection() {
    let limits = Limits { followers: 3, ..Limits::default() };
    let mut scene = Scene::with(limits, Duration::from_secs(2)).await;
    let register = register("Victim");
    let mut older = Attacker::connect(scene.port).await;
    for times in 0..3 {
        let mut newer = Attacker::connect(scene.port).await;
        newer.send(&register).await;
        newer.response(1).await;
        newer.send(&call(2, "hang", &[])).await;
        newer.is_served().await;
        if times > 0 {
            older.closed_within(AT_ONCE, "the older one").await;
        }
        older = newer;
    }
    assert_eq!(scene.victim.hanging(), 1, "the calls of the older ones have ended");
    older.is_served().await;
    drop(older);
    scene.nothing_hangs().await;
    scene.untouched().await;
}
