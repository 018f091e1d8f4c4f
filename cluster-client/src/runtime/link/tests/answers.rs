//! Answers find their calls, however they come.

use super::*;

#[tokio::test]
async fn answers_in_any_order_go_to_their_calls() {
    let (link, mut leader, _) = connect(settings()).await;
    let calls: Vec<_> = (0..8u8).map(|n| spawn_call(&link, LONG, &[n])).collect();
    let mut got = Vec::new();
    for _ in 0..8 {
        got.push(leader.next().await.unwrap());
    }
    assert!(got.iter().all(|got| got.conn.as_bytes() == CONN && got.timeout == 20_000));
    for got in got.iter().rev() {
        leader.answer(got.id, &got.data).await;
    }
    for (n, call) in (0u8..).zip(calls) {
        assert_eq!(call.await.unwrap(), ok(&[n]));
    }
}

#[tokio::test]
async fn an_answer_may_come_byte_by_byte() {
    let (link, mut leader, _) = connect(settings()).await;
    let call = spawn_call(&link, LONG, b"x");
    let got = leader.next().await.unwrap();
    for byte in packet(Kind::Response, got.id, RESULT_OK, b"result") {
        leader.write(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(call.await.unwrap(), ok(b"result"));
}

#[tokio::test]
async fn errors_and_failures_are_told_apart() {
    let (link, mut leader, _) = connect(settings()).await;
    let failed = ConnObject::InvokeResult { success: false, failure: Some(Failure::Busy) };
    let failed = String::from_utf8(failed.to_bytes()).unwrap();
    // Spelled as Node might, not as the constants are.
    let spaced = r#"{ "type": "invoke_result", "success": true, "new": 1 }"#;
    let cases = [
        (cluster_protocol::RESULT_ERR, AnswerKind::Err),
        (&failed, AnswerKind::Failed(Failure::Busy)),
        (spaced, AnswerKind::Ok),
    ];
    for (conn, kind) in cases {
        let call = spawn_call(&link, LONG, b"x");
        let id = leader.next().await.unwrap().id;
        leader.write(&packet(Kind::Response, id, conn, b"data")).await;
        assert_eq!(call.await.unwrap(), Ok((kind, b"data".to_vec())));
    }
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_and_its_late_answer_goes_to_nobody() {
    let (link, mut leader, _) = connect(settings()).await;
    let dropped = start(&link, LONG, b"dropped").await.unwrap();
    let id = leader.next().await.unwrap().id;
    assert_eq!(id >> 16, dropped.sequence());
    drop(dropped);
    let cancel = leader.next().await.unwrap();
    assert_eq!((cancel.id, cancel.conn.as_str()), (id, cluster_protocol::CANCEL));

    let next = spawn_call(&link, LONG, b"next");
    let next_id = leader.next().await.unwrap().id;
    assert_eq!(
        (next_id & 0xffff, next_id >> 16),
        (id & 0xffff, (id >> 16) + 1),
        "same slot, another call"
    );
    leader.answer(id, b"late").await;
    leader.answer(next_id, b"its own").await;
    assert_eq!(next.await.unwrap(), ok(b"its own"));
}

#[tokio::test]
async fn an_expired_call_is_cancelled() {
    let (link, mut leader, _) = connect(settings()).await;
    let patient = spawn_call(&link, LONG, b"patient");
    let patient_id = leader.next().await.unwrap().id;
    let begun = Instant::now();
    let timeout = Duration::from_millis(30);
    assert_eq!(call(&link, timeout, b"x").await, Err(CallLoss::Expired { sent: true }));
    assert!(begun.elapsed() >= timeout, "never early");
    let (call, cancel) = (leader.next().await.unwrap(), leader.next().await.unwrap());
    assert_eq!(
        (call.timeout, cancel.id, cancel.conn.as_str()),
        (30, call.id, cluster_protocol::CANCEL)
    );
    leader.answer(call.id, b"late").await;
    leader.answer(patient_id, b"in time").await;
    assert_eq!(patient.await.unwrap(), ok(b"in time"));
}

#[tokio::test]
async fn large_payloads_go_both_ways() {
    let (link, leader, _) = connect(settings()).await;
    let leader = tokio::spawn(leader.echo());
    let sizes = [0, 4096, 4097, 64 << 10, 300 << 10, 9 << 20];
    let calls: Vec<_> = sizes.map(|size| spawn_call(&link, LONG, &vec![size as u8; size])).into();
    for (size, call) in sizes.into_iter().zip(calls) {
        assert!(call.await.unwrap() == ok(&vec![size as u8; size]), "{size}");
    }
    link.close();
    leader.await.unwrap();
}

#[tokio::test]
async fn many_callers_share_the_connection() {
    many_callers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_the_connection_on_several_threads() {
    many_callers().await;
}

async fn many_callers() {
    let (link, leader, _) = connect(settings()).await;
    let leader = tokio::spawn(leader.echo());
    let callers: Vec<_> = (0..256u32)
        .map(|caller| {
            let link = link.clone();
            tokio::spawn(async move {
                for n in 0..100u32 {
                    let data = [caller.to_be_bytes(), n.to_be_bytes()].concat();
                    assert_eq!(call(&link, LONG, &data).await, ok(&data));
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    link.close();
    leader.await.unwrap();
}
