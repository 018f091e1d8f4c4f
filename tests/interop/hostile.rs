//! D2, D3, D5, D6: bytes that end a Node leader's process cost a Rust leader one call or one connection.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::scene::Scene;
use crate::{live, soon};

/// What it is, and the packets after a registration, or without one.
struct Attack {
    what: &'static str,
    registered: bool,
    bytes: Vec<u8>,
}

#[test]
fn bytes_that_end_a_node_leader_leave_a_rust_leader_untouched() {
    live(async {
        let (_scene, leader, node, rust) = Scene::led_by_rust().await;
        let (port, mut victims) = (leader.membership().port(), Vec::new());
        for attack in attacks() {
            let mut attacker = attack.run(port).await;
            let mut answer = Vec::new();
            // It is answered or hung up on; what it is told is the business of the suite `hostile`.
            let _ = soon(attacker.read_to_end(&mut answer)).await;
            assert_eq!(node.call("add", &[json!(1), json!(1)]).unwrap(), 2, "{}", attack.what);
            assert_eq!(rust.add(1.0, 1.0).await, Ok(2.0), "{}", attack.what);
            assert_eq!(leader.add(1.0, 1.0).await, Ok(2.0), "{}", attack.what);

            let scene = Scene::new();
            let victim = scene.node();
            let _attacker = attack.run(scene.port).await;
            let (status, complaints) = victim.node.ended(attack.what);
            assert!(!status.success(), "{}", attack.what);
            let why = complaints.lines().find(|line| line.contains("Error"));
            victims.push(format!("{:<34} {}", attack.what, why.unwrap_or_default().trim()));
        }
        assert_eq!(node.node.all(0, |line| (line["event"] == "lost").then_some(())), []);
        println!("what a Node leader has died of:\n  {}", victims.join("\n  "));
    });
}

impl Attack {
    async fn run(&self, port: u16) -> TcpStream {
        let mut stream = soon(TcpStream::connect(("127.0.0.1", port))).await.unwrap();
        if self.registered {
            let register = r#"{"type":"register_channel","channelName":"Interop"}"#;
            stream.write_all(&packet(1, register, b"")).await.unwrap();
            let mut header = [0; 24];
            soon(stream.read_exact(&mut header)).await.unwrap();
            let lengths = [&header[16..20], &header[20..]];
            let body: u32 =
                lengths.map(|len| u32::from_be_bytes(len.try_into().unwrap())).iter().sum();
            soon(stream.read_exact(&mut vec![0; body as usize])).await.unwrap();
        }
        stream.write_all(&self.bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        stream
    }
}

fn attacks() -> Vec<Attack> {
    let stranger = |what, bytes: &[u8]| Attack { what, registered: false, bytes: bytes.to_vec() };
    let peer = |what, bytes| Attack { what, registered: true, bytes };
    let mut negative = packet(1, "{}", b"more than that");
    negative[16..20].copy_from_slice(&(-1_i32).to_be_bytes());
    vec![
        stranger("less than a header, then the end", b"hello\r\n"),
        stranger("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"),
        stranger("a negative length", &negative),
        stranger("no JSON", &packet(1, "{\"type\"|", b"")),
        peer("an argument that cannot be decoded", invoke("echo", 1, b"\0\0\0\x03abc")),
        peer("an argument longer than the data", invoke("echo", 1, b"\0\0")),
        peer("more arguments than there are", invoke("echo", 2, b"\0\0\0\x06^^^^-5")),
        peer("a method that does not exist", invoke("nobody", 0, b"")),
        peer("a method that throws", invoke("breaks", 0, b"")),
    ]
}

fn invoke(method: &str, args: usize, data: &[u8]) -> Vec<u8> {
    let conn = json!({ "type": "invoke", "method": method, "argLength": args, "oneway": false });
    packet(2, &conn.to_string(), data)
}

fn packet(id: u64, conn: &str, data: &[u8]) -> Vec<u8> {
    let mut packet = vec![1, 0, 0, 0];
    packet.extend(id.to_be_bytes());
    packet.extend(3_000_u32.to_be_bytes());
    packet.extend((conn.len() as u32).to_be_bytes());
    packet.extend((data.len() as u32).to_be_bytes());
    packet.extend(conn.as_bytes());
    packet.extend(data);
    packet
}
