//! Peers that speak packets by hand, and a relay that spoils what passes through it.

use std::sync::{Arc, Mutex};

use cluster_protocol::{
    Codec, ConnObject, FrameLimits, Hello, Kind, Packet, Parse, parse, write_packet,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::samples::soon;

/// A follower that has registered and from then on says what the test wants it to.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    pub(crate) instance: u128,
    pub(crate) unread: Vec<u8>,
}

/// Registers for a channel and is taken.
pub(crate) async fn register(port: u16, channel: &str) -> Raw {
    let instance = 0xfeed;
    let hello = Hello { version: 1, instance, pid: 1, codec: Codec::Json, epoch: 0 };
    let conn = ConnObject::RegisterChannel { channel_name: channel.into(), rs: Some(hello) };
    let mut packet = Vec::new();
    let limits = FrameLimits::default();
    write_packet(&mut packet, Kind::Request, 1, 0, &conn.to_bytes(), &limits, |_| Ok(())).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(&packet).await.unwrap();
    let mut raw = Raw { stream, instance, unread: Vec::new() };
    let answer = soon(read_packet(&mut raw.stream)).await.unwrap();
    let welcome = match ConnObject::parse(whole(&answer).conn) {
        Ok(ConnObject::RegisterChannelRes { rs: Some(welcome) }) => welcome,
        other => panic!("{other:?}"),
    };
    assert_eq!(welcome.state, cluster_protocol::ChannelState::Ready);
    raw
}

/// The bytes of the next packet.
async fn read_packet(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; cluster_protocol::HEADER_LEN];
    stream.read_exact(&mut bytes).await?;
    if let Ok(Parse::Incomplete { need }) = parse(&bytes, &FrameLimits::default()) {
        let got = bytes.len();
        bytes.resize(need, 0);
        stream.read_exact(&mut bytes[got..]).await?;
    }
    Ok(bytes)
}

fn whole(bytes: &[u8]) -> Packet<'_> {
    match parse(bytes, &FrameLimits::default()) {
        Ok(Parse::Complete(packet)) => packet,
        other => panic!("{other:?}"),
    }
}

/// What happens to one connection.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// The type of the first packet is rewritten.
    Register,
    /// The answer to it is replaced by one of id 0 that says nothing.
    Answer,
}

/// Passes connections on to a port, the first ones with a fault.
pub(crate) struct Relay {
    pub(crate) port: u16,
    connections: watch::Receiver<usize>,
    cut: Arc<Notify>,
    accepting: JoinHandle<()>,
}

impl Relay {
    pub(crate) async fn to<const N: usize>(target: u16, faults: [Option<Fault>; N]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (count, connections) = watch::channel(0);
        let cut = Arc::new(Notify::new());
        let faults = Mutex::new(faults.into_iter());
        let cutting = Arc::clone(&cut);
        let accepting = tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                let fault = faults.lock().unwrap().next().flatten();
                let cutting = Arc::clone(&cutting);
                tokio::spawn(async move {
                    tokio::select! {
                        () = cutting.notified() => {}
                        // Whatever ends it, both sides are closed.
                        _ = relay(from, target, fault) => {}
                    }
                });
            }
        });
        Self { port, connections, cut, accepting }
    }

    /// Cuts the connections there are.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// Cuts the connections there are and takes no more.
    pub(crate) fn close(&self) {
        self.accepting.abort();
        self.cut();
    }

    /// Waits until there have been so many connections.
    pub(crate) async fn until(&mut self, connections: usize) {
        soon(self.connections.wait_for(|count| *count >= connections)).await.unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.close();
    }
}

async fn relay(mut from: TcpStream, target: u16, fault: Option<Fault>) -> std::io::Result<()> {
    let mut to = TcpStream::connect(("127.0.0.1", target)).await?;
    let mut register = read_packet(&mut from).await?;
    if let Some(Fault::Register) = fault {
        let at = register.windows(16).position(|text| text == b"register_channel").unwrap();
        register[at] = b'R';
    }
    to.write_all(&register).await?;
    if let Some(Fault::Answer) = fault {
        read_packet(&mut to).await?;
        let mut answer =
            vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b, 0xb8, 0, 0, 0, 0x1f, 0, 0, 0, 0];
        answer.extend_from_slice(br#"{"type":"register_channel_res"}"#);
        from.write_all(&answer).await?;
    }
    copy_bidirectional(&mut from, &mut to).await?;
    Ok(())
}
