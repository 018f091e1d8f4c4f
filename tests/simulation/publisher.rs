//! Publishing: under a key of one's own, and under keys that all share.

use std::ops::Range;
use std::time::Duration;

use cluster_client::Error;
use tokio::time::{Instant, sleep};

use crate::counter::CounterProxy;
use crate::log::{Log, Told};

/// These keys are published by all processes, each other one by the process whose id it is.
pub(crate) const SHARED: Range<u64> = 1 << 32..(1 << 32) + 3;

/// Publishes under a key of its own.
pub(crate) async fn own(proxy: CounterProxy, log: Log, process: u32, mut random: fastrand::Rng) {
    loop {
        if publish(&proxy, &log, u64::from(process), process, &mut random).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(random.u64(50..500))).await;
    }
}

/// Publishes under keys that others publish too.
pub(crate) async fn shared(proxy: CounterProxy, log: Log, process: u32, mut random: fastrand::Rng) {
    loop {
        sleep(Duration::from_millis(random.u64(50..3000))).await;
        let key = random.u64(SHARED);
        if publish(&proxy, &log, key, process, &mut random).await.is_err() {
            return;
        }
    }
}

/// Publishes a new value under the key, or takes the key back. An error: the history is over for this process.
async fn publish(
    proxy: &CounterProxy,
    log: &Log,
    key: u64,
    process: u32,
    random: &mut fastrand::Rng,
) -> Result<(), Error> {
    let retracts = random.u8(..8) == 0;
    let begun = log.lock().unwrap().begin_publication(key, process, retracts);
    let Some(value) = begun else { return Err(Error::Closed) };
    let result =
        if retracts { proxy.retract(key, value).await } else { proxy.announce(key, value).await };
    let told = (Instant::now(), Told::of(&result));
    if let Some(publication) = log.lock().unwrap().publications.get_mut(&value) {
        publication.told = Some(told);
    }
    if result == Err(Error::Closed) { result } else { Ok(()) }
}
