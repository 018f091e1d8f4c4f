//! smoke
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cluster_client::{Error, Role, Subscribe, Subscription, SubscriptionSender, cluster_client};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct Price(u64);

#[derive(Debug, thiserror::Error, Serialize, Deserialize, PartialEq)]
pub enum MarketError {
    #[error("no such symbol {0}")]
    Unknown(String),
    #[error(transparent)]
    Cluster(#[from] Error),
}

#[derive(Default)]
pub struct Market {
    calls: AtomicUsize,
    watchers: std::sync::Mutex<Vec<SubscriptionSender<Price>>>,
}

#[cluster_client]
impl Market {
    #[invoke(idempotent, timeout = "2s")]
    pub async fn quote(&self, symbol: &str) -> Result<u64, MarketError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if symbol == "none" {
            return Err(MarketError::Unknown(symbol.into()));
        }
        Ok(symbol.len() as u64)
    }

    #[invoke]
    pub async fn slow(&self, millis: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        millis
    }

    #[invoke]
    pub async fn boom(&self) -> Result<(), MarketError> {
        panic!("ouch")
    }

    #[subscribe]
    pub async fn watch(&self, symbol: String) -> Result<Subscription<Price>, MarketError> {
        let (tx, sub) = Subscription::channel();
        tx.send(Price(symbol.len() as u64)).ok();
        self.watchers.lock().unwrap().push(tx);
        Ok(sub)
    }

    #[publish]
    pub async fn set(&self, price: u64) -> Result<(), MarketError> {
        for w in self.watchers.lock().unwrap().iter() {
            w.send(Price(price)).ok();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smoke() {
    let built = Arc::new(AtomicUsize::new(0));
    let start = || {
        let built = built.clone();
        MarketProxy::builder().port(17801).start(move |_cx| {
            built.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, std::io::Error>(Market::default()) }
        })
    };
    let a = start().await.unwrap();
    let b = start().await.unwrap();
    assert_eq!(a.membership().role(), Role::Leader);
    assert_eq!(b.membership().role(), Role::Follower);
    assert_eq!(a.quote("abc").await, Ok(3));
    assert_eq!(b.quote("abcd").await, Ok(4));
    assert_eq!(b.quote("none").await, Err(MarketError::Unknown("none".into())));
    assert_eq!(a.slow(5).await, Ok(5));
    assert_eq!(b.slow(5).await, Ok(5));
    println!("{:?} {:?}", a.boom().await, b.boom().await);
    let mut wa = a.watch("xx".into()).await.unwrap();
    let mut wb = b.watch("xx".into()).await.unwrap();
    assert_eq!(wa.next().await, Some(Price(2)));
    assert_eq!(wb.next().await, Some(Price(2)));
    b.set(9).await.unwrap();
    assert_eq!(wa.next().await, Some(Price(9)));
    assert_eq!(wb.next().await, Some(Price(9)));
    println!("closing");
    drop(wa);
    let t = std::time::Instant::now();
    a.membership().close().await;
    println!("closed in {:?}", t.elapsed());
    assert_eq!(b.quote("abcd").await, Ok(4));
    println!("{:?} {:?}", t.elapsed(), b.membership().role());
    assert_eq!(b.membership().role(), Role::Leader);
    println!("{:?}", wb.next_event().await);
    println!("{:?}", wb.next_event().await);
    assert_eq!(built.load(Ordering::SeqCst), 2);
    b.membership().close().await;
}
