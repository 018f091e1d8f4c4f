//! Updates by the gigabyte: what the real client sends, and what a reader keeps of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::{Event, Subscribe, Subscription, SubscriptionSender};
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};

use crate::report::Moment;

/// A value that is worth its size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// From 1 on, for each kind.
    number: u64,
    sent: Moment,
    ballast: String,
}

/// Only the newest one matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct Newest(Update);

/// Each one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = 1024)]
pub struct Each(Update);

/// Where the updates come from.
#[derive(Default)]
pub struct Flood {
    newest: Mutex<Vec<SubscriptionSender<Newest>>>,
    each: Mutex<Vec<SubscriptionSender<Each>>>,
    sent: Mutex<u64>,
}

impl Flood {
    pub fn newest(&self) -> Subscription<Newest> {
        let (sender, subscription) = Subscription::channel();
        self.newest.lock().unwrap().push(sender);
        subscription
    }

    pub fn each(&self) -> Subscription<Each> {
        let (sender, subscription) = Subscription::channel();
        self.each.lock().unwrap().push(sender);
        subscription
    }

    /// Sends so many updates of `size` bytes of both kinds, one of either each millisecond, and returns the number
    /// of the last.
    pub async fn pour(&self, updates: u64, size: usize) -> u64 {
        let ballast = "x".repeat(size);
        let mut turns = interval(Duration::from_millis(1));
        turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..updates {
            let number = {
                let mut sent = self.sent.lock().unwrap();
                *sent += 1;
                *sent
            };
            let update = || Update { number, sent: Moment::now(), ballast: ballast.clone() };
            turns.tick().await;
            self.newest.lock().unwrap().retain(|to| to.send(Newest(update())).is_ok());
            turns.tick().await;
            self.each.lock().unwrap().retain(|to| to.send(Each(update())).is_ok());
        }
        *self.sent.lock().unwrap()
    }
}

/// What one reader of both kinds has got.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// The last that it read.
    pub newest: u64,
    pub each: u64,
    /// Of those that count each: how many came, and how many it was told it had missed.
    pub received: u64,
    pub missed: u64,
    /// From sending to reading, since it was asked the last time, in microseconds.
    pub delays: Vec<u32>,
}

/// Reads to the end, and keeps count.
pub async fn read_newest(mut updates: Subscription<Newest>, tally: Arc<Mutex<Tally>>) {
    while let Some(Newest(update)) = updates.next().await {
        let mut tally = tally.lock().unwrap();
        assert!(update.number > tally.newest, "{} after {}", update.number, tally.newest);
        tally.newest = update.number;
        tally.took(&update);
    }
}

/// The same, where nothing may be missing that is not said to be.
pub async fn read_each(mut updates: Subscription<Each>, tally: Arc<Mutex<Tally>>) {
    while let Some(event) = updates.next_event().await {
        let mut tally = tally.lock().unwrap();
        match event {
            Event::Value(Each(update)) => {
                tally.received += 1;
                tally.each = update.number;
                let accounted = tally.received + tally.missed;
                assert_eq!(accounted, update.number, "{} missed", tally.missed);
                tally.took(&update);
            }
            Event::Missed(count) => tally.missed += count,
            Event::Resynced => {}
        }
    }
}

impl Tally {
    fn took(&mut self, update: &Update) {
        let delay = Moment::now().since(update.sent);
        self.delays.push(u32::try_from(delay.as_micros()).unwrap_or(u32::MAX));
    }
}
