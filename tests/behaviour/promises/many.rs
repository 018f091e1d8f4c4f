//! More than one turn can take: many subscriptions at once, many values at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::testing::{Network, Process};
use cluster_client::{
    Error, Event, LeaderContext, Role, Subscribe, Subscription, SubscriptionSender, cluster_client,
};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::samples::{next, role, soon};

/// More than are restored at once.
const KEYS: u32 = 600;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = 16)]
struct Number(u32);

/// The newest of each name counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
struct Page {
    #[subscribe(key)]
    name: u32,
    text: String,
}

#[derive(Clone, Default)]
struct Server {
    senders: Arc<Mutex<Vec<SubscriptionSender<Number>>>>,
    pages: Arc<Mutex<Vec<SubscriptionSender<Page>>>>,
}

struct Client {
    server: Server,
    process: u32,
}

#[cluster_client]
impl Client {
    /// Whose client it is. The first key cannot be opened by the second process.
    #[subscribe]
    async fn watch(&self, key: u32) -> Subscription<Number> {
        if key == 0 && self.process == 2 {
            std::future::pending::<()>().await;
        }
        let (sender, subscription) = Subscription::channel();
        let _ = sender.send(Number(self.process));
        self.server.senders.lock().unwrap().push(sender);
        subscription
    }

    #[subscribe]
    async fn pages(&self) -> Subscription<Page> {
        let (sender, subscription) = Subscription::channel();
        self.server.pages.lock().unwrap().push(sender);
        subscription
    }

    /// Ready at any time, without an end.
    #[subscribe]
    async fn endless(&self) -> Subscription<Number> {
        Subscription::from_stream(futures::stream::repeat(Number(7)))
    }

    #[invoke]
    async fn whose(&self) -> u32 {
        self.process
    }
}

async fn join(network: &Network, server: &Server) -> (Process, ClientProxy) {
    let (process, server) = (network.process(), server.clone());
    let of = process.clone();
    let start = ClientProxy::builder().process(&process).start(move |_: LeaderContext| {
        let client = Client { server: server.clone(), process: of.id() };
        std::future::ready(Ok::<_, Error>(client))
    });
    let proxy = soon(start).await.unwrap();
    (process, proxy)
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_restored_holds_up_no_other() {
    let (network, server) = (Network::new(1), Server::default());
    let (first, _led) = join(&network, &server).await;
    let (second, successor) = join(&network, &server).await;
    assert_eq!((first.id(), second.id()), (1, 2));
    let (_, follower) = join(&network, &server).await;
    let mut watching = Vec::new();
    for key in 0..KEYS {
        let mut numbers = soon(follower.watch(key)).await.unwrap();
        assert_eq!(next(&mut numbers).await, Number(1));
        watching.push(numbers);
    }
    first.kill();
    role(successor.membership(), Role::Leader).await;
    for numbers in &mut watching[1..] {
        let restored = async {
            while numbers.next_event().await.expect("it goes on") != Event::Value(Number(2)) {}
        };
        let in_time = tokio::time::timeout(Duration::from_secs(5), restored).await;
        in_time.expect("the others are restored");
    }
}

/// Virtual time would stand still meanwhile.
#[tokio::test]
async fn a_stream_that_is_always_ready_holds_up_nobody() {
    let (network, server) = (Network::new(2), Server::default());
    let (leader, _led) = join(&network, &server).await;
    let (_, follower) = join(&network, &server).await;
    let mut endless = soon(follower.endless()).await.unwrap();
    for _ in 0..100 {
        assert_eq!(next(&mut endless).await, Number(7));
    }
    assert_eq!(soon(follower.whose()).await, Ok(1));
    leader.kill();
}

#[tokio::test(start_paused = true)]
async fn who_is_sent_more_than_it_takes_is_heard_all_the_same() {
    let (network, server) = (Network::new(3), Server::default());
    let (leader, _led) = join(&network, &server).await;
    let (slow, follower) = join(&network, &server).await;
    let mut pages = soon(follower.pages()).await.unwrap();
    slow.set_slow(Some(1 << 20));
    let sending = leader.spawn(async move {
        let text = "x".repeat(100_000);
        for name in 0.. {
            for page in &*server.pages.lock().unwrap() {
                let _ = page.send(Page { name: name % 100, text: text.clone() });
            }
            sleep(Duration::from_millis(10)).await;
        }
    });
    for _ in 0..20 {
        assert_eq!(soon(follower.whose()).await, Ok(1));
        next(&mut pages).await;
    }
    sending.abort();
}
