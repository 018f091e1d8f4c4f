//! What becomes of the calls when the leader goes, or the connection ends.

use bytes::Bytes;
use cluster_protocol::HEARTBEAT_RES;

use super::*;
use crate::session::oneways::{Lost, Oneway};

#[tokio::test]
async fn a_leader_that_goes_away_answers_what_it_has_accepted() {
    let (link, mut leader, said) = connect(settings()).await;
    let accepted = spawn_call(&link, LONG, b"accepted");
    let id = leader.next().await.unwrap().id;
    link.send_oneway(CONN, 0, None, &mut |_| Ok(())).unwrap();
    let refused = spawn_call(&link, LONG, b"refused");
    let oneway = leader.next().await.unwrap();
    assert_eq!(oneway.data, b"");
    leader.next().await.unwrap();

    leader.ask(&ConnObject::GoingAway { accepted: 2 }, b"").await;
    assert_eq!(refused.await.unwrap(), Err(CallLoss::NotAccepted));
    assert_eq!(said.lines(1).await, ["going away"]);
    assert_eq!(start(&link, LONG, b"new").await.unwrap_err(), StartError::GoingAway);
    assert!(!link.is_usable());

    leader.answer(id, b"done").await;
    assert_eq!(accepted.await.unwrap(), ok(b"done"));
    drop(leader);
    let end = link.closed().await;
    assert_eq!((end.reason.as_str(), end.going_away), ("the leader closed the connection", true));
}

