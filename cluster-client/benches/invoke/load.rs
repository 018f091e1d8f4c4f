//! The calls that are made, and what is measured of them.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::ensure;

pub(crate) const ARGUMENT: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const RESULT_LEN: usize = 128;

pub(crate) fn result() -> String {
    "r".repeat(RESULT_LEN)
}

/// A client that can be cloned into a task.
pub(crate) trait Caller: Clone + Send + Sync + 'static {
    fn call(&self) -> impl Future<Output = anyhow::Result<String>> + Send;
}

#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// One call after another: the median, in µs.
    Latency { calls: usize },
    /// So many at a time: calls per second.
    Throughput { in_flight: usize, window: Duration },
}

/// Before a window opens.
const WARM_UP: Duration = Duration::from_millis(100);

impl Load {
    pub(crate) async fn run(self, caller: &impl Caller) -> anyhow::Result<f64> {
        match self {
            Self::Latency { calls } => {
                for _ in 0..warm_up_calls(calls) {
                    caller.call().await?;
                }
                let mut latencies = Vec::with_capacity(calls);
                for _ in 0..calls {
                    let start = Instant::now();
                    let result = caller.call().await?;
                    latencies.push(start.elapsed());
                    ensure!(result.len() == RESULT_LEN, "a wrong result");
                }
                Ok(median_micros(latencies))
            }
            Self::Throughput { in_flight, window } => {
                let open = Window::open(window);
                let callers: Vec<_> = (0..in_flight)
                    .map(|_| tokio::spawn(call_repeatedly(caller.clone(), open)))
                    .collect();
                let mut calls = 0;
                for caller in callers {
                    calls += caller.await??;
                }
                Ok(open.rate(calls))
            }
        }
    }
}

async fn call_repeatedly(caller: impl Caller, window: Window) -> anyhow::Result<u64> {
    let mut calls = 0;
    loop {
        let result = caller.call().await?;
        ensure!(result.len() == RESULT_LEN, "a wrong result");
        let now = Instant::now();
        if now > window.end {
            return Ok(calls);
        }
        calls += u64::from(now >= window.start);
    }
}

pub(crate) fn warm_up_calls(calls: usize) -> usize {
    calls / 10
}

pub(crate) fn median_micros(mut latencies: Vec<Duration>) -> f64 {
    let middle = latencies.len() / 2;
    latencies.select_nth_unstable(middle).1.as_secs_f64() * 1e6
}

/// Calls that end in it count.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) start: Instant,
    pub(crate) end: Instant,
}

impl Window {
    pub(crate) fn open(length: Duration) -> Self {
        let start = Instant::now() + WARM_UP;
        Self { start, end: start + length }
    }

    #[allow(clippy::cast_precision_loss, reason = "so many calls there are not")]
    pub(crate) fn rate(&self, calls: u64) -> f64 {
        calls as f64 / (self.end - self.start).as_secs_f64()
    }
}
