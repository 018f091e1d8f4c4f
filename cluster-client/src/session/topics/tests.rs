use std::time::Duration;

use super::*;
use crate::event::Subscribe;
use crate::subscription::testing::{Latest, Quote, Trade};

const A: SubscriberId = SubscriberId(1);
const B: SubscriberId = SubscriberId(2);
const C: SubscriberId = SubscriberId(3);

const ONE: EventOptions = EventOptions::new(crate::event::Delivery::Latest, Receivers::One);

fn topics() -> Topics {
    Topics::new(&Limits::default())
}

fn join(topics: &mut Topics, key: &str, options: EventOptions, who: SubscriberId) -> Join {
    topics.join(key, options, who).unwrap_or_else(|error| panic!("{error:?}"))
}

/// A topic that is live for `A`.
fn live<E: Subscribe>(topics: &mut Topics, key: &str) -> TopicId {
    let Join::Open(id) = join(topics, key, E::OPTIONS, A) else {
        panic!("the first subscriber opens")
    };
    assert_eq!(topics.opened(id), [A]);
    id
}

/// Joins a live topic: how many values are missing, and the snapshot.
fn snapshot<E: Subscribe>(topics: &mut Topics, key: &str, who: SubscriberId) -> (u64, Vec<E>) {
    let Join::Joined { missed, snapshot, .. } = join(topics, key, E::OPTIONS, who) else {
        panic!("it is live")
    };
    (missed, snapshot.into_iter().map(|item| item.into_value().unwrap()).collect())
}

fn publish<E: Subscribe>(topics: &mut Topics, topic: TopicId, value: E) -> Vec<SubscriberId> {
    topics.publish(topic, &Item::typed(value), |_| panic!("all get it")).subscribers
}

#[test]
fn the_first_opens_the_others_wait_and_all_join_together() {
    let mut topics = topics();
    let Join::Open(id) = join(&mut topics, "k", Latest::OPTIONS, A) else { panic!("first") };
    assert!(matches!(join(&mut topics, "k", Latest::OPTIONS, B), Join::Wait(topic) if topic == id));
    assert!(matches!(join(&mut topics, "k", Latest::OPTIONS, B), Join::Wait(_)), "twice is once");
    assert_eq!(topics.opened(id), [A, B]);
    assert_eq!(publish(&mut topics, id, Latest(1)), [A, B]);
    assert!(
        matches!(join(&mut topics, "other", Latest::OPTIONS, A), Join::Open(other) if other != id)
    );
}

#[test]
fn a_late_subscriber_gets_the_newest_value_and_then_all_others() {
    let mut topics = topics();
    let id = live::<Latest>(&mut topics, "k");
    assert_eq!(snapshot::<Latest>(&mut topics, "k", B), (0, vec![]));
    let _ = publish(&mut topics, id, Latest(1));
    let _ = publish(&mut topics, id, Latest(2));
    assert_eq!(snapshot(&mut topics, "k", C), (0, vec![Latest(2)]));
    assert_eq!(publish(&mut topics, id, Latest(3)), [A, B, C]);
}

#[test]
fn a_late_subscriber_gets_the_newest_value_of_each_item_key() {
    let mut topics = topics();
    let id = live::<Quote>(&mut topics, "k");
    for quote in [Quote::new("X", 1), Quote::new("Y", 1), Quote::new("X", 2)] {
        let _ = publish(&mut topics, id, quote);
    }
    assert_eq!(snapshot(&mut topics, "k", B), (0, vec![Quote::new("X", 2), Quote::new("Y", 1)]));
}

#[test]
fn where_each_value_counts_nothing_is_retained() {
    let mut topics = topics();
    let id = live::<Trade>(&mut topics, "k");
    assert_eq!(publish(&mut topics, id, Trade(1)), [A]);
    assert_eq!(snapshot::<Trade>(&mut topics, "k", B), (0, vec![]));
}

