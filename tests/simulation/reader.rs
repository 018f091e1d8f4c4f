//! Reading subscriptions, of all kinds.

use std::sync::Arc;
use std::time::Duration;

use cluster_client::testing::Process;
use cluster_client::{CloseReason, Error, Event, Subscription};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::counter::{CounterProxy, Newest, Slot, Tick};
use crate::log::{Log, Told};
use crate::server::{KEYS, Server};

/// What one handle has read, in order.
pub(crate) struct Reads {
    pub(crate) process: u32,
    pub(crate) what: What,
    pub(crate) events: Vec<Read>,
    /// The newest values when it had subscribed: what comes after them it has to be given.
    pub(crate) joined_at: [u64; KEYS as usize],
    /// When it could not subscribe, and what it was told.
    pub(crate) refused: Vec<(Instant, Told)>,
    /// Why it has ended.
    pub(crate) ended: Option<CloseReason>,
    /// Ends the reader.
    pub(crate) task: Option<AbortHandle>,
}

impl Reads {
    fn new(process: u32, what: What) -> Self {
        Self {
            process,
            what,
            events: Vec::new(),
            joined_at: [0; KEYS as usize],
            refused: Vec::new(),
            ended: None,
            task: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum What {
    /// The newest value of a key.
    Newest(u64),
    /// Every value of a key.
    Ticks(u64),
    /// The newest value of each key.
    Board,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Read {
    Value { key: u64, value: u64 },
    Missed(u64),
    Resynced,
}

/// Starts the readers of a process.
pub(crate) fn spawn(
    process: &Process,
    proxy: &CounterProxy,
    server: &Server,
    log: &Log,
    random: &mut fastrand::Rng,
) {
    let (id, key) = (process.id(), random.u64(..KEYS));
    for what in [
        What::Newest(key),
        What::Newest(random.u64(..KEYS)),
        What::Ticks(key),
        What::Ticks(random.u64(..KEYS)),
        What::Board,
    ] {
        let index = {
            let mut seen = log.lock().unwrap();
            seen.reads.push(Reads::new(id, what));
            seen.reads.len() - 1
        };
        let (proxy, of) =
            (proxy.clone(), Place { server: server.clone(), log: Arc::clone(log), index });
        let task = match what {
            What::Newest(key) => process.spawn(async move {
                let ask = || proxy.newest(key);
                read(ask, |Newest(value)| (key, value), of).await;
            }),
            What::Ticks(key) => process.spawn(async move {
                let ask = || proxy.ticks(key);
                read(ask, |Tick(value)| (key, value), of).await;
            }),
            What::Board => process.spawn(async move {
                read(|| proxy.board(), |Slot { key, value }| (key, value), of).await;
            }),
        };
        log.lock().unwrap().reads[index].task = Some(task.abort_handle());
    }
}

/// Where a reader writes down what it is given.
struct Place {
    server: Server,
    log: Log,
    index: usize,
}

impl Place {
    fn note(&self, note: impl FnOnce(&mut Reads)) {
        note(&mut self.log.lock().unwrap().reads[self.index]);
    }
}

async fn read<E, F>(ask: impl Fn() -> F, value: impl Fn(E) -> (u64, u64), of: Place)
where
    E: cluster_client::Subscribe,
    F: Future<Output = Result<Subscription<E>, Error>>,
{
    let mut subscription = loop {
        match ask().await {
            Ok(subscription) => break subscription,
            Err(Error::Closed) => return,
            Err(error) => {
                of.note(|reads| reads.refused.push((Instant::now(), Told::of(&Err(error)))));
                sleep(Duration::from_millis(10)).await;
            }
        }
    };
    let newest = of.server.book().values;
    of.note(|reads| reads.joined_at = newest);
    while let Some(event) = subscription.next_event().await {
        let read = match event {
            Event::Value(event) => {
                let (key, value) = value(event);
                Read::Value { key, value }
            }
            Event::Missed(count) => Read::Missed(count),
            Event::Resynced => Read::Resynced,
        };
        of.note(|reads| reads.events.push(read));
    }
    of.note(|reads| reads.ended = subscription.close_reason());
}

/// What somebody who subscribes only now is given first.
pub(crate) async fn first(proxy: &CounterProxy, key: u64) -> Result<u64, String> {
    let first = async {
        let mut subscription = proxy.newest(key).await.map_err(|error| error.to_string())?;
        let first = subscription.next().await;
        first.map(|Newest(value)| value).ok_or_else(|| "it has ended".to_owned())
    };
    timeout(Duration::from_secs(5), first).await.map_err(|_| "nothing comes".to_owned())?
}

/// The same for all keys.
pub(crate) async fn first_of_all(proxy: &CounterProxy) -> Result<[u64; KEYS as usize], String> {
    let first = async {
        let mut subscription = proxy.board().await.map_err(|error| error.to_string())?;
        let mut values = [0; KEYS as usize];
        for _ in 0..KEYS {
            let Slot { key, value } = subscription.next().await.ok_or("it has ended")?;
            values[key as usize] = value;
        }
        Ok(values)
    };
    timeout(Duration::from_secs(5), first).await.map_err(|_| "not all keys come".to_owned())?
}
