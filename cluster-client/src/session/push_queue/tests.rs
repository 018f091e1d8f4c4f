use super::*;
use crate::event::{EventOptions, Receivers};
use crate::session::topics::{Join, SubscriberId, Topics};

const LATEST: Delivery = Delivery::Latest;
const EVERY: Delivery = Delivery::Every { capacity: 2 };

/// Two topics.
fn topics() -> [TopicId; 2] {
    let mut topics = Topics::new(&Limits::default());
    ["x", "y"].map(|key| {
        let options = EventOptions::new(LATEST, Receivers::All);
        let Ok(Join::Open(id)) = topics.join(key, options, SubscriberId(1)) else {
            panic!("first")
        };
        id
    })
}

fn packet(bytes: &'static str) -> Bytes {
    Bytes::from_static(bytes.as_bytes())
}

fn next(bytes: &'static str) -> Next {
    Next::Packet(packet(bytes))
}

fn drain(queue: &mut PushQueue) -> Vec<Next> {
    let all = std::iter::from_fn(|| queue.pop()).collect();
    assert!(queue.is_empty() && queue.bytes() == 0 && queue.topics.is_empty());
    all
}

#[test]
fn the_latest_value_of_a_topic_is_pushed() {
    let [x, y] = topics();
    let mut queue = PushQueue::new(&Limits::default());
    assert!(queue.is_empty());
    queue.push(x, None, LATEST, packet("x1"));
    queue.push(y, None, LATEST, packet("y1"));
    queue.push(x, None, LATEST, packet("x2"));
    queue.push(x, Some("k".into()), LATEST, packet("xk"));
    assert!(!queue.is_empty());
    assert_eq!(queue.bytes(), 6);
    assert_eq!(drain(&mut queue), [next("x2"), next("y1"), next("xk")]);
}

#[test]
fn every_value_is_pushed_or_counted() {
    let [x, _] = topics();
    let mut queue = PushQueue::new(&Limits::default());
    for value in ["1", "2", "3", "4"] {
        queue.push(x, None, EVERY, packet(value));
    }
    queue.missed(x, EVERY, 5);
    queue.missed(x, EVERY, 0);
    queue.resynced(x, EVERY);
    let missed = |count| Next::Missed { topic: x, count };
    assert_eq!(
        drain(&mut queue),
        [missed(2), next("3"), next("4"), missed(5), Next::Resynced { topic: x }]
    );
    queue.missed(x, EVERY, 0);
    assert!(queue.is_empty(), "nothing missed is nothing to say");
}

#[test]
fn topics_take_turns() {
    let [x, y] = topics();
    let mut queue = PushQueue::new(&Limits::default());
    for value in ["x1", "x2"] {
        queue.push(x, None, EVERY, packet(value));
    }
    queue.push(y, None, EVERY, packet("y1"));
    assert_eq!(queue.pop(), Some(next("x1")));
    queue.push(x, None, EVERY, packet("x3"));
    assert_eq!(drain(&mut queue), [next("y1"), next("x2"), next("x3")]);
}

#[test]
fn the_end_comes_after_all_values() {
    let [x, y] = topics();
    let mut queue = PushQueue::new(&Limits::default());
    queue.push(x, None, LATEST, packet("x1"));
    queue.end(x, LATEST, packet("x end"));
    queue.end(y, LATEST, packet("y end"));
    assert_eq!(queue.bytes(), 12);
    assert_eq!(drain(&mut queue), [next("x1"), next("y end"), next("x end")]);
}

#[test]
fn the_topic_that_grows_beyond_the_bytes_pays() {
    let [x, y] = topics();
    let mut queue = PushQueue::new(&Limits { outbound_bytes: 10, ..Limits::default() });
    let every = Delivery::Every { capacity: 100 };
    queue.push(x, None, every, packet("xxxxx"));
    for _ in 0..3 {
        queue.push(y, None, every, packet("yyy"));
    }
    assert_eq!(queue.bytes(), 8);
    queue.push(x, None, every, packet("xxxxxxxxxxxx"));
    assert_eq!(queue.bytes(), 15, "the newest value always stays");
    let missed = |topic, count| Next::Missed { topic, count };
    assert_eq!(drain(&mut queue), [missed(x, 1), missed(y, 2), next("xxxxxxxxxxxx"), next("yyy")]);
}

#[test]
fn the_latest_values_neither_pay_nor_make_others_pay() {
    let [x, y] = topics();
    let mut queue = PushQueue::new(&Limits { outbound_bytes: 4, ..Limits::default() });
    for name in ["a", "b", "c"] {
        queue.push(x, Some(name.into()), LATEST, packet("xxx"));
    }
    for value in ["y1", "y2"] {
        queue.push(y, None, EVERY, packet(value));
    }
    assert_eq!(queue.bytes(), 13);
    assert_eq!(drain(&mut queue).len(), 5);
}

#[test]
fn a_dropped_topic_leaves_nothing() {
    let [x, y] = topics();
    let mut queue = PushQueue::new(&Limits::default());
    queue.push(x, None, LATEST, packet("x1"));
    queue.push(y, None, LATEST, packet("y1"));
    queue.end(x, LATEST, packet("x end"));
    queue.drop_topic(x);
    queue.drop_topic(x);
    assert_eq!(queue.bytes(), 2);
    assert_eq!(drain(&mut queue), [next("y1")]);
}

/// However many topics there are: each may have what is retained of all of them.
#[test]
fn the_latest_values_of_all_topics_share_a_bound() {
    let [x, y] = topics();
    let limits = Limits { retained_bytes: 4, outbound_bytes: 5, ..Limits::default() };
    let mut queue = PushQueue::new(&limits);
    for (topic, key, value) in [(x, "a", "xa"), (x, "b", "xb"), (y, "a", "ya"), (y, "b", "yb")] {
        queue.push(topic, Some(key.into()), LATEST, packet(value));
        assert!(queue.bytes() <= 6, "the newest of a topic stays");
    }
    let missed = Next::Missed { topic: y, count: 1 };
    assert_eq!(drain(&mut queue), [next("xa"), missed, next("xb"), next("yb")]);
}
