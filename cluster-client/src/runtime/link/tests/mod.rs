//! A link and a leader that follows a script, over loopback.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, atomic::AtomicU64},
    task::Poll,
    time::{Duration, Instant},
};

use cluster_protocol::{
    ConnObject, EncodeError, Failure, FrameLimits, Kind, Parse, RESULT_OK, Welcome, invoke_object,
    parse, write_packet,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::timeout,
};

use super::{LeaderLink, LinkEvents, LinkSettings, Push, StartError};
use crate::{
    limits::Limits,
    node::Peer,
    runtime::{
        host::{Host, Stream},
        transport::{self, ReadHalf, WriteHalf},
    },
    session::calls::{AnswerKind, CallLoss, CallTraits},
};

mod answers;
mod backpressure;
mod catching_up;
mod endings;
mod leader;
mod oneways;
mod writing;

const CONN: &[u8] = invoke_object!("echo", 1, false).as_bytes();
/// Longer than any test takes: to wait for it is to fail.
const LONG: Duration = Duration::from_secs(20);

type Outcome = Result<(AnswerKind, Vec<u8>), CallLoss>;

fn settings() -> LinkSettings {
    LinkSettings {
        frame: FrameLimits { data: 64 << 20, ..FrameLimits::default() },
        inbound: FrameLimits { data: 64 << 20, ..FrameLimits::default() },
        heartbeat_interval: LONG,
        patience: None,
        limits: Limits { outbound_bytes: 1 << 30, ..Limits::default() },
        leader: Peer::Rust,
        host: Host::Here,
    }
}

async fn connect(settings: LinkSettings) -> (Arc<LeaderLink>, Leader, Arc<Said>) {
    let (read, write, leader) = pair().await;
    let said = Arc::new(Said::default());
    let link = LeaderLink::spawn(read, write, settings, Arc::new(AtomicU64::new(1)), said.clone());
    (link, leader, said)
}

async fn pair() -> (ReadHalf, WriteHalf, Leader) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let leader = Leader { stream: listener.accept().await.unwrap().0, buf: Vec::new() };
    let (read, write) = transport::split(Stream::Tcp(stream)).unwrap();
    (read, write, leader)
}

/// Sends a call, within the poll of the task that calls this.
async fn start<'a>(
    link: &'a LeaderLink,
    timeout: Duration,
    data: &[u8],
) -> Result<super::PendingCall<'a>, StartError> {
    start_as(link, CallTraits::default(), timeout, data).await
}

async fn start_as<'a>(
    link: &'a LeaderLink,
    traits: CallTraits,
    timeout: Duration,
    data: &[u8],
) -> Result<super::PendingCall<'a>, StartError> {
    poll_fn(|cx| {
        let deadline = Instant::now() + timeout;
        let data = &mut |out: &mut Vec<u8>| -> Result<(), EncodeError> {
            out.extend_from_slice(data);
            Ok(())
        };
        Poll::Ready(link.start(CONN, deadline, traits, cx.waker().clone(), data))
    })
    .await
}

async fn call(link: &Arc<LeaderLink>, timeout: Duration, data: &[u8]) -> Outcome {
    let answer = start(link, timeout, data).await.unwrap().await?;
    Ok((answer.kind, answer.payload.to_vec()))
}

/// A call in a task of its own.
fn spawn_call(
    link: &Arc<LeaderLink>,
    timeout: Duration,
    data: &[u8],
) -> tokio::task::JoinHandle<Outcome> {
    let (link, data) = (link.clone(), data.to_vec());
    tokio::spawn(async move { call(&link, timeout, &data).await })
}

fn ok(data: &[u8]) -> Outcome {
    Ok((AnswerKind::Ok, data.to_vec()))
}

/// The leader's end of the connection.
struct Leader {
    stream: TcpStream,
    buf: Vec<u8>,
}

/// A packet that the leader has got.
#[derive(Debug)]
struct Got {
    kind: Kind,
    id: u64,
    timeout: u32,
    conn: String,
    data: Vec<u8>,
}

impl Leader {
    /// The next packet. `None`: the follower has closed the connection.
    async fn next(&mut self) -> Option<Got> {
        loop {
            if let Parse::Complete(packet) = parse(&self.buf, &settings().frame).unwrap() {
                let (header, len) = (packet.header, packet.header.packet_len());
                let conn = String::from_utf8(packet.conn.to_vec()).unwrap();
                let data = packet.data.to_vec();
                self.buf.drain(..len);
                return Some(Got {
                    kind: header.kind,
                    id: header.id,
                    timeout: header.timeout,
                    conn,
                    data,
                });
            }
            let read = timeout(LONG, self.stream.read_buf(&mut self.buf)).await;
            if read.expect("the follower says nothing").unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next packet with this data.
    async fn next_of(&mut self, data: &[u8]) -> Got {
        loop {
            let got = self.next().await.expect("it never comes");
            if got.data == data {
                return got;
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn answer(&mut self, id: u64, data: &[u8]) {
        self.write(&packet(Kind::Response, id, RESULT_OK, data)).await;
    }

    async fn ask(&mut self, object: &ConnObject<'_>, data: &[u8]) {
        let conn = String::from_utf8(object.to_bytes()).unwrap();
        self.write(&packet(Kind::Request, 1, &conn, data)).await;
    }

    /// Answers each call with its own data until the follower closes the connection.
    async fn echo(mut self) {
        while let Some(got) = self.next().await {
            let mut answers = packet(Kind::Response, got.id, RESULT_OK, &got.data);
            while let Parse::Complete(_) = parse(&self.buf, &settings().frame).unwrap() {
                let got = self.next().await.unwrap();
                answers.extend(packet(Kind::Response, got.id, RESULT_OK, &got.data));
            }
            self.write(&answers).await;
        }
    }
}

fn packet(kind: Kind, id: u64, conn: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_packet(&mut bytes, kind, id, 0, conn.as_bytes(), &settings().frame, |out| {
        out.extend_from_slice(data);
        Ok(())
    })
    .unwrap();
    bytes
}

/// What the leader has said, as text.
#[derive(Default)]
struct Said {
    lines: Mutex<Vec<String>>,
    more: Notify,
}

impl Said {
    fn say(&self, line: String) {
        self.lines.lock().unwrap().push(line);
        self.more.notify_one();
    }

    /// Waits for as many lines.
    async fn lines(&self, n: usize) -> Vec<String> {
        loop {
            let lines = self.lines.lock().unwrap().clone();
            if lines.len() >= n {
                return lines;
            }
            timeout(LONG, self.more.notified()).await.expect("the leader's word was not passed on");
        }
    }
}

impl LinkEvents for Said {
    fn pushed(&self, push: Push<'_>) {
        let Push { key, item, event, data } = push;
        self.say(format!("pushed {key} {item:?} {event:?} {data:?}"));
    }

    fn unsubscribed(&self, key: &str) {
        self.say(format!("unsubscribed {key}"));
    }

    fn publication_taken(&self, method: &str, key: &str, call: u64) {
        self.say(format!("taken {method} {key} {call}"));
    }

    fn channel_state(&self, welcome: Welcome, data: &[u8]) {
        self.say(format!("{:?} {}", welcome.state, String::from_utf8_lossy(data)));
    }

    fn going_away(&self) {
        self.say("going away".to_owned());
    }

    fn unresponsive(&self, _: Duration) {
        self.say("unresponsive".to_owned());
    }

    fn given_up(&self) {
        self.say("given up".to_owned());
    }

    fn responsive(&self) {
        self.say("responsive".to_owned());
    }
}
