//! The crate under another name: `main.rs` has `extern crate cluster_client as renamed`.

use renamed::{Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

use crate::members::members;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(crate = "::renamed")]
pub struct Tick(#[subscribe(key)] u64);

/// A crate that hides it among its own.
pub mod vendored {
    pub use renamed as cluster;
}

pub struct Clock;

#[cluster_client(crate = "::renamed")]
impl Clock {
    #[subscribe]
    pub async fn ticks(&self) -> Subscription<Tick> {
        let (ticks, subscription) = Subscription::channel();
        ticks.send(Tick(1)).expect("the subscription is here");
        subscription
    }
}

pub struct Calendar;

#[cluster_client(crate = "crate::renamed_crate::vendored::cluster")]
impl Calendar {
    #[invoke]
    pub async fn today(&self) -> u64 {
        20_000
    }
}

#[tokio::test]
async fn it_works_under_any_name() {
    for proxy in members::<ClockProxy, _, _>(|| Clock).await {
        let mut ticks = proxy.ticks().await.unwrap();
        assert_eq!(ticks.next().await, Some(Tick(1)));
    }
    for proxy in members::<CalendarProxy, _, _>(|| Calendar).await {
        assert_eq!(proxy.today().await, Ok(20_000));
    }
}
