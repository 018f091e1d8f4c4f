//! A `#[cfg]` on a method takes it out of everything, and the numbers of the others stay right.

use cluster_client::__private::Service;
use cluster_client::cluster_client;

use crate::members::members;

pub struct Counter;

#[cluster_client]
impl Counter {
    #[cfg(any())]
    #[invoke]
    pub async fn absent(&self, never: Undeclared) -> Undeclared {}

    #[cfg(test)]
    #[invoke]
    pub async fn first(&self) -> u64 {
        1
    }

    #[cfg_attr(test, cfg(any()))]
    #[publish(undo = "absent")]
    pub async fn absent_by_cfg_attr(&self, never: Undeclared) {}

    #[cfg(unix)]
    #[invoke]
    pub async fn either(&self) -> u64 {
        2
    }

    #[cfg(not(unix))]
    #[invoke]
    pub async fn either(&self) -> u64 {
        2
    }

    #[publish(undo = "last")]
    pub async fn third(&self) -> u64 {
        3
    }

    #[invoke]
    pub async fn last(&self) -> u64 {
        4
    }

    #[cfg(any())]
    #[close]
    pub async fn absent_close(&self) {}
}

#[cluster_client]
#[cfg(any())]
impl Undeclared {
    #[invoke]
    pub async fn absent(&self) {}
}

#[test]
fn what_is_compiled_out_is_not_served() {
    assert_eq!(CounterProxy::METHODS.len(), 4);
}

#[tokio::test]
async fn the_numbers_of_the_others_are_right() {
    for proxy in members::<CounterProxy, _, _>(|| Counter).await {
        assert_eq!(proxy.first().await, Ok(1));
        assert_eq!(proxy.either().await, Ok(2));
        assert_eq!(proxy.third().await, Ok(3));
        assert_eq!(proxy.last().await, Ok(4));
    }
}
