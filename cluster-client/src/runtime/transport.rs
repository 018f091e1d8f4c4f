//! The two halves of a connection, and the one way in which what is to be sent gets into the socket. Nothing else
//! knows what kind of socket it is.

#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(windows)]
use std::os::windows::io::AsSocket;
use std::{
    future::poll_fn,
    io,
    net::Shutdown,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::AsyncReadExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::host::Stream;
#[cfg(feature = "testing")]
use super::host::simulated::{PipeReader, PipeWriter};
use crate::session::outbound::{Batch, Next, Outbound, WriteStatus};

/// The read buffer of a quiet connection, and that of one whose reads fill it.
const QUIET: usize = 32 * 1024;
pub(crate) const BUSY: usize = 256 * 1024;

/// After so many reads in a row that would have fitted a quiet connection's buffer, it gets that again.
const QUIET_READS: u32 = 64;

/// How many batches a writer writes before it leaves the rest to the connection's task: it may be a caller that has
/// other things to do.
const ROUNDS: usize = 8;

/// Splits a connection. Small packets leave at once (TCP_NODELAY).
pub(crate) fn split(stream: Stream) -> io::Result<(ReadHalf, WriteHalf)> {
    let (read, write) = match stream {
        Stream::Tcp(stream) => {
            stream.set_nodelay(true)?;
            let (read, write) = stream.into_split();
            (Source::Tcp(read), Sink::Tcp(Writer(Some(write))))
        }
        #[cfg(feature = "testing")]
        Stream::Simulated(stream) => {
            (Source::Simulated(stream.read), Sink::Simulated(stream.write))
        }
    };
    let read = ReadHalf { socket: read, buf: BytesMut::new(), size: QUIET, quiet_reads: 0 };
    Ok((read, WriteHalf { socket: write }))
}

#[derive(Debug)]
enum Source {
    Tcp(OwnedReadHalf),
    #[cfg(feature = "testing")]
    Simulated(PipeReader),
}

#[derive(Debug)]
enum Sink {
    Tcp(Writer),
    #[cfg(feature = "testing")]
    Simulated(PipeWriter),
}

/// tokio's half, which is there until it is dropped, without the end of the stream that it would send then.
#[derive(Debug)]
struct Writer(Option<OwnedWriteHalf>);

impl Writer {
    fn socket(&self) -> io::Result<&TcpStream> {
        self.0.as_ref().map(AsRef::as_ref).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(half) = self.0.take() {
            half.forget();
        }
    }
}

/// The receiving half and its buffer, for one task.
#[derive(Debug)]
pub(crate) struct ReadHalf {
    socket: Source,
    buf: BytesMut,
    /// How much room there is when it is refilled.
    size: usize,
    /// How many reads in a row have needed no more than a quiet connection's buffer.
    quiet_reads: u32,
}

impl ReadHalf {
    /// Reads once, behind what is buffered. 0 bytes: the peer will send no more.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.refill();
        let free = self.buf.capacity() - self.buf.len();
        let read = match &mut self.socket {
            // The future is no more than a handle on the two: to drop it while it is pending loses nothing.
            Source::Tcp(socket) => pin!(socket.read_buf(&mut self.buf)).poll(cx),
            #[cfg(feature = "testing")]
            Source::Simulated(pipe) => pipe.poll_read(cx, &mut self.buf),
        };
        if let Poll::Ready(Ok(n)) = read {
            self.adapt(n, free);
        }
        read
    }

    /// What was read and not consumed yet.
    pub(crate) fn buffered(&self) -> &[u8] {
        &self.buf
    }

    /// Removes the first `n` bytes from what is buffered.
    pub(crate) fn consume(&mut self, n: usize) {
        self.buf.advance(n);
    }

    /// Removes the first `n` bytes from what is buffered and returns a handle on them, without copying.
    pub(crate) fn take(&mut self, n: usize) -> Bytes {
        self.buf.split_to(n).freeze()
    }

    /// Makes room when less than half is free: a buffer that is nearly full is read in small pieces. A packet that
    /// is longer than the buffer makes it grow as it arrives, and not to the length that it claims.
    fn refill(&mut self) {
        if self.buf.is_empty() && self.quiet_reads >= QUIET_READS {
            self.buf = BytesMut::new();
            self.size = QUIET;
            self.quiet_reads = 0;
        }
        let len = self.buf.len();
        if self.buf.capacity() - len < self.size / 2 {
            self.buf.reserve(len.max(self.size.saturating_sub(len)));
        }
    }

    fn adapt(&mut self, read: usize, free: usize) {
        if read == free {
            self.size = BUSY;
        }
        let quiet = self.size == BUSY && read < QUIET / 2;
        self.quiet_reads = if quiet { self.quiet_reads + 1 } else { 0 };
    }
}

/// The sending half, for whoever has the turn to write.
#[derive(Debug)]
pub(crate) struct WriteHalf {
    socket: Sink,
}