#[tokio::test]
async fn a_leader_that_has_closed_is_reset() {
    let (link, mut leader, _) = connect(settings()).await;
    leader.stream.shutdown().await.unwrap();
    link.closed().await;
    drop(link);
    let error = timeout(LONG, leader.stream.read(&mut [0])).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn the_end_of_the_connection_tells_sent_calls_from_unsent_ones() {
    let (link, mut leader, _) = connect(settings()).await;
    let sent = spawn_call(&link, LONG, b"small");
    leader.next().await.unwrap();
    let unsent = spawn_call(&link, LONG, &vec![0; 32 << 20]);
    let behind = spawn_call(&link, LONG, b"small, behind the large one");
    while link.lock().calls.live() < 3 || !link.lock().outbound.is_blocked() {
        tokio::task::yield_now().await;
    }
    drop(leader);
    assert_eq!(sent.await.unwrap(), Err(CallLoss::Disconnected { sent: true }));
    assert_eq!(unsent.await.unwrap(), Err(CallLoss::Disconnected { sent: false }));
    assert_eq!(behind.await.unwrap(), Err(CallLoss::Disconnected { sent: false }));
    assert_eq!(start(&link, LONG, b"new").await.unwrap_err(), StartError::Closed);
}

#[tokio::test]
async fn garbage_closes_the_connection_with_a_reason() {
    let never_asked = packet(Kind::Response, 1 << 40, RESULT_OK, b"");
    let cases: [(&[u8], &str); 4] = [
        (b"HTTP/1.1 400 Bad Request", "version"),
        (&packet(Kind::Request, 1, "not JSON", b""), "connection object"),
        (&packet(Kind::Request, 1, r#"{"type":"going_away"}"#, b""), "accepted"),
        (&never_asked, "never made"),
    ];
    for (bytes, part) in cases {
        let (link, mut leader, _) = connect(settings()).await;
        let call = spawn_call(&link, LONG, b"x");
        let good = leader.next().await.unwrap();
        leader.write(&[&packet(Kind::Response, good.id, RESULT_OK, b"y"), bytes].concat()).await;
        assert_eq!(call.await.unwrap(), ok(b"y"), "what came before it counts");
        let end = link.closed().await;
        assert!(end.reason.contains(part), "{}", end.reason);
        assert!(leader.next().await.is_none());
    }
}

/// Up to a rate a leader may say what brings nothing; pushes and answers are not part of it.
#[tokio::test]
async fn a_leader_that_floods_is_left() {
    let limits = Limits { control_packets_per_second: 1, control_burst: 20, ..Limits::default() };
    let push = packet(Kind::Request, 1, r#"{"type":"subscribe_result","key":"k"}"#, b"1");
    let floods = [
        packet(Kind::Request, 1, cluster_protocol::HEARTBEAT, b""),
        packet(Kind::Response, 1, HEARTBEAT_RES, b""),
        packet(Kind::Request, 1, r#"{"type":"of_the_future"}"#, b""),
        packet(Kind::Request, 1, r#"{"type":"cancel"}"#, b""),
    ];
    for flood in floods {
        let settings = LinkSettings { limits: limits.clone(), ..settings() };
        let (link, mut leader, said) = connect(settings).await;
        leader.write(&[push.repeat(100), flood.repeat(20)].concat()).await;
        assert_eq!(said.lines(100).await.len(), 100);
        let call = spawn_call(&link, LONG, b"x");
        while let Some(got) = leader.next().await {
            if got.conn.as_bytes() == CONN {
                leader.answer(got.id, b"y").await;
                break;
            }
        }
        assert_eq!(call.await.unwrap(), ok(b"y"), "still there");
        leader.write(&flood.repeat(10)).await;
        let end = timeout(LONG, link.closed()).await.expect("it stays");
        assert!(end.reason.contains("limits.control_packets_per_second"), "{}", end.reason);
    }
}

/// It says something all the time, so that its silence is no reason. One that is silent altogether is reported, not left.
#[tokio::test]
async fn a_leader_that_never_comes_to_the_end_of_a_packet_is_left() {
    let limits = Limits { packet_time: Duration::from_millis(200), ..Limits::default() };
    let heartbeat_interval = Duration::from_millis(50);
    let settings = LinkSettings { limits, heartbeat_interval, ..settings() };
    let (silent, mut leader, said) = connect(settings.clone()).await;
    leader.write(&[1]).await;
    said.lines(1).await;

    let (link, mut leader, _) = connect(settings).await;
    let begun = Instant::now();
    let packet = packet(Kind::Request, 1, r#"{"type":"of_the_future"}"#, &[0; 1000]);
    for byte in packet {
        if leader.stream.write_all(&[byte]).await.is_err() || !link.is_usable() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let end = timeout(LONG, link.closed()).await.expect("it stays");
    assert!(end.reason.contains("limits.packet_time"), "{}", end.reason);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert!(silent.is_usable());
}

#[tokio::test]
async fn leaving_waits_for_the_calls_that_were_sent() {
    let (link, mut leader, _) = connect(settings()).await;
    let [answered, given_up] = [b"one", b"two"].map(|data| spawn_call(&link, LONG, data));
    let first = leader.next().await.unwrap();
    leader.next().await.unwrap();
    let leaving = tokio::spawn({
        let link = Arc::clone(&link);
        async move { link.leave().await }
    });
    while link.is_usable() {
        tokio::task::yield_now().await;
    }
    assert_eq!(start(&link, LONG, b"new").await.unwrap_err(), StartError::GoingAway);
    leader.answer(first.id, b"done").await;
    assert_eq!(answered.await.unwrap(), ok(b"done"));
    assert!(!leaving.is_finished(), "the other call still waits");
    given_up.abort();
    leaving.await.unwrap();
    link.leave().await;
}

#[tokio::test]
async fn leaving_waits_until_the_leader_has_read_the_oneway_calls() {
    let (link, mut leader, _) = connect(settings()).await;
    let call = Oneway { method: 0, data: Bytes::new(), deadline: Instant::now() + LONG };
    link.send_oneway(CONN, 0, Some(&call), &mut |_| Ok(())).unwrap();
    leader.next().await.unwrap();
    let leaving = tokio::spawn({
        let link = Arc::clone(&link);
        async move { link.leave().await }
    });
    let ping = leader.next().await.unwrap();
    assert!(!leaving.is_finished());
    leader.write(&packet(Kind::Response, ping.id, HEARTBEAT_RES, b"")).await;
    leaving.await.unwrap();
    link.close();
    assert_eq!(link.take_lost(), Lost::default());
}

/// The runtime need not have heard of what there is to be read when writing fails.
#[tokio::test]
async fn an_answer_counts_that_came_before_writing_failed() {
    let (link, mut leader, _) = connect(settings()).await;
    let call = spawn_call(&link, LONG, b"x");
    let got = leader.next().await.unwrap();
    link.send_control(b"{not read, so that closing resets the connection}").unwrap();
    // From here on the runtime does not look at the socket until the call is waited for.
    let mut stream = leader.stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    let answer = packet(Kind::Response, got.id, RESULT_OK, b"done");
    std::io::Write::write_all(&mut stream, &answer).unwrap();
    drop(stream);
    link.send_control(b"{too late}").unwrap();
    assert!(link.lock().outbound.is_broken());
    assert_eq!(call.await.unwrap(), ok(b"done"));
    link.closed().await;
}

#[tokio::test]
async fn close_sends_what_waits_and_fails_the_calls() {
    let (link, mut leader, _) = connect(settings()).await;
    let call = spawn_call(&link, LONG, b"x");
    leader.next().await.unwrap();
    link.lock().outbound.batch_woken(9);
    link.send_control(b"{put off}").unwrap();
    link.close();
    link.close();
    assert_eq!(leader.next().await.unwrap().conn, "{put off}");
    assert!(leader.next().await.is_none());
    assert_eq!(call.await.unwrap(), Err(CallLoss::Disconnected { sent: true }));
    let end = link.closed().await;
    assert_eq!((end.reason.as_str(), end.going_away), ("closed by this process", false));
    // Both tasks have let go of it.
    while Arc::strong_count(&link) > 1 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_runtime_that_ends_ends_the_connection() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (link, _leader, _) = runtime.block_on(connect(settings()));
    assert!(link.is_usable());
    drop(runtime);
    assert!(!link.is_usable());
}
