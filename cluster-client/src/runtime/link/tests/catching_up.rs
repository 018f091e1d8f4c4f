//! A leader that was given up is back.

use cluster_protocol::{HEARTBEAT, HEARTBEAT_RES};

use super::*;

#[tokio::test]
async fn a_leader_has_caught_up_when_all_is_read_and_nothing_is_being_published() {
    let (link, mut leader, _) = connect(settings()).await;
    let publishes = CallTraits { settles: true, ..CallTraits::default() };
    let call = |traits| {
        let link = Arc::clone(&link);
        tokio::spawn(async move { start_as(&link, traits, LONG, b"x").await.unwrap().await })
    };
    let [published, other] = [publishes, CallTraits::default()].map(call);
    let (publication, _) = (leader.next().await.unwrap(), leader.next().await.unwrap());
    link.lock().give_up(&mut Vec::new());

    let catches_up = || {
        let link = Arc::clone(&link);
        tokio::spawn(async move { link.caught_up().await })
    };
    // Whichever comes last.
    let catching_up = catches_up();
    let ping = leader.next().await.unwrap();
    assert_eq!(ping.conn, HEARTBEAT);
    leader.answer(publication.id, b"done").await;
    published.await.unwrap().unwrap();
    assert!(!catching_up.is_finished());
    leader.write(&packet(Kind::Response, ping.id, HEARTBEAT_RES, b"")).await;
    catching_up.await.unwrap();

    let again = call(publishes);
    let publication = leader.next().await.unwrap();
    link.lock().give_up(&mut Vec::new());
    let catching_up = catches_up();
    let ping = leader.next().await.unwrap();
    leader.write(&packet(Kind::Response, ping.id, HEARTBEAT_RES, b"")).await;
    while link.lock().ping.is_some() {
        tokio::task::yield_now().await;
    }
    assert!(!catching_up.is_finished());
    leader.answer(publication.id, b"done").await;
    catching_up.await.unwrap();
    again.await.unwrap().unwrap();
    assert!(!other.is_finished(), "it holds up nobody");
    link.close();
}
