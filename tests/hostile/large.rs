//! Calls with much data: what is over a bound is refused when it is announced, and never held.

use std::time::Duration;

use cluster_client::Limits;
use cluster_protocol::{HEARTBEAT, HEARTBEAT_RES, RESULT_OK};

use crate::attacker::{Attacker, call, request};
use crate::backpressure::resident;
use crate::scene::Scene;

const MIB: usize = 1 << 20;

/// So much of a packet has a header, a connection object and some of the data.
const BEGINNING: usize = 100_000;

async fn scene(limits: Limits) -> Scene {
    Scene::with(limits, Duration::from_secs(2)).await
}

/// A call with a text of this length.
fn large(id: u64, method: &str, len: usize) -> Vec<u8> {
    call(id, method, &[format!("\"{}\"", "x".repeat(len)).as_bytes()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_number_of_calls_the_data_is_passed_over() {
    let mut scene = scene(Limits { in_flight_per_follower: 1, ..Limits::default() }).await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    attacker.send(&call(2, "hang", &[])).await;
    for id in 3..6 {
        let packet = large(id, "echo", 4 * MIB);
        attacker.send(&packet[..BEGINNING]).await;
        attacker.is_busy(id, "limits.in_flight_per_follower").await;
        attacker.send(&packet[BEGINNING..]).await;
    }
    attacker.send(&request(6, HEARTBEAT, b"")).await;
    assert_eq!(attacker.response(6).await.conn, HEARTBEAT_RES);
    assert_eq!(scene.victim.hanging(), 1);
    scene.untouched().await;
    drop(attacker);
    scene.nothing_hangs().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_bytes_it_waits_a_moment_for_room() {
    let limits = Limits { in_flight_bytes_per_follower: 3 * MIB, ..Limits::default() };
    let mut hurried = scene(limits.clone()).await;
    let mut attacker = Attacker::register(hurried.port, "Victim").await;
    attacker.send(&large(2, "keep", 2 * MIB)).await;
    let packet = large(3, "keep", 2 * MIB);
    attacker.send(&packet[..BEGINNING]).await;
    attacker.is_busy(3, "limits.in_flight_bytes_per_follower").await;
    hurried.untouched().await;
    // What was refused is over with its last byte.
    attacker.send(&packet[BEGINNING..]).await;
    attacker.send(&call(4, "echo", &[b"\"next\""])).await;
    assert_eq!(attacker.response(4).await.conn, RESULT_OK);

    let mut patient = scene(Limits { in_flight_pause: Duration::from_secs(600), ..limits }).await;
    let mut attacker = Attacker::register(patient.port, "Victim").await;
    attacker.send(&large(2, "keep", 2 * MIB)).await;
    attacker.send(&packet[..BEGINNING]).await;
    patient.untouched().await;
    patient.victim.let_go();
    assert_eq!(attacker.response(2).await.conn, RESULT_OK);
    attacker.send(&packet[BEGINNING..]).await;
    patient.victim.let_go();
    assert_eq!(attacker.response(3).await.data, (2 * MIB).to_string().as_bytes());
}

/// 400 MiB, if it were all held. The rest of this process needs some, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_all_followers_are_sending_is_bounded() {
    // The first of them have to wait for the last.
    let limits = Limits { in_flight_bytes: 20 * MIB, packet_rate: 0, ..Limits::default() };
    let mut scene = scene(limits).await;
    let packet = large(2, "echo", 4 * MIB);
    let nearly = &packet[..packet.len() - 1];
    let before = resident();
    let mut attackers = Vec::new();
    for number in 0..100 {
        let mut attacker = Attacker::register(scene.port, "Victim").await;
        attacker.send(nearly).await;
        if number >= 4 {
            attacker.is_busy(2, "limits.in_flight_bytes").await;
        }
        attackers.push(attacker);
    }
    scene.untouched().await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 250 * MIB, "{} MiB for what is no whole packet", grown >> 20);
    for attacker in &mut attackers[..4] {
        attacker.send(&packet[packet.len() - 1..]).await;
        assert_eq!(attacker.response(2).await.conn, RESULT_OK);
    }
    drop(attackers);
    scene.untouched().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_no_data_is_done_without_it() {
    let mut scene = scene(Limits::default()).await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let data = vec![0; 8 * MIB];
    let beat = request(2, HEARTBEAT, &data);
    attacker.send(&beat[..BEGINNING]).await;
    assert_eq!(attacker.response(2).await.conn, HEARTBEAT_RES);
    attacker.send(&beat[BEGINNING..]).await;
    let unknown = call(3, "format_disk", &[&data[..7 * MIB]]);
    attacker.send(&unknown[..BEGINNING]).await;
    assert!(attacker.response(3).await.conn.contains("unknown_method"));
    attacker.send(&unknown[BEGINNING..]).await;
    attacker.send(&request(4, r#"{"type":"of_the_future"}"#, &data)).await;
    attacker.is_served().await;
    scene.untouched().await;
}
