use std::future::Future;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{Report, report};

/// What became of one call.
#[derive(Serialize, Deserialize)]
pub enum Call {
    /// It was answered.
    Answered {
        /// That by which the server knows the call.
        id: u64,
        /// The leadership that answered it.
        epoch: u64,
    },
    /// It may or may not have run.
    Unknown {
        /// Unlike that of any other call of the worker.
        id: u64,
    },
    /// It failed, and should not have.
    Failed {
        /// Why.
        message: String,
    },
}

/// In a worker: calls that go on until they are stopped, each reported to the parent.
pub struct Load {
    stop: watch::Sender<bool>,
    lanes: JoinSet<usize>,
}

impl Load {
    /// No calls yet.
    pub fn new() -> Self {
        Self { stop: watch::Sender::new(false), lanes: JoinSet::new() }
    }

    /// Keeps `in_flight` calls in flight. `call` is given the lane, from 1, and how many calls that lane has made before.
    pub fn start<F, Fut>(&mut self, in_flight: u64, call: F)
    where
        F: Fn(u64, u64) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Call> + Send,
    {
        for lane in 1..=in_flight {
            let (call, stop) = (call.clone(), self.stop.subscribe());
            self.lanes.spawn(async move {
                let mut issued = 0;
                while !*stop.borrow() {
                    report(&Report::<()>::Called(call(lane, issued as u64).await));
                    issued += 1;
                }
                issued
            });
        }
    }

    /// Makes no further call, waits for those in flight, and reports how many there were.
    pub async fn stop(&mut self) {
        let _ = self.stop.send(true);
        let mut issued = 0;
        while let Some(calls) = self.lanes.join_next().await {
            issued += calls.unwrap_or(0);
        }
        report(&Report::<()>::Stopped { issued });
    }
}

impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}
