use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use bytes::Bytes;
use cluster_protocol::Codec;

use super::testing::{Latest, Quote, Trade};
use super::*;
use Event::{Missed, Resynced, Value};

mod member;
mod upstream;

/// Counts how often it was woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A member's handle, with its inbox and whether it has unsubscribed.
fn member<E: Subscribe>() -> (Arc<Inbox>, Subscription<E>, Arc<AtomicBool>) {
    struct Guard(Arc<AtomicBool>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let inbox = Arc::new(Inbox::new(E::OPTIONS.delivery, &Limits::default()));
    let unsubscribed = Arc::new(AtomicBool::new(false));
    let guard = Box::new(Guard(unsubscribed.clone()));
    (inbox.clone(), Subscription::from_inbox(inbox, guard), unsubscribed)
}

fn poll<E: Subscribe>(subscription: &mut Subscription<E>) -> Poll<Option<Event<E>>> {
    subscription.poll_event(&mut Context::from_waker(Waker::noop()))
}

/// All that can be read now.
fn read<E: Subscribe>(subscription: &mut Subscription<E>) -> Vec<Event<E>> {
    std::iter::from_fn(|| match poll(subscription) {
        Poll::Ready(event) => event,
        Poll::Pending => None,
    })
    .collect()
}

fn encoded<E: Subscribe>(value: &E) -> Item {
    let mut bytes = Vec::new();
    Codec::Json.encode(value, &mut bytes).unwrap();
    Item::encoded(value.item_key().map(Arc::from), Codec::Json, Bytes::from(bytes))
}

#[tokio::test]
async fn the_newest_value_is_read_and_then_the_end() {
    let (sender, mut subscription) = Subscription::channel();
    sender.send(Latest(1)).unwrap();
    sender.clone().send(Latest(2)).unwrap();
    assert_eq!(subscription.next().await, Some(Latest(2)));
    sender.send(Latest(3)).unwrap();
    drop(sender);
    assert_eq!(subscription.close_reason(), None, "there is a value to be read");
    assert_eq!(subscription.next().await, Some(Latest(3)));
    assert_eq!(subscription.next().await, None);
    assert_eq!(subscription.next().await, None);
    assert_eq!(subscription.close_reason(), Some(CloseReason::Ended));
}

#[tokio::test]
async fn every_value_is_read_and_what_was_missed_is_no_value() {
    let (sender, mut subscription) = Subscription::channel();
    for n in 1..=5 {
        sender.send(Trade(n)).unwrap();
    }
    assert_eq!(subscription.next().await, Some(Trade(3)));
    assert_eq!(read(&mut subscription), [Value(Trade(4)), Value(Trade(5))]);
}

#[test]
fn the_newest_value_of_each_item_key_is_read() {
    let (sender, mut subscription) = Subscription::channel();
    for quote in [Quote::new("A", 1), Quote::new("B", 2), Quote::new("A", 3)] {
        sender.send(quote).unwrap();
    }
    assert_eq!(read(&mut subscription), [Value(Quote::new("A", 3)), Value(Quote::new("B", 2))]);
}

#[tokio::test]
async fn a_sender_learns_that_nobody_listens() {
    let (sender, subscription) = Subscription::channel();
    let other = sender.clone();
    let waiting = tokio::spawn(async move { other.closed().await });
    tokio::task::yield_now().await;
    assert!(!sender.is_closed() && !waiting.is_finished());
    drop(subscription);
    waiting.await.unwrap();
    sender.closed().await;
    assert!(sender.is_closed());
    assert_eq!(sender.send(Latest(1)), Err(SendError(Latest(1))));
}

#[test]
fn a_reader_is_woken_once_for_what_came() {
    let (sender, mut subscription) = Subscription::channel();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(subscription.poll_event(&mut cx).is_pending());
    sender.send(Trade(1)).unwrap();
    sender.send(Trade(2)).unwrap();
    assert_eq!(wakes.count(), 1);
    assert_eq!(read(&mut subscription), [Value(Trade(1)), Value(Trade(2))]);
    assert!(subscription.poll_event(&mut cx).is_pending());
    drop(sender);
    assert_eq!(wakes.count(), 2, "the end wakes too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_threads_each_value_is_read_or_counted() {
    const COUNT: u32 = 20_000;
    let (sender, mut subscription) = Subscription::channel();
    let sending = std::thread::spawn(move || {
        for n in 1..=COUNT {
            sender.send(Trade(n)).unwrap();
        }
    });
    let mut expected = 1;
    while let Some(event) = subscription.next_event().await {
        match event {
            Value(Trade(n)) => {
                assert_eq!(n, expected);
                expected += 1;
            }
            Missed(count) => expected += u32::try_from(count).unwrap(),
            Resynced => panic!("there is no leader here"),
        }
    }
    assert_eq!(expected, COUNT + 1);
    sending.join().unwrap();
}

#[test]
fn a_subscription_can_be_sent_and_moved() {
    fn check<T: Send + Unpin>() {}
    fn check_sender<T: Send + Sync + Clone>() {}
    check::<Subscription<Latest>>();
    check_sender::<SubscriptionSender<Latest>>();
}
