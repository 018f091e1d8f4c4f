//! What is known of one-way calls, which nobody answers.

use super::*;
use crate::session::oneways::{Lost, Oneway};

/// Sends a one-way call of a method.
fn send(link: &LeaderLink, method: usize, data: &[u8]) {
    let call = Oneway { method, data: data.to_vec().into(), deadline: Instant::now() + LONG };
    let data = &mut |out: &mut Vec<u8>| -> Result<(), EncodeError> {
        out.extend_from_slice(&call.data);
        Ok(())
    };
    link.send_oneway(CONN, 0, Some(&call), data).unwrap();
}

fn unsent(lost: &Lost) -> Vec<&[u8]> {
    lost.unsent.iter().map(|call| &*call.data).collect()
}

fn unknown(lost: &Lost) -> Vec<(usize, u64)> {
    lost.unknown.iter().map(|(method, calls)| (*method, *calls)).collect()
}

#[tokio::test]
async fn an_answer_shows_that_what_was_sent_before_its_call_was_read() {
    let (link, mut leader, _) = connect(settings()).await;
    send(&link, 1, b"before");
    let call = spawn_call(&link, LONG, b"call");
    assert_eq!(leader.next().await.unwrap().data, b"before");
    let id = leader.next().await.unwrap().id;
    send(&link, 2, b"behind");
    leader.answer(id, b"done").await;
    assert_eq!(call.await.unwrap(), ok(b"done"));
    drop(leader);
    link.closed().await;
    let lost = link.take_lost();
    assert_eq!((unsent(&lost), unknown(&lost)), (vec![], vec![(2, 1)]));
    assert_eq!(link.take_lost(), Lost::default(), "once");
}

#[tokio::test]
async fn a_call_that_was_refused_shows_nothing() {
    let (link, mut leader, _) = connect(settings()).await;
    send(&link, 1, b"before");
    let call = spawn_call(&link, LONG, b"call");
    leader.next().await.unwrap();
    let id = leader.next().await.unwrap().id;
    let refused = ConnObject::InvokeResult { success: false, failure: Some(Failure::GoingAway) };
    let refused = String::from_utf8(refused.to_bytes()).unwrap();
    leader.write(&packet(Kind::Response, id, &refused, b"late")).await;
    assert!(matches!(call.await.unwrap(), Ok((AnswerKind::Failed(Failure::GoingAway), _))));
    leader.ask(&ConnObject::GoingAway { accepted: 0 }, b"").await;
    drop(leader);
    link.closed().await;
    assert_eq!(unsent(&link.take_lost()), [b"before"]);
}

#[tokio::test]
async fn a_heartbeat_confirms_them_where_nothing_else_is_sent() {
    let interval = Duration::from_millis(20);
    let (link, mut leader, _) =
        connect(LinkSettings { heartbeat_interval: interval, ..settings() }).await;
    send(&link, 1, b"x");
    leader.next().await.unwrap();
    let ping = leader.next().await.unwrap();
    assert_eq!(ping.conn, cluster_protocol::HEARTBEAT);
    assert!(!link.lock().oneways.is_empty());
    leader.write(&packet(Kind::Response, ping.id, cluster_protocol::HEARTBEAT_RES, b"")).await;
    while !link.lock().oneways.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_leader_that_goes_away_has_not_run_what_it_did_not_accept() {
    let (link, mut leader, said) = connect(settings()).await;
    for data in [b"a", b"b", b"c"] {
        send(&link, 1, data);
        leader.next().await.unwrap();
    }
    leader.ask(&ConnObject::GoingAway { accepted: 2 }, b"").await;
    said.lines(1).await;
    assert_eq!(unsent(&link.take_lost()), [b"c"]);
    drop(leader);
    link.closed().await;
    assert_eq!(link.take_lost(), Lost::default());
}

#[tokio::test]
async fn a_silent_leader_never_gets_what_it_was_not_sent() {
    let interval = Duration::from_millis(20);
    let patience = Some(interval * 3);
    let silent = LinkSettings { heartbeat_interval: interval, patience, ..settings() };
    let (link, mut leader, said) = connect(silent).await;
    send(&link, 1, &vec![1; 32 << 20]);
    while link.lock().outbound.written() == 0 || !link.lock().outbound.is_blocked() {
        tokio::task::yield_now().await;
    }
    let call = spawn_call(&link, LONG, b"call");
    send(&link, 2, b"unsent");
    assert_eq!(said.lines(2).await, ["unresponsive", "given up"]);
    assert_eq!(call.await.unwrap(), Err(CallLoss::Disconnected { sent: false }));
    assert_eq!(unsent(&link.take_lost()), [b"unsent"]);
    assert_eq!(start(&link, LONG, b"new").await.unwrap_err(), StartError::GoingAway);

    // It goes on, and gets the one that it has in part.
    assert!(leader.next().await.unwrap().data == vec![1; 32 << 20]);
    let ping = leader.next().await.unwrap();
    assert_eq!(ping.conn, cluster_protocol::HEARTBEAT);
    leader.write(&packet(Kind::Response, ping.id, cluster_protocol::HEARTBEAT_RES, b"")).await;
    assert_eq!(said.lines(3).await[2], "responsive");
    assert!(link.is_usable());
    let behind = start(&link, LONG, b"too early").await.unwrap_err();
    assert_eq!(behind, StartError::GoingAway, "it has yet to catch up");
    let catching_up = tokio::spawn({
        let link = Arc::clone(&link);
        async move { link.caught_up().await }
    });
    let ping = leader.next().await.unwrap();
    leader.write(&packet(Kind::Response, ping.id, cluster_protocol::HEARTBEAT_RES, b"")).await;
    catching_up.await.unwrap();
    let call = spawn_call(&link, LONG, b"again");
    let got = leader.next_of(b"again").await;
    // The one that was withdrawn does not count.
    leader.ask(&ConnObject::GoingAway { accepted: 2 }, b"").await;
    leader.answer(got.id, b"done").await;
    assert_eq!(call.await.unwrap(), ok(b"done"));
}

#[tokio::test]
async fn who_ends_the_connection_without_leaving_is_told_what_the_leader_may_not_have_read() {
    let (link, mut leader, _) = connect(settings()).await;
    send(&link, 1, b"written");
    send(&link, 1, &vec![1; 32 << 20]);
    link.close();
    assert_eq!(leader.next().await.unwrap().data, b"written");
    let lost = link.take_lost();
    assert_eq!((lost.unsent.len(), unknown(&lost)), (1, vec![(1, 1)]));
}
