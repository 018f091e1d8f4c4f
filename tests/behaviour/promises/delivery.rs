//! What subscribers are given, and what they are told is missing.

use std::sync::Mutex;
use std::time::Duration;

use cluster_client::{
    CloseReason, Error, Event, Subscribe, Subscription, SubscriptionSender, cluster_client,
};
use serde::{Deserialize, Serialize};
use support::free_port;

use crate::samples::{next, soon};

/// Each one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = 4)]
struct Trade(u32);

/// The newest of each symbol counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
struct Quote {
    #[subscribe(key)]
    symbol: String,
    price: u32,
}

/// Cannot be read if it is 13.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
struct Lucky(#[serde(deserialize_with = "lucky")] u32);

fn lucky<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        13 => Err(serde::de::Error::custom("bad luck")),
        other => Ok(other),
    }
}

#[derive(Default)]
struct Exchange {
    trades: Mutex<Vec<SubscriptionSender<Trade>>>,
    quotes: Mutex<Vec<SubscriptionSender<Quote>>>,
    numbers: Mutex<Vec<SubscriptionSender<Lucky>>>,
}

fn open<E: Subscribe>(senders: &Mutex<Vec<SubscriptionSender<E>>>) -> Subscription<E> {
    let (sender, subscription) = Subscription::channel();
    senders.lock().unwrap().push(sender);
    subscription
}

fn send<E: Subscribe>(senders: &Mutex<Vec<SubscriptionSender<E>>>, value: &E) {
    for sender in senders.lock().unwrap().iter() {
        let _ = sender.send(value.clone());
    }
}

#[cluster_client]
impl Exchange {
    #[subscribe]
    async fn trades(&self) -> Subscription<Trade> {
        open(&self.trades)
    }

    #[invoke]
    async fn trade(&self, prices: Vec<u32>) {
        for price in prices {
            send(&self.trades, &Trade(price));
        }
    }

    #[subscribe]
    async fn quotes(&self) -> Subscription<Quote> {
        open(&self.quotes)
    }

    #[invoke]
    async fn quote(&self, symbol: String, price: u32) {
        send(&self.quotes, &Quote { symbol, price });
    }

    #[subscribe]
    async fn numbers(&self) -> Subscription<Lucky> {
        let subscription = open(&self.numbers);
        send(&self.numbers, &Lucky(7));
        subscription
    }

    #[invoke]
    async fn draw(&self, number: u32) {
        send(&self.numbers, &Lucky(number));
    }
}

async fn join(port: u16, single: bool) -> ExchangeProxy {
    let member = ExchangeProxy::builder().port(port).single_mode(single);
    soon(member.start(async |_| Ok::<_, Error>(Exchange::default()))).await.unwrap()
}

#[tokio::test]
async fn every_value_is_delivered_in_order_and_none_is_kept_for_later() {
    for single in [false, true] {
        let port = free_port();
        let members = [join(port, single).await, join(port, single).await];
        let mut trades = Vec::new();
        for member in &members {
            trades.push(soon(member.trades()).await.unwrap());
        }
        for first in [1, 4, 7] {
            soon(members[1].trade(vec![first, first + 1, first + 2])).await.unwrap();
            for trades in &mut trades {
                for price in first..first + 3 {
                    let event = soon(trades.next_event()).await;
                    assert_eq!(event, Some(Event::Value(Trade(price))));
                }
            }
        }
        let mut late = soon(members[0].trades()).await.unwrap();
        soon(members[1].trade(vec![10])).await.unwrap();
        assert_eq!(next(&mut late).await, Trade(10));
    }
}

/// More than is handed to the socket at once: nobody has to say anything before the rest comes.
#[tokio::test]
async fn a_burst_comes_as_a_whole() {
    let port = free_port();
    let member = || async {
        let member =
            ExchangeProxy::builder().port(port).heartbeat_interval(Duration::from_secs(600));
        soon(member.start(async |_| Ok::<_, Error>(Exchange::default()))).await.unwrap()
    };
    let (leader, follower) = (member().await, member().await);
    let mut quotes = soon(follower.quotes()).await.unwrap();
    let exchange = leader.as_leader().expect("it leads");
    let symbols: Vec<_> = (0..64).map(|n| format!("{n}{}", "x".repeat(24 * 1024))).collect();
    for symbol in &symbols {
        let quote = Quote { symbol: symbol.clone(), price: 1 };
        send(&exchange.client().quotes, &quote);
    }
    for symbol in &symbols {
        assert_eq!(next(&mut quotes).await.symbol, *symbol);
    }
}

#[tokio::test]
async fn what_a_slow_subscriber_loses_is_counted_where_it_is_missing() {
    let port = free_port();
    let members = [join(port, false).await, join(port, false).await];
    let mut trades = Vec::new();
    for member in &members {
        trades.push(soon(member.trades()).await.unwrap());
    }
    soon(members[1].trade((1..=100).collect())).await.unwrap();
    for trades in &mut trades {
        let mut expected = 1;
        while expected <= 100 {
            match soon(trades.next_event()).await.unwrap() {
                Event::Value(Trade(price)) => {
                    assert_eq!(price, expected);
                    expected += 1;
                }
                Event::Missed(count) => expected += u32::try_from(count).unwrap(),
                Event::Resynced => panic!("the leader is the same"),
            }
        }
        assert_eq!(expected, 101);
    }
}

#[tokio::test]
async fn a_late_subscriber_gets_the_newest_value_of_each_key() {
    for single in [false, true] {
        let port = free_port();
        let members = [join(port, single).await, join(port, single).await];
        let mut early = soon(members[0].quotes()).await.unwrap();
        for (symbol, price) in [("A", 1), ("B", 2), ("A", 3)] {
            soon(members[1].quote(symbol.into(), price)).await.unwrap();
        }
        let newest = |symbol: &str, price| Quote { symbol: symbol.into(), price };
        while next(&mut early).await != newest("A", 3) {}
        for member in &members {
            let mut late = soon(member.quotes()).await.unwrap();
            let mut quotes = [next(&mut late).await, next(&mut late).await];
            quotes.sort_by(|one, other| one.symbol.cmp(&other.symbol));
            assert_eq!(quotes, [newest("A", 3), newest("B", 2)]);
        }
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_ends_the_subscription_and_says_why() {
    let port = free_port();
    let leader = join(port, false).await;
    let follower = join(port, false).await;
    let mut here = soon(leader.numbers()).await.unwrap();
    let mut there = soon(follower.numbers()).await.unwrap();
    for numbers in [&mut here, &mut there] {
        assert_eq!(next(numbers).await, Lucky(7));
    }
    soon(follower.draw(13)).await.unwrap();
    assert_eq!(next(&mut here).await, Lucky(13));
    assert_eq!(soon(there.next()).await, None);
    let Some(CloseReason::Failed(error)) = there.close_reason() else {
        panic!("{:?}", there.close_reason());
    };
    assert!(matches!(&error, Error::Decode { message, .. } if message.contains("bad luck")));
    // The next subscriber goes on from there.
    soon(follower.draw(8)).await.unwrap();
    assert_eq!(next(&mut here).await, Lucky(8));
    assert_eq!(next(&mut soon(follower.numbers()).await.unwrap()).await, Lucky(8));
}