#[test]
fn one_receiver_is_picked_and_nothing_retained() {
    let mut topics = topics();
    let Join::Open(id) = join(&mut topics, "k", ONE, A) else { panic!("first") };
    let _ = topics.opened(id);
    let _ = join(&mut topics, "k", ONE, B);
    let item = Item::typed(Latest(1));
    for (index, who) in [(0, A), (1, B)] {
        let affected = topics.publish(id, &item, |count| {
            assert_eq!(count, 2);
            index
        });
        assert_eq!(affected.subscribers, [who]);
    }
    assert!(
        matches!(join(&mut topics, "k", ONE, C), Join::Joined { snapshot, .. } if snapshot.is_empty())
    );
    assert_eq!(topics.subscribers(id), [A, B, C]);
    for who in [A, B, C] {
        topics.leave_all(Instant::now(), who);
    }
    assert!(topics.publish(id, &item, |_| panic!("nobody to pick")).subscribers.is_empty());
}

#[test]
fn what_is_replaced_is_released_to_the_caller() {
    let mut topics = topics();
    let id = live::<Latest>(&mut topics, "k");
    let released = |affected: Affected| -> Vec<Latest> {
        affected.released.into_iter().map(|item| item.into_value().unwrap()).collect()
    };
    let first = topics.publish(id, &Item::typed(Latest(1)), |_| 0);
    assert_eq!(released(first), []);
    let second = topics.publish(id, &Item::typed(Latest(2)), |_| 0);
    assert_eq!(released(second), [Latest(1)]);
    assert_eq!(released(topics.ended(id)), [Latest(2)]);
}

#[test]
fn a_failed_or_ended_topic_is_asked_for_anew() {
    let mut topics = topics();
    let Join::Open(failed) = join(&mut topics, "k", Latest::OPTIONS, A) else { panic!("first") };
    let _ = join(&mut topics, "k", Latest::OPTIONS, B);
    assert_eq!(topics.failed(failed), [A, B]);

    let ended = live::<Latest>(&mut topics, "k");
    assert_ne!(ended, failed);
    let _ = publish(&mut topics, ended, Latest(1));
    assert_eq!(topics.ended(ended).subscribers, [A]);
    assert_eq!(publish(&mut topics, ended, Latest(2)), [], "late news of a topic that is gone");
    assert!(topics.opened(failed).is_empty() && topics.failed(failed).is_empty());

    let _ = live::<Latest>(&mut topics, "k");
    assert_eq!(snapshot::<Latest>(&mut topics, "k", B), (0, vec![]), "the old value is gone too");
}

#[test]
fn the_upstream_lingers_after_the_last_subscriber() {
    let mut topics = topics();
    let (start, linger) = (Instant::now(), Limits::default().linger);
    let id = live::<Latest>(&mut topics, "k");
    let _ = snapshot::<Latest>(&mut topics, "k", B);
    topics.leave(start, "k", A);
    topics.leave(start, "k", A);
    assert_eq!(topics.next_deadline(), None, "B is still there");
    topics.leave(start, "k", B);
    assert_eq!(topics.next_deadline(), Some(start + linger));

    assert!(topics.expire(start + linger - Duration::from_millis(1)).is_empty());
    assert_eq!(publish(&mut topics, id, Latest(1)), []);
    assert_eq!(snapshot(&mut topics, "k", A), (0, vec![Latest(1)]), "back in time, and up to date");
    assert_eq!(topics.next_deadline(), None);
    assert!(topics.expire(start + linger).is_empty());

    topics.leave_all(start + linger, A);
    let expired = topics.expire(start + 2 * linger);
    assert!(
        matches!(expired.as_slice(), [(topic, released)] if *topic == id && released.len() == 1)
    );
    assert_eq!(topics.next_deadline(), None);
    assert!(matches!(join(&mut topics, "k", Latest::OPTIONS, A), Join::Open(_)));
}

#[test]
fn who_leaves_a_topic_that_is_gone_leaves_no_later_one() {
    let mut topics = topics();
    let now = Instant::now();
    let Join::Open(older) = join(&mut topics, "k", Latest::OPTIONS, A) else { panic!("first") };
    let _ = topics.failed(older);
    let newer = live::<Latest>(&mut topics, "k");
    topics.leave_topic(now, older, A);
    assert_eq!(topics.subscribers(newer), [A]);
    topics.leave_topic(now, newer, A);
    assert!(topics.subscribers(newer).is_empty());
}