impl WriteHalf {
    /// Writes as much as the socket takes now. `WouldBlock` may also mean that the runtime has not yet heard that a
    /// new socket is writable; [`poll_write_ready`](Self::poll_write_ready) then says so.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.socket {
            Sink::Tcp(writer) => writer.socket()?.try_write(bytes),
            #[cfg(feature = "testing")]
            Sink::Simulated(pipe) => pipe.try_write(bytes),
        }
    }

    /// Ready when the socket takes bytes again. Keeps one waker: only the connection's task may ask.
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.socket {
            Sink::Tcp(writer) => writer.socket()?.poll_write_ready(cx),
            #[cfg(feature = "testing")]
            Sink::Simulated(pipe) => pipe.poll_write_ready(cx),
        }
    }

    /// The peer has closed, and nothing that it sent is unread: its system is to forget the connection as soon as
    /// both halves are dropped. Otherwise it keeps it in TIME_WAIT for a minute, and who binds the port, as all do when
    /// their leader has died, waits for a walk through all of these.
    pub(crate) fn peer_has_closed(&self) {
        if let Sink::Tcp(writer) = &self.socket
            && let Ok(socket) = writer.socket()
        {
            // Closed with no time to linger, a socket resets its connection.
            let _ = socket.set_zero_linger();
        }
    }

    /// Ends the connection in both directions: the peer gets what was written, then the end.
    pub(crate) fn shutdown(&self) {
        match &self.socket {
            Sink::Tcp(writer) => {
                if let Ok(socket) = writer.socket()
                    && !matches!(socket.linger(), Ok(Some(Duration::ZERO)))
                {
                    shutdown(socket);
                }
            }
            #[cfg(feature = "testing")]
            Sink::Simulated(pipe) => pipe.shutdown(),
        }
    }
}

/// tokio shuts down only with exclusive access, std also without, on a second handle on the socket. That there is none
/// left is no more than a delay: the last owner of the half closes the socket.
fn shutdown(socket: &TcpStream) {
    #[cfg(unix)]
    let handle = socket.as_fd().try_clone_to_owned();
    #[cfg(windows)]
    let handle = socket.as_socket().try_clone_to_owned();
    if let Ok(handle) = handle {
        // The peer may have closed first.
        let _ = std::net::TcpStream::from(handle).shutdown(Shutdown::Both);
    }
}

/// Writes `batch`, and what others append meanwhile, into the socket. Whoever has got a batch from
/// [`Outbound::begin`] calls this, without the lock. `true`: the connection's task is to be woken.
#[must_use]
pub(crate) fn flush<S>(
    state: &Mutex<S>,
    outbound: impl Fn(&mut S) -> &mut Outbound,
    socket: &WriteHalf,
    mut batch: Batch,
) -> bool {
    let mut round = 1;
    loop {
        let (written, status) = write(socket, batch.bytes());
        let mut state = lock(state);
        let outbound = outbound(&mut state);
        match outbound.end(batch, written, status) {
            Next::Done => return false,
            Next::Again if round < ROUNDS => match outbound.begin() {
                Some(more) => batch = more,
                None => return false,
            },
            Next::Again | Next::WakeTask => return true,
        }
        round += 1;
    }
}

/// Writes all of it, before anybody else writes.
pub(crate) async fn write_all(socket: &WriteHalf, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.try_write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll_fn(|cx| socket.poll_write_ready(cx)).await?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Locks the state of a connection. No code that can panic runs under such a lock, so it is never poisoned halfway.
pub(crate) fn lock<S>(state: &Mutex<S>) -> MutexGuard<'_, S> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(socket: &WriteHalf, bytes: &[u8]) -> (usize, WriteStatus) {
    let mut written = 0;
    while let Some(rest @ [_, ..]) = bytes.get(written..) {
        match socket.try_write(rest) {
            Ok(0) => return (written, WriteStatus::Broken),
            Ok(n) => written += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return (written, WriteStatus::Blocked);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return (written, WriteStatus::Broken),
        }
    }
    (written, WriteStatus::Done)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    async fn pair() -> (ReadHalf, WriteHalf, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stream = Stream::Tcp(listener.accept().await.unwrap().0);
        let (read, write) = split(stream).unwrap();
        (read, write, peer)
    }

    /// Reads until `n` bytes are buffered, and consumes them.
    async fn consume(read: &mut ReadHalf, n: usize) {
        while read.buffered().len() < n {
            assert_ne!(poll_fn(|cx| read.poll_read(cx)).await.unwrap(), 0);
        }
        read.consume(n);
    }

    #[tokio::test]
    async fn the_read_buffer_grows_with_the_traffic_and_shrinks_after_it() {
        let (mut read, _write, mut peer) = pair().await;
        peer.write_all(b"quiet").await.unwrap();
        consume(&mut read, 5).await;
        assert!(read.buf.capacity() <= QUIET);

        let burst = tokio::spawn(async move {
            peer.write_all(&[0; 4 * BUSY]).await.unwrap();
            peer
        });
        consume(&mut read, 4 * BUSY).await;
        assert_eq!(read.size, BUSY);

        let mut peer = burst.await.unwrap();
        for _ in 0..=QUIET_READS {
            peer.write_all(b"quiet").await.unwrap();
            consume(&mut read, 5).await;
        }
        assert!(read.buf.capacity() <= QUIET);
    }

    #[tokio::test]
    async fn small_packets_leave_at_once() {
        let (_read, write, _peer) = pair().await;
        match &write.socket {
            Sink::Tcp(writer) => assert!(writer.socket().unwrap().nodelay().unwrap()),
            #[cfg(feature = "testing")]
            Sink::Simulated(_) => panic!("it is a socket"),
        }
    }

    #[tokio::test]
    async fn after_shutdown_the_peer_gets_what_was_written_and_then_the_end() {
        let (_read, write, mut peer) = pair().await;
        poll_fn(|cx| write.poll_write_ready(cx)).await.unwrap();
        assert_eq!(write.try_write(b"last").unwrap(), 4);
        write.shutdown();
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"last");
    }
}
