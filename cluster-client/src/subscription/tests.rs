use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use bytes::Bytes;
use cluster_protocol::Codec;

use super::testing::{Latest, Quote, Trade};
use super::*;
use Event::{Missed, Resynced, Value};

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
    (
        inbox.clone(),
        Subscription::from_inbox(inbox, guard),
        unsubscribed,
    )
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
    Item::encoded(
        value.item_key().map(Arc::from),
        Codec::Json,
        Bytes::from(bytes),
    )
}

#[tokio::test]
async fn the_newest_value_is_read_and_then_the_end() {
    let (sender, mut subscription) = Subscription::channel();
    sender.send(Latest(1)).unwrap();
    sender.clone().send(Latest(2)).unwrap();
    assert_eq!(subscription.next().await, Some(Latest(2)));
    sender.send(Latest(3)).unwrap();
    drop(sender);
    assert_eq!(
        subscription.close_reason(),
        None,
        "there is a value to be read"
    );
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
    assert_eq!(
        read(&mut subscription),
        [Value(Quote::new("A", 3)), Value(Quote::new("B", 2))]
    );
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

#[test]
fn the_waker_of_the_last_poll_counts() {
    let (inbox, mut subscription, _) = member::<Latest>();
    let (first, last) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
    for wakes in [&first, &last] {
        let waker = Waker::from(wakes.clone());
        assert!(
            subscription
                .poll_event(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    inbox.resynced();
    assert_eq!((first.count(), last.count()), (0, 1));
}

#[test]
fn a_waker_may_read_at_once() {
    /// Reads when woken: a deadlock if the inbox were locked then.
    struct Reads(Mutex<Subscription<Latest>>, Mutex<Vec<Event<Latest>>>);
    impl Wake for Reads {
        fn wake(self: Arc<Self>) {
            self.1
                .lock()
                .unwrap()
                .extend(read(&mut self.0.lock().unwrap()));
        }
    }
    let (inbox, subscription, _) = member();
    let reads = Arc::new(Reads(Mutex::new(subscription), Mutex::default()));
    let waker = Waker::from(reads.clone());
    assert!(
        reads
            .0
            .lock()
            .unwrap()
            .poll_event(&mut Context::from_waker(&waker))
            .is_pending()
    );
    inbox.deliver(Item::typed(Latest(1)));
    assert_eq!(*reads.1.lock().unwrap(), [Value(Latest(1))]);
}

#[test]
fn a_new_leader_repeats_nothing() {
    let (inbox, mut subscription, _) = member();
    inbox.deliver(Item::typed(Latest(1)));
    assert_eq!(read(&mut subscription), [Value(Latest(1))]);
    inbox.resynced();
    inbox.deliver(encoded(&Latest(1)));
    assert_eq!(read(&mut subscription), [Resynced], "equal when decoded");
    inbox.deliver(encoded(&Latest(1)));
    assert_eq!(
        read(&mut subscription),
        [Value(Latest(1))],
        "sent twice by the same leader"
    );
    inbox.resynced();
    inbox.deliver(encoded(&Latest(2)));
    inbox.resynced();
    assert_eq!(
        read(&mut subscription),
        [Resynced, Value(Latest(2)), Resynced]
    );
    inbox.deliver(Item::typed(Latest(2)));
    assert_eq!(read(&mut subscription), []);
}

#[test]
fn a_value_waiting_while_the_leader_changes_is_read_once() {
    let (inbox, mut subscription, _) = member();
    inbox.deliver(encoded(&Latest(1)));
    inbox.resynced();
    inbox.deliver(encoded(&Latest(1)));
    assert_eq!(read(&mut subscription), [Resynced, Value(Latest(1))]);
}

#[test]
fn a_new_leader_is_compared_key_by_key() {
    let (inbox, mut subscription, _) = member();
    for quote in [Quote::new("A", 1), Quote::new("B", 1)] {
        inbox.deliver(encoded(&quote));
    }
    assert_eq!(read(&mut subscription).len(), 2);
    inbox.resynced();
    for quote in [Quote::new("B", 1), Quote::new("A", 2), Quote::new("C", 1)] {
        inbox.deliver(encoded(&quote));
    }
    assert_eq!(
        read(&mut subscription),
        [
            Resynced,
            Value(Quote::new("A", 2)),
            Value(Quote::new("C", 1))
        ]
    );
}

#[test]
fn where_each_value_counts_a_new_leaders_is_never_swallowed() {
    let (inbox, mut subscription, _) = member();
    inbox.deliver(encoded(&Trade(1)));
    inbox.missed(2);
    inbox.resynced();
    inbox.deliver(encoded(&Trade(1)));
    assert_eq!(
        read(&mut subscription),
        [Value(Trade(1)), Missed(2), Resynced, Value(Trade(1))]
    );
}

#[test]
fn only_so_many_keys_are_remembered() {
    let mut seen = Seen::new(2);
    for n in 0..5 {
        let quote = Quote::new(&n.to_string(), n);
        assert_eq!(seen.admit(encoded(&quote)).unwrap(), Some(quote));
    }
    seen.resynced();
    let given = (0..5).filter(|n| {
        let quote = Quote::new(&n.to_string(), *n);
        seen.admit::<Quote>(encoded(&quote)).unwrap().is_some()
    });
    assert!((3..5).contains(&given.count()));
}

#[test]
fn an_undecodable_event_ends_the_subscription() {
    let (inbox, mut subscription, unsubscribed) = member::<Latest>();
    inbox.deliver(Item::encoded(
        None,
        Codec::Json,
        Bytes::from_static(b"\"text\""),
    ));
    assert_eq!(poll(&mut subscription), Poll::Ready(None));
    assert!(matches!(
        subscription.close_reason(),
        Some(CloseReason::Failed(Error::Decode { .. }))
    ));
    assert!(inbox.is_closed() && unsubscribed.load(Ordering::SeqCst));
    assert_eq!(poll(&mut subscription), Poll::Ready(None));
}

#[test]
fn dropping_a_handle_unsubscribes_and_frees_what_was_not_read() {
    let (inbox, subscription, unsubscribed) = member::<Latest>();
    let item = Item::typed(Latest(1));
    inbox.deliver(item.clone());
    let payload = |item: &Item| match &item.payload {
        crate::event::Payload::Typed(value) => Arc::strong_count(value),
        crate::event::Payload::Encoded { .. } => 0,
    };
    assert_eq!(payload(&item), 2);
    drop(subscription);
    assert!(unsubscribed.load(Ordering::SeqCst) && inbox.is_closed());
    inbox.deliver(item.clone());
    assert_eq!(payload(&item), 1);
}

#[test]
fn the_first_reason_to_close_stands_and_nothing_comes_after_it() {
    let (inbox, mut subscription, unsubscribed) = member();
    inbox.deliver(encoded(&Trade(1)));
    inbox.close(CloseReason::Closed);
    inbox.close(CloseReason::Ended);
    inbox.deliver(encoded(&Trade(2)));
    inbox.missed(1);
    assert!(!unsubscribed.load(Ordering::SeqCst), "still to be read");
    assert_eq!(read(&mut subscription), [Value(Trade(1))]);
    assert_eq!(subscription.close_reason(), Some(CloseReason::Closed));
    assert!(unsubscribed.load(Ordering::SeqCst));
}

/// Yields what is in it, then ends.
struct Values<E>(VecDeque<E>);

impl<E: Unpin> Stream for Values<E> {
    type Item = E;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<E>> {
        Poll::Ready(self.0.pop_front())
    }
}

fn values(prices: &[u32]) -> Values<Quote> {
    Values(prices.iter().map(|price| Quote::new("A", *price)).collect())
}

#[tokio::test]
async fn a_stream_is_a_subscription() {
    let mut subscription = Subscription::from_stream(values(&[1, 2]));
    assert_eq!(
        subscription.next_event().await,
        Some(Value(Quote::new("A", 1)))
    );
    assert_eq!(subscription.next().await, Some(Quote::new("A", 2)));
    assert_eq!(subscription.next().await, None);
    assert_eq!(subscription.close_reason(), Some(CloseReason::Ended));
}

/// All that can be read now, as typed values with their item keys.
fn read_upstream<E: Subscribe>(upstream: &mut Upstream) -> Vec<Event<(Option<String>, E)>> {
    let mut cx = Context::from_waker(Waker::noop());
    std::iter::from_fn(|| match upstream.as_mut().poll_next(&mut cx) {
        Poll::Ready(event) => event,
        Poll::Pending => None,
    })
    .map(|event| match event {
        Value(item) => {
            assert!(matches!(item.payload, crate::event::Payload::Typed(_)));
            Value((
                item.key.as_deref().map(str::to_owned),
                item.into_value().unwrap(),
            ))
        }
        Missed(count) => Missed(count),
        Resynced => Resynced,
    })
    .collect()
}

#[test]
fn a_leader_reads_a_stream_and_a_channel_with_their_item_keys() {
    let mut upstream = Subscription::from_stream(values(&[1])).into_upstream();
    let quote = [Value((Some("A".to_owned()), Quote::new("A", 1)))];
    assert_eq!(read_upstream(&mut upstream), quote);

    let (sender, subscription) = Subscription::channel();
    let mut upstream = subscription.into_upstream();
    sender.send(Quote::new("A", 1)).unwrap();
    assert_eq!(read_upstream(&mut upstream), quote);
    drop(upstream);
    assert!(sender.is_closed());
}

#[test]
fn a_leader_reads_the_handle_of_another_proxy() {
    let (inbox, subscription, unsubscribed) = member::<Latest>();
    let mut upstream = subscription.into_upstream();
    inbox.deliver(encoded(&Latest(1)));
    assert_eq!(read_upstream(&mut upstream), [Value((None, Latest(1)))]);
    inbox.missed(1);
    inbox.resynced();
    inbox.deliver(encoded(&Latest(1)));
    assert_eq!(
        read_upstream::<Latest>(&mut upstream),
        [Missed(1), Resynced]
    );
    drop(upstream);
    assert!(unsubscribed.load(Ordering::SeqCst));
}

#[test]
fn a_subscription_can_be_sent_and_moved() {
    fn check<T: Send + Unpin>() {}
    fn check_sender<T: Send + Sync + Clone>() {}
    check::<Subscription<Latest>>();
    check_sender::<SubscriptionSender<Latest>>();
}
