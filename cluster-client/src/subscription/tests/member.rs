//! Handles of a member: new leaders, decoding, closing.

use super::*;
use crate::subscription::queue::Bounds;

#[test]
fn the_waker_of_the_last_poll_counts() {
    let (inbox, mut subscription, _) = member::<Latest>();
    let (first, last) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
    for wakes in [&first, &last] {
        let waker = Waker::from(wakes.clone());
        assert!(subscription.poll_event(&mut Context::from_waker(&waker)).is_pending());
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
            self.1.lock().unwrap().extend(read(&mut self.0.lock().unwrap()));
        }
    }
    let (inbox, subscription, _) = member();
    let reads = Arc::new(Reads(Mutex::new(subscription), Mutex::default()));
    let waker = Waker::from(reads.clone());
    assert!(reads.0.lock().unwrap().poll_event(&mut Context::from_waker(&waker)).is_pending());
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
    assert_eq!(read(&mut subscription), [Value(Latest(1))], "sent twice by the same leader");
    inbox.resynced();
    inbox.deliver(encoded(&Latest(2)));
    inbox.resynced();
    assert_eq!(read(&mut subscription), [Resynced, Value(Latest(2)), Resynced]);
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
        [Resynced, Value(Quote::new("A", 2)), Value(Quote::new("C", 1))]
    );
}

#[test]
fn where_each_value_counts_a_new_leaders_is_never_swallowed() {
    let (inbox, mut subscription, _) = member();
    inbox.deliver(encoded(&Trade(1)));
    inbox.missed(2);
    inbox.resynced();
    inbox.deliver(encoded(&Trade(1)));
    assert_eq!(read(&mut subscription), [Value(Trade(1)), Missed(2), Resynced, Value(Trade(1))]);
}

#[test]
fn only_so_many_keys_are_remembered_and_so_many_bytes() {
    let size = encoded(&Quote::new("0", 0)).size();
    assert!(size > 0);
    for bounds in [Bounds { items: 2, bytes: usize::MAX }, Bounds { items: 9, bytes: 2 * size + 1 }]
    {
        let mut seen = Seen::new(bounds);
        // The same key again takes no more.
        for n in [0, 1, 2, 3, 4, 4, 4] {
            let quote = Quote::new(&n.to_string(), n);
            assert_eq!(seen.admit(encoded(&quote)).unwrap(), Some(quote));
        }
        seen.resynced();
        let newest_first = [4, 3, 2, 1, 0].map(|n| {
            let quote = Quote::new(&n.to_string(), n);
            seen.admit::<Quote>(encoded(&quote)).unwrap().is_some()
        });
        assert!(!newest_first[0]);
        let given = newest_first.iter().filter(|given| **given).count();
        assert!((3..5).contains(&given), "{given}");
    }
}

#[test]
fn one_value_is_remembered_however_large_it_is() {
    let mut seen = Seen::new(Bounds { items: 1, bytes: 1 });
    let item = encoded(&Latest(1));
    assert_eq!(seen.admit(item.clone()).unwrap(), Some(Latest(1)));
    seen.resynced();
    assert_eq!(seen.admit::<Latest>(item).unwrap(), None);
}

#[test]
fn an_undecodable_event_ends_the_subscription() {
    let (inbox, mut subscription, unsubscribed) = member::<Latest>();
    inbox.deliver(Item::encoded(None, Codec::Json, Bytes::from_static(b"\"text\"")));
    assert_eq!(poll(&mut subscription), Poll::Ready(None));
    assert!(matches!(subscription.close_reason(), Some(CloseReason::Failed(Error::Decode { .. }))));
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
