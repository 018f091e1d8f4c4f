//! A leader that goes on after it was stopped starts nothing that nobody waits for any more.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::testing::{Network, Process};
use cluster_client::{Error, Outcome, cluster_client};
use tokio::time::timeout;

use crate::samples::soon;

/// What the clients of all processes have done.
#[derive(Clone, Default)]
struct Marks(Arc<Mutex<Vec<u64>>>);

#[cluster_client]
impl Marks {
    #[invoke(timeout = "2s")]
    async fn short(&self, n: u64) -> Result<(), Error> {
        self.0.lock().unwrap().push(n);
        Ok(())
    }

    #[invoke(timeout = "60s")]
    async fn long(&self, n: u64) -> Result<(), Error> {
        self.0.lock().unwrap().push(n);
        Ok(())
    }

    #[invoke(oneway, timeout = "60s")]
    async fn oneway(&self, n: u64) {
        self.0.lock().unwrap().push(n);
    }
}

async fn join(network: &Network, marks: &Marks) -> (Process, MarksProxy) {
    let (process, marks) = (network.process(), marks.clone());
    let start = MarksProxy::builder()
        .process(&process)
        .start(move |_| std::future::ready(Ok::<_, Error>(marks.clone())));
    let proxy = soon(start).await.unwrap();
    (process, proxy)
}

#[tokio::test(start_paused = true)]
async fn calls_that_were_given_up_meanwhile_are_not_started() {
    let (network, marks) = (Network::new(1), Marks::default());
    let (leader, _led) = join(&network, &marks).await;
    let (_, follower) = join(&network, &marks).await;
    leader.stop();
    let expires = follower.short(1);
    let dropped = timeout(Duration::from_secs(1), follower.long(2));
    let waits = follower.long(3);
    let goes_on = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        leader.resume();
    };
    let (expired, dropped, waited, ()) =
        soon(Box::pin(async { tokio::join!(expires, dropped, waits, goes_on) })).await;
    assert_eq!(expired.unwrap_err().outcome(), Outcome::Unknown);
    assert!(dropped.is_err());
    assert_eq!(waited, Ok(()));
    follower.long(4).await.unwrap();
    assert_eq!(*marks.0.lock().unwrap(), [3, 4]);
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_follower_that_has_died_meanwhile_are_not_started() {
    let (network, marks) = (Network::new(2), Marks::default());
    let (leader, led) = join(&network, &marks).await;
    let (dies, follower) = join(&network, &marks).await;
    leader.stop();
    dies.spawn(async move {
        follower.oneway(1).await.unwrap();
        let _ = follower.long(2).await;
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    dies.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    leader.resume();
    // The leader serves whoever comes next.
    let (_, next) = join(&network, &marks).await;
    next.long(3).await.unwrap();
    drop(led);
    assert_eq!(*marks.0.lock().unwrap(), [1, 3], "nobody but the sender waits for a one-way call");
}
