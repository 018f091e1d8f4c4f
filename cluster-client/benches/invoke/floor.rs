//! The least that a request and a response cost on a tokio socket: a header as long as ours before the bytes, one
//! write for a batch, nothing encoded or decoded, and no state of a call at either end. The client is one task, which
//! asks anew for each answer that it gets.

use std::time::Instant;

use anyhow::ensure;
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::load::{ARGUMENT, Load, RESULT_LEN, Window, median_micros, result, warm_up_calls};
use crate::server::ready;

const HEADER_LEN: usize = 24;

/// The room for reading, at both ends.
const BUFFER: usize = 256 * 1024;

pub(crate) async fn serve(port: u16) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    ready();
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream));
    }
}

async fn answer(stream: TcpStream) -> anyhow::Result<()> {
    let mut socket = Socket::new(stream)?;
    let result = result();
    loop {
        socket.read().await?;
        while let Some(id) = socket.take() {
            socket.put(id, result.as_bytes());
        }
        socket.write().await?;
    }
}

pub(crate) async fn run(port: u16, load: Load) -> anyhow::Result<f64> {
    let mut socket = Socket::new(TcpStream::connect(("127.0.0.1", port)).await?)?;
    match load {
        Load::Latency { calls } => {
            let mut latencies = Vec::with_capacity(calls);
            for call in 0..warm_up_calls(calls) + calls {
                let start = Instant::now();
                socket.put(call as u64, ARGUMENT.as_bytes());
                socket.write().await?;
                while socket.take().is_none() {
                    socket.read().await?;
                }
                if call >= warm_up_calls(calls) {
                    latencies.push(start.elapsed());
                }
            }
            Ok(median_micros(latencies))
        }
        Load::Throughput { in_flight, window } => {
            let window = Window::open(window);
            let (mut id, mut calls) = (0, 0);
            for _ in 0..in_flight {
                id += 1;
                socket.put(id, ARGUMENT.as_bytes());
            }
            loop {
                socket.write().await?;
                socket.read().await?;
                let now = Instant::now();
                if now > window.end {
                    return Ok(window.rate(calls));
                }
                while socket.take().is_some() {
                    calls += u64::from(now >= window.start);
                    id += 1;
                    socket.put(id, ARGUMENT.as_bytes());
                }
            }
        }
    }
}

struct Socket {
    stream: TcpStream,
    input: BytesMut,
    output: BytesMut,
}

impl Socket {
    fn new(stream: TcpStream) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        let (input, output) = (BytesMut::with_capacity(BUFFER), BytesMut::new());
        Ok(Self { stream, input, output })
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        if self.input.capacity() - self.input.len() < BUFFER / 2 {
            self.input.reserve(BUFFER);
        }
        ensure!(self.stream.read_buf(&mut self.input).await? > 0, "the connection was closed");
        Ok(())
    }

    async fn write(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(&self.output).await?;
        self.output.clear();
        Ok(())
    }

    /// Takes the next packet off the input; returns its id.
    fn take(&mut self) -> Option<u64> {
        let (header, rest) = self.input.split_first_chunk::<HEADER_LEN>()?;
        let (mut id, mut length) = (&header[4..], &header[20..]);
        let (id, length) = (id.get_u64(), length.get_u32() as usize);
        if rest.len() < length {
            return None;
        }
        assert!(length == RESULT_LEN || length == ARGUMENT.len(), "a wrong packet");
        self.input.advance(HEADER_LEN + length);
        Some(id)
    }

    fn put(&mut self, id: u64, data: &[u8]) {
        let mut header = [0; HEADER_LEN];
        header[4..12].copy_from_slice(&id.to_be_bytes());
        header[20..].copy_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.output.extend_from_slice(&header);
        self.output.extend_from_slice(data);
    }
}
