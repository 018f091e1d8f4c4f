//! The crate under another name: `main.rs` has `extern crate cluster_client as renamed`.

use renamed::{Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
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
        Subscription::channel().1
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

#[test]
fn compiles() {
    use renamed::__private::Service;
    assert_eq!(ClockProxy::METHODS.len() + CalendarProxy::METHODS.len(), 2);
}
