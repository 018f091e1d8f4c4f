//! A real client that holds its own proxy: whether its futures are `Send` must not depend on itself.

use std::sync::{Arc, OnceLock};

use cluster_client::{Error, cluster_client};

use crate::members::members;

#[derive(Default)]
pub struct Countdown {
    own: Arc<OnceLock<CountdownProxy>>,
}

#[cluster_client]
impl Countdown {
    /// The number of calls that it takes.
    #[invoke]
    pub async fn from(&self, number: u8) -> Result<u64, Error> {
        match (number, self.own.get()) {
            (1.., Some(own)) => Ok(1 + own.from(number - 1).await?),
            _ => Ok(1),
        }
    }

    #[invoke]
    pub async fn spawned(&self) -> Result<u64, Error> {
        let own = self.own.get().cloned().ok_or(Error::Closed)?;
        tokio::spawn(async move { own.from(1).await }).await.unwrap_or(Err(Error::Closed))
    }
}

#[tokio::test]
async fn a_client_calls_itself_through_its_proxy() {
    static OWN: OnceLock<Arc<OnceLock<CountdownProxy>>> = OnceLock::new();
    let real = || Countdown { own: OWN.get_or_init(Arc::default).clone() };
    let [leader, follower] = members::<CountdownProxy, _, _>(real).await;
    OWN.get_or_init(Arc::default).set(leader.clone()).unwrap();
    assert_eq!(leader.from(3).await, Ok(4));
    assert_eq!(follower.from(3).await, Ok(4));
    assert_eq!(follower.spawned().await, Ok(2));
}
