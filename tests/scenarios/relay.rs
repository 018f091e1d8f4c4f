//! Between a follower and its leader: what spoils the first registration.

use cluster_protocol::{FrameLimits, HEADER_LEN, Parse, parse};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to the first registration that passes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// It does not arrive.
    Lost,
    /// Its type is rewritten.
    Rewritten,
    /// Its answer is replaced by one of id 0 that says nothing.
    AnswerRewritten,
}

/// Passes connections on to a port.
pub(crate) struct Relay {
    pub(crate) port: u16,
    accepting: JoinHandle<()>,
}

impl Relay {
    pub(crate) async fn to(target: u16, fault: Fault) -> Self {
        let port = support::free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let accepting = tokio::spawn(async move {
            let mut fault = Some(fault);
            while let Ok((from, _)) = listener.accept().await {
                // A connection that says nothing only looks whether somebody is there.
                let fault =
                    if from.peek(&mut [0]).await.unwrap_or(0) > 0 { fault.take() } else { None };
                tokio::spawn(relay(from, target, fault));
            }
        });
        Self { port, accepting }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Whatever ends it, both sides are closed.
async fn relay(mut from: TcpStream, target: u16, fault: Option<Fault>) -> std::io::Result<()> {
    let mut to = TcpStream::connect(("127.0.0.1", target)).await?;
    if let Some(fault) = fault {
        let mut register = read_packet(&mut from).await?;
        if fault == Fault::Rewritten {
            let at = register.windows(16).position(|text| text == b"register_channel").unwrap();
            register[at] = b'R';
        }
        if fault != Fault::Lost {
            to.write_all(&register).await?;
        }
        if fault == Fault::AnswerRewritten {
            read_packet(&mut to).await?;
            from.write_all(&ANSWER_OF_NOTHING).await?;
            from.write_all(br#"{"type":"register_channel_res"}"#).await?;
        }
    }
    copy_bidirectional(&mut from, &mut to).await?;
    Ok(())
}

const ANSWER_OF_NOTHING: [u8; HEADER_LEN] =
    [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b, 0xb8, 0, 0, 0, 0x1f, 0, 0, 0, 0];

async fn read_packet(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; HEADER_LEN];
    stream.read_exact(&mut bytes).await?;
    if let Ok(Parse::Incomplete { need }) = parse(&bytes, &FrameLimits::default()) {
        bytes.resize(need, 0);
        stream.read_exact(&mut bytes[HEADER_LEN..]).await?;
    }
    Ok(bytes)
}
