//! What a leader reads from its real client.

use std::collections::VecDeque;

use super::*;

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
    assert_eq!(subscription.next_event().await, Some(Value(Quote::new("A", 1))));
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
            Value((item.key.as_deref().map(str::to_owned), item.into_value().unwrap()))
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
    assert_eq!(read_upstream::<Latest>(&mut upstream), [Missed(1), Resynced]);
    drop(upstream);
    assert!(unsubscribed.load(Ordering::SeqCst));
}
