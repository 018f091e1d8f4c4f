//! Followers that read or write too slowly.

use std::time::{Duration, Instant};

use cluster_client::{ClusterEvent, Events, Limits};
use cluster_protocol::{HEARTBEAT, RESULT_OK};
use tokio::time::timeout;

use crate::attacker::{Attacker, PATIENCE, call, request};
use crate::scene::Scene;

const STALL: Duration = Duration::from_millis(300);

/// So often a leader looks after its followers.
const INTERVAL: Duration = Duration::from_millis(300);

/// Why the next follower left.
async fn reason(events: &mut Events) -> String {
    loop {
        let event = timeout(PATIENCE, events.next()).await.expect("nobody left");
        if let Some(ClusterEvent::FollowerLeft { reason, .. }) = event {
            return reason;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_its_answers_is_disconnected() {
    let limits = Limits { write_stall: STALL, ..Limits::default() };
    let mut scene = Scene::with(limits, INTERVAL).await;
    let mut events = scene.leader.membership().events();
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let begun = Instant::now();
    // More than the sockets hold.
    for id in 0..10 {
        attacker.send(&call(id, "blob", &[b"7000000"])).await;
    }
    let reason = reason(&mut events).await;
    assert!(reason.contains("slow follower") && reason.contains("limits.write_stall"), "{reason}");
    assert!(begun.elapsed() >= STALL, "after {:?}", begun.elapsed());
    scene.untouched().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_disconnected_for_events_that_it_does_not_read() {
    let limits = Limits { write_stall: STALL, ..Limits::default() };
    let mut scene = Scene::with(limits, INTERVAL).await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let conn = r#"{"type":"subscribe","key":"linesnull","method":"lines"}"#;
    attacker.send(&request(2, conn, b"")).await;
    assert_eq!(attacker.response(2).await.conn, RESULT_OK);
    let line = "x".repeat(100_000);
    for _ in 0..200 {
        scene.victim.line(&line);
    }
    let begun = Instant::now();
    while begun.elapsed() < 8 * STALL {
        scene.untouched().await;
    }
    attacker.is_served().await;
}

/// The bytes that wait for one are room that another does not have, until the first is disconnected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_all_followers_is_bounded() {
    let limits = Limits { outbound_bytes_total: 1 << 20, write_stall: STALL, ..Limits::default() };
    let mut scene = Scene::with(limits, INTERVAL).await;
    let mut reading = Attacker::register(scene.port, "Victim").await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    for id in 0..10 {
        attacker.send(&call(id, "blob", &[b"7000000"])).await;
    }
    let busy = async {
        for id in 0.. {
            reading.send(&call(id, "echo", &[b"\"x\""])).await;
            let answer = reading.response(id).await;
            if answer.conn != RESULT_OK {
                return String::from_utf8_lossy(&answer.data).into_owned();
            }
        }
        String::new()
    };
    let busy = timeout(PATIENCE, busy).await.expect("there is room for ever");
    assert!(busy.contains("limits.outbound_bytes_total"), "{busy}");
    // It gets its room back, and the others have had to wait for no longer than their calls may take.
    scene.untouched().await;
    reading.is_served().await;
}

/// Its calls were let in while nothing waited to be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_the_room_of_all_with_answers_that_it_does_not_read_is_disconnected() {
    let limits =
        Limits { outbound_bytes: 1 << 20, outbound_bytes_total: 4 << 20, ..Limits::default() };
    let mut scene = Scene::with(limits, INTERVAL).await;
    let mut events = scene.leader.membership().events();
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let calls: Vec<u8> = (0..64).flat_map(|id| call(id, "blob_later", &[b"1000000"])).collect();
    attacker.send(&calls).await;
    let reason = reason(&mut events).await;
    assert!(reason.contains("limits.outbound_bytes_total"), "{reason}");
    scene.untouched().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_comes_to_the_end_of_a_packet_is_disconnected() {
    let limits = Limits { packet_time: STALL, ..Limits::default() };
    let mut scene = Scene::with(limits, INTERVAL).await;
    let mut events = scene.leader.membership().events();
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let begun = Instant::now();
    let mut dribbled = 0;
    for byte in request(2, HEARTBEAT, &[0; 10_000]) {
        if !attacker.try_send(&[byte]).await {
            break;
        }
        dribbled += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(dribbled < 5000, "all of it was read");
    let reason = reason(&mut events).await;
    assert!(reason.contains("limits.packet_time"), "{reason}");
    assert!(begun.elapsed() >= STALL, "after {:?}", begun.elapsed());
    scene.untouched().await;
}
