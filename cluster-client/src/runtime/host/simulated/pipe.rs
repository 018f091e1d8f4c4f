//! One connection in memory: a pipe each way, with a time of arrival for each piece.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::time::Sleep;

use crate::clock;

/// Bytes on their way that a pipe holds, like the buffers of two sockets.
const WINDOW: usize = 256 * 1024;

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct SimStream {
    pub(crate) read: PipeReader,
    pub(crate) write: PipeWriter,
}

/// How long a piece is on its way.
#[derive(Clone, Copy)]
pub(crate) struct Transit {
    pub(crate) latency: Duration,
    /// Time that the pieces behind it have to wait for.
    pub(crate) transmission: Duration,
}

/// Says how long the next piece of so many bytes takes.
pub(crate) type Delay = Arc<dyn Fn(usize) -> Transit + Send + Sync>;

pub(crate) struct Pipe {
    state: Mutex<State>,
    delay: Delay,
}

#[derive(Default)]
struct State {
    pieces: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    last_arrival: Option<Instant>,
    /// When the reader hears of the end.
    ends_at: Option<Instant>,
    /// The writer must not write any more, or the reader does not read any more.
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug)]
pub(crate) struct PipeReader {
    pipe: Arc<Pipe>,
    arrival: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
pub(crate) struct PipeWriter {
    out: Arc<Pipe>,
    back: Arc<Pipe>,
}

/// A connection between two ends, with the delay of either direction.
pub(crate) fn connection(there: Delay, back: Delay) -> (SimStream, SimStream, [Arc<Pipe>; 2]) {
    let there = Arc::new(Pipe { state: Mutex::default(), delay: there });
    let back = Arc::new(Pipe { state: Mutex::default(), delay: back });
    let end = |out: &Arc<Pipe>, inn: &Arc<Pipe>| SimStream {
        read: PipeReader { pipe: Arc::clone(inn), arrival: None },
        write: PipeWriter { out: Arc::clone(out), back: Arc::clone(inn) },
    };
    (end(&there, &back), end(&back, &there), [there, back])
}

impl Pipe {
    /// The end, after what was written before. Nothing is written after it.
    pub(crate) fn close(&self) {
        let wakers = {
            let mut state = self.lock();
            if !state.closed {
                state.closed = true;
                let arrival = self.arrival(&state, 0);
                state.ends_at = Some(arrival);
            }
            [state.reader.take(), state.writer.take()]
        };
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Its reader is slow no more: what waits for it comes now.
    pub(super) fn hurry(&self) {
        let reader = {
            let mut state = self.lock();
            let now = clock::now();
            let State { pieces, last_arrival, ends_at, reader, .. } = &mut *state;
            let arrivals = pieces.iter_mut().map(|(at, _)| at).chain(last_arrival).chain(ends_at);
            arrivals.for_each(|at| *at = now.min(*at));
            reader.take()
        };
        reader.into_iter().for_each(Waker::wake);
    }

    fn arrival(&self, state: &State, bytes: usize) -> Instant {
        let Transit { latency, transmission } = (self.delay)(bytes);
        let first = clock::now() + latency;
        state.last_arrival.map_or(first, |last| first.max(last)) + transmission
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PipeReader {
    /// Reads what has arrived. 0 bytes: the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        loop {
            let (read, arrival, writer) = {
                let mut state = self.pipe.lock();
                let now = clock::now();
                let read = state.read(now, into);
                let arrival = state.pieces.front().map(|(at, _)| *at).or(state.ends_at);
                let is_over =
                    state.pieces.is_empty() && state.ends_at.is_some_and(|end| end <= now);
                if read.is_none() && !is_over {
                    state.reader = Some(cx.waker().clone());
                }
                (read.or(is_over.then_some(0)), arrival, state.writer.take())
            };
            writer.into_iter().for_each(Waker::wake);
            if let Some(read) = read {
                self.arrival = None;
                return Poll::Ready(Ok(read));
            }
            let Some(arrival) = arrival else { return Poll::Pending };
            let sleep = self.arrival.insert(Box::pin(tokio::time::sleep_until(arrival.into())));
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl State {
    /// Moves what has arrived and fits, if anything has.
    fn read(&mut self, now: Instant, into: &mut BytesMut) -> Option<usize> {
        let mut read = 0;
        while let Some((at, piece)) = self.pieces.front_mut() {
            let room = into.capacity() - into.len();
            if *at > now || room == 0 {
                break;
            }
            let part = piece.split_to(piece.len().min(room));
            into.put_slice(&part);
            read += part.len();
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
        self.bytes -= read;
        (read > 0).then_some(read)
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.pipe.close();
    }
}

impl PipeWriter {
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let (written, reader) = {
            let mut state = self.out.lock();
            if state.closed {
                drop(state);
                return self.write_into_the_void(bytes);
            }
            let written = bytes.len().min(WINDOW - state.bytes);
            let Some(piece @ [_, ..]) = bytes.get(..written) else {
                return Err(io::ErrorKind::WouldBlock.into());
            };
            let arrival = self.out.arrival(&state, written);
            state.pieces.push_back((arrival, Bytes::copy_from_slice(piece)));
            state.bytes += written;
            state.last_arrival = Some(arrival);
            (written, state.reader.take())
        };
        reader.into_iter().for_each(Waker::wake);
        Ok(written)
    }

    /// Nobody reads any more. That is known here only behind what the other end had still sent.
    fn write_into_the_void(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.back.lock().ends_at {
            Some(known) if known > clock::now() => Ok(bytes.len()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.out.lock();
        if state.closed || state.bytes < WINDOW {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ends the connection in both directions.
    pub(crate) fn shutdown(&self) {
        self.out.close();
        self.back.close();
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.out.close();
    }
}

impl std::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        write!(f, "{} bytes on their way", state.bytes)
    }
}
