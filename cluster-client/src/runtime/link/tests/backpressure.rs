//! A Node leader that pushes and does not read.

use cluster_protocol::SUBSCRIBE_RESULT_RES;
use tokio::net::TcpSocket;

use super::*;

const PUSHES: usize = 20_000;
const BOUND: usize = 64 << 10;
/// The answers to what is read at once come on top.
const ONE_READ: usize = 512 << 10;

/// With sockets that hold little.
async fn connect_narrowly() -> (Arc<LeaderLink>, Leader) {
    let narrow = || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(16 << 10).unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        socket
    };
    let listening = narrow();
    listening.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = listening.listen(1).unwrap();
    let stream = narrow().connect(listener.local_addr().unwrap()).await.unwrap();
    let leader = Leader { stream: listener.accept().await.unwrap().0, buf: Vec::new() };
    let (read, write) = transport::split(Stream::Tcp(stream)).unwrap();
    let settings = LinkSettings {
        leader: Peer::Node,
        limits: Limits { outbound_bytes: BOUND, ..Limits::default() },
        ..settings()
    };
    let events = Arc::new(Said::default());
    (LeaderLink::spawn(read, write, settings, Arc::new(AtomicU64::new(1)), events), leader)
}

#[tokio::test]
async fn the_answers_to_pushes_that_nobody_reads_are_bounded() {
    let (link, leader) = connect_narrowly().await;
    let conn =
        ConnObject::SubscribeResult { key: "k".into(), item: None, epoch: None, event: None };
    let conn = String::from_utf8(conn.to_bytes()).unwrap();
    let pushes = packet(Kind::Request, 1, &conn, b"").repeat(PUSHES);
    let (read, mut write) = leader.stream.into_split();
    let pushing = tokio::spawn(async move {
        write.write_all(&pushes).await.unwrap();
        write
    });
    let pending = || link.lock().outbound.pending();
    timeout(LONG, async {
        while pending() <= BOUND {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("nothing piles up");
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
        assert!(pending() <= BOUND + ONE_READ, "{} bytes of answers", pending());
    }
    assert!(!pushing.is_finished(), "all was read");

    // Once the leader reads, it gets all of them.
    let mut answers = Answers { read, buf: Vec::new() };
    for n in 0..PUSHES {
        assert_eq!(answers.next().await, SUBSCRIBE_RESULT_RES, "answer {n}");
    }
    pushing.await.unwrap();
}

struct Answers {
    read: tokio::net::tcp::OwnedReadHalf,
    buf: Vec<u8>,
}

impl Answers {
    async fn next(&mut self) -> String {
        loop {
            if let Parse::Complete(packet) = parse(&self.buf, &settings().frame).unwrap() {
                let conn = String::from_utf8(packet.conn.to_vec()).unwrap();
                let len = packet.header.packet_len();
                self.buf.drain(..len);
                return conn;
            }
            let read = timeout(LONG, self.read.read_buf(&mut self.buf)).await;
            assert_ne!(read.expect("no answer").unwrap(), 0, "the connection is closed");
        }
    }
}
