//! Valid packets, changed a little. The seed is fixed, so a failure comes again.

use cluster_protocol::{CANCEL, HEARTBEAT, Kind, RESULT_OK};
use fastrand::Rng;

use crate::attacker::{Attacker, call, packet, register, request};
use crate::scene::Scene;

const ROUNDS: usize = 5000;
/// A length that was changed swallows what follows, so a connection is not used for long.
const PACKETS_A_CONNECTION: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_packets_harm_nobody_else() {
    let mut scene = Scene::new().await;
    let mut random = Rng::with_seed(2024);
    let valid = valid();
    for round in 0..ROUNDS / PACKETS_A_CONNECTION {
        let mut attacker = match round % 4 {
            0 => Attacker::connect(scene.port).await,
            _ => Attacker::register(scene.port, "Victim").await,
        };
        for _ in 0..PACKETS_A_CONNECTION {
            let mut bytes = valid[random.usize(..valid.len())].clone();
            change(&mut bytes, &mut random);
            if !attacker.try_send(&bytes).await {
                break;
            }
        }
        if round % 50 == 0 {
            scene.untouched().await;
        }
    }
    scene.untouched().await;
}

fn valid() -> Vec<Vec<u8>> {
    vec![
        register("Victim"),
        call(2, "echo", &[b"\"text\""]),
        call(3, "blob", &[b"1000"]),
        call(4, "hang", &[]),
        request(4, CANCEL, b""),
        request(5, HEARTBEAT, b""),
        request(
            6,
            r#"{"type":"subscribe","key":"ticksnull","method":"ticks","restore":true}"#,
            b"",
        ),
        request(7, r#"{"type":"unSubscribe","key":"ticksnull"}"#, b""),
        request(
            8,
            r#"{"type":"invoke","method":"echo","argLength":1,"oneway":true}"#,
            b"\0\0\0\x02\"\"",
        ),
        packet(Kind::Response, 9, RESULT_OK.as_bytes(), b"data"),
    ]
}

fn change(bytes: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..bytes.len());
        match random.u8(..6) {
            0 => bytes[at] = random.u8(..),
            1 => bytes[at] ^= 1 << random.u8(..8),
            2 => bytes.insert(at, random.u8(..)),
            3 if bytes.len() > 1 => drop(bytes.remove(at)),
            4 if at > 0 => bytes.truncate(at),
            _ => bytes.extend_from_within(at..),
        }
    }
}