#[test]
fn an_opening_that_nobody_waits_for_expires_too() {
    let mut topics = topics();
    let now = Instant::now();
    let Join::Open(id) = join(&mut topics, "k", Latest::OPTIONS, A) else { panic!("first") };
    topics.leave_all(now, A);
    assert!(matches!(join(&mut topics, "k", Latest::OPTIONS, B), Join::Wait(_)));
    topics.leave_all(now, B);
    let deadline = topics.next_deadline().unwrap();
    assert_eq!(topics.expire(deadline).len(), 1);
    assert!(topics.opened(id).is_empty());
}

#[test]
fn a_follower_has_so_many_subscriptions() {
    let mut topics = Topics::new(&Limits { subscriptions_per_follower: 2, ..Limits::default() });
    let _ = live::<Latest>(&mut topics, "1");
    let _ = live::<Latest>(&mut topics, "2");
    let refused = Some(TooMany(2));
    assert_eq!(topics.join("3", Latest::OPTIONS, A).err(), refused);
    let _ = join(&mut topics, "3", Latest::OPTIONS, B);
    assert_eq!(topics.join("3", Latest::OPTIONS, A).err(), refused, "whoever opened it");
    let _ = snapshot::<Latest>(&mut topics, "1", A);
    topics.leave(Instant::now(), "1", A);
    let _ = join(&mut topics, "3", Latest::OPTIONS, A);
}

#[test]
fn all_together_have_so_many_keys() {
    let mut topics = Topics::new(&Limits { subscriptions: 1, ..Limits::default() });
    let id = live::<Latest>(&mut topics, "1");
    assert_eq!(topics.join("2", Latest::OPTIONS, B).err(), Some(TooMany(1)));
    assert!(!topics.by_subscriber.contains_key(&B), "a refusal leaves no trace");
    let _ = snapshot::<Latest>(&mut topics, "1", B);
    let _ = topics.ended(id);
    let _ = join(&mut topics, "2", Latest::OPTIONS, B);
}

#[test]
fn no_key_is_added_while_the_bytes_retained_for_all_are_too_many() {
    let mut topics = Topics::new(&Limits { retained_bytes: 10, ..Limits::default() });
    let publish = |topics: &mut Topics, topic, key: &str, size| {
        let _ = topics.publish(topic, &Item::typed(Quote::new(key, 1)).sized(size), |_| 0);
    };
    let [x, y] = ["x", "y"].map(|key| live::<Quote>(&mut topics, key));
    publish(&mut topics, x, "1", 4);
    publish(&mut topics, y, "1", 3);
    publish(&mut topics, x, "2", 5);
    assert_eq!(topics.retained_bytes, 8, "the topic that grows pays with its oldest");
    publish(&mut topics, y, "2", 20);
    assert_eq!(topics.retained_bytes, 25, "its newest stays");
    assert_eq!(topics.join("z", Quote::OPTIONS, B).err(), Some(TooMany(2)));
    let _ = snapshot::<Quote>(&mut topics, "x", B);
    publish(&mut topics, y, "2", 2);
    let _ = join(&mut topics, "z", Quote::OPTIONS, B);
    let _ = (topics.ended(x), topics.ended(y));
    assert_eq!(topics.retained_bytes, 0);
}

#[test]
fn the_topics_of_a_channel_share_the_bound_on_retained_values() {
    let mut topics = Topics::new(&Limits { retained_items: 3, ..Limits::default() });
    let [x, y] = ["x", "y"].map(|key| live::<Quote>(&mut topics, key));
    for n in 0..3 {
        let _ = publish(&mut topics, x, Quote::new(&n.to_string(), n));
    }
    for n in 0..2 {
        let _ = publish(&mut topics, y, Quote::new(&n.to_string(), n));
    }
    assert_eq!(snapshot(&mut topics, "y", B), (1, vec![Quote::new("1", 1)]), "its newest stays");
    assert_eq!(topics.retained, 4);
    let _ = publish(&mut topics, x, Quote::new("3", 3));
    assert_eq!(snapshot(&mut topics, "x", B), (2, vec![Quote::new("2", 2), Quote::new("3", 3)]));
    assert_eq!(topics.retained, 3);
    let _ = (topics.ended(x), topics.ended(y));
    assert_eq!(topics.retained, 0);
    assert!(topics.by_key.is_empty() && topics.by_subscriber.is_empty());
}
