//! What is written, and when the socket takes no more.

use super::*;

#[tokio::test]
async fn a_leader_that_stops_reading_gets_everything_once_it_reads_again() {
    let (link, leader, _) = connect(settings()).await;
    let calls: Vec<_> = (0..64u8).map(|n| spawn_call(&link, LONG, &vec![n; 256 << 10])).collect();
    // A new socket also counts as blocked until the runtime has heard of it.
    while link.lock().outbound.written() == 0 || !link.lock().outbound.is_blocked() {
        tokio::task::yield_now().await;
    }
    let leader = tokio::spawn(leader.echo());
    for (n, call) in (0u8..).zip(calls) {
        assert!(call.await.unwrap() == ok(&vec![n; 256 << 10]), "call {n}");
    }
    link.close();
    leader.await.unwrap();
}

#[tokio::test]
async fn a_call_that_expires_before_it_is_written_never_reaches_the_leader() {
    let (link, mut leader, _) = connect(settings()).await;
    let large = spawn_call(&link, LONG, &vec![1; 32 << 20]);
    while link.lock().outbound.written() == 0 || !link.lock().outbound.is_blocked() {
        tokio::task::yield_now().await;
    }
    let before = spawn_call(&link, LONG, b"before");
    let expired = spawn_call(&link, Duration::from_millis(20), b"expired");
    let behind = spawn_call(&link, LONG, b"behind");
    assert_eq!(expired.await.unwrap(), Err(CallLoss::Expired { sent: false }));

    let mut ids = Vec::new();
    for data in [&[1; 32 << 20][..], b"before", b"behind"] {
        let got = leader.next().await.unwrap();
        assert!(got.data == data);
        ids.push(got.id);
    }
    // The leader has never counted the one that expired.
    leader.ask(&ConnObject::GoingAway { accepted: 3 }, b"").await;
    for (id, call) in ids.into_iter().zip([large, before, behind]) {
        leader.answer(id, b"done").await;
        assert_eq!(call.await.unwrap(), ok(b"done"));
    }
}

#[tokio::test]
async fn what_waits_to_be_written_is_bounded() {
    let (link, _leader, _) = connect(LinkSettings {
        limits: Limits { outbound_bytes: 1 << 20, ..Limits::default() },
        ..settings()
    })
    .await;
    let mut calls = Vec::new();
    let refused = loop {
        match start(&link, LONG, &[0; 64 << 10]).await {
            Ok(call) => calls.push(call),
            Err(refused) => break refused,
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(refused, StartError::Busy);
    assert!(link.lock().outbound.pending() <= 1 << 20);
}

#[tokio::test]
async fn oneway_calls_and_controls_are_sent_in_order() {
    let (link, mut leader, _) = connect(settings()).await;
    let data = &mut |out: &mut Vec<u8>| -> Result<(), EncodeError> {
        out.extend_from_slice(b"args");
        Ok(())
    };
    link.send_oneway(b"{1}", 50, None, data).unwrap();
    link.send_control(b"{2}").unwrap();
    let (oneway, control) = (leader.next().await.unwrap(), leader.next().await.unwrap());
    assert_eq!((oneway.conn.as_str(), oneway.timeout, &*oneway.data), ("{1}", 50, &b"args"[..]));
    assert_eq!((control.conn.as_str(), control.timeout, &*control.data), ("{2}", 0, &b""[..]));
    assert_ne!(oneway.id, control.id);
}

#[tokio::test]
async fn arguments_that_cannot_be_encoded_leave_no_trace() {
    let (link, mut leader, _) = connect(settings()).await;
    let too_long = vec![0; settings().frame.data + 1];
    assert!(matches!(start(&link, LONG, &too_long).await, Err(StartError::Encode(_))));
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        link.send_oneway(CONN, 0, None, &mut |_| panic!("a user's Serialize")).ok();
    }));
    assert!(panics.is_err());
    let call = spawn_call(&link, LONG, b"x");
    let got = leader.next().await.unwrap();
    assert_eq!(got.data, b"x");
    leader.answer(got.id, b"y").await;
    assert_eq!(call.await.unwrap(), ok(b"y"));
}
