//! Followers that never read. What they make the leader hold is bounded, and nobody else waits for them.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use cluster_protocol::RESULT_OK;

use crate::attacker::{Attacker, call, request};
use crate::scene::Scene;

/// What one of them may cost, with room for what the rest of this process does meanwhile.
const AT_MOST: usize = 100 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_that_nobody_reads_are_bounded() {
    let mut scene = Scene::new().await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    // As long as it reads, the leader comes to read more of it at once.
    let calls: Vec<u8> = (0..20_000).flat_map(|id| call(id, "echo", &[b"\"\""])).collect();
    attacker.send(&calls).await;
    while attacker.next().await.unwrap().id < 19_999 {}
    // 500 GB of results, if they were all made. The calls alone are more than the sockets hold.
    let calls: Vec<u8> = (0..500_000).flat_map(|id| call(id, "blob", &[b"1000000"])).collect();
    let before = resident();
    let sent = send_until_stuck(&attacker, &calls).await;
    assert!(sent < calls.len(), "the leader has read all calls of a follower that reads nothing");
    scene.untouched().await;
    let grown = resident().saturating_sub(before);
    assert!(grown < AT_MOST, "{} MiB for results nobody reads", grown >> 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_nobody_reads_are_bounded() {
    let mut scene = Scene::new().await;
    let mut attacker = Attacker::register(scene.port, "Victim").await;
    let conn = r#"{"type":"subscribe","key":"linesnull","method":"lines"}"#;
    attacker.send(&request(2, conn, b"")).await;
    assert_eq!(attacker.response(2).await.conn, RESULT_OK);
    let mut reader = scene.followers[0].lines().await.unwrap();
    let before = resident();
    // 200 MB of them.
    let line = "x".repeat(10_000);
    for batch in 0..20 {
        for number in 0..1000 {
            scene.victim.line(&format!("{batch} {number} {line}"));
        }
        for number in 0..1000 {
            let got = reader.next().await.unwrap().0;
            assert!(got.starts_with(&format!("{batch} {number} ")), "{}", &got[..20]);
        }
        scene.untouched().await;
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < AT_MOST, "{} MiB for events nobody reads", grown >> 20);
}

/// Writes until the leader has not read for a while. Returns how much it took.
async fn send_until_stuck(attacker: &Attacker, bytes: &[u8]) -> usize {
    let (mut sent, mut moved) = (0, Instant::now());
    while sent < bytes.len() && moved.elapsed() < Duration::from_millis(500) {
        match attacker.stream.try_write(&bytes[sent..]) {
            Ok(written) => (sent, moved) = (sent + written, Instant::now()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let writable = attacker.stream.writable();
                let _ = tokio::time::timeout(Duration::from_millis(100), writable).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    sent
}

/// The memory of this process, in bytes; 0 where that is not known.
pub(crate) fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}
