use std::sync::Mutex;

use super::*;
use crate::error::Error;
use crate::event::{Delivery, Subscribe};
use crate::subscription::testing::{Latest, Quote, Trade};

const ONE: EventOptions = EventOptions::new(Delivery::Every { capacity: 10 }, Receivers::One);

/// A handle that writes down what it is told.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    closed: Mutex<bool>,
}

impl Log {
    fn write(&self, line: impl Into<String>) {
        self.lines.lock().unwrap().push(line.into());
    }

    fn read(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

impl Deliver for Log {
    fn deliver(&self, item: Item) {
        let text = item.clone().into_value::<Latest>().map(|value| value.0.to_string());
        let quote =
            |error: Error| item.into_value::<Quote>().map(|quote| quote.symbol).map_err(|_| error);
        self.write(text.or_else(quote).unwrap());
    }

    fn missed(&self, count: u64) {
        self.write(format!("missed {count}"));
    }

    fn resynced(&self) {
        self.write("resynced");
    }

    fn close(&self, reason: CloseReason) {
        *self.closed.lock().unwrap() = true;
        self.write(format!("{reason:?}"));
    }

    fn is_closed(&self) -> bool {
        *self.closed.lock().unwrap()
    }
}

fn interests() -> Interests {
    Interests::new(&Limits::default())
}

fn join(
    interests: &mut Interests,
    key: &str,
    options: EventOptions,
) -> (Joined, HandleId, Arc<Log>) {
    let log = Arc::new(Log::default());
    let joined = interests.join(key, 3, Bytes::from_static(b"args"), options, log.clone());
    let (Joined::First(id) | Joined::Live(id)) = joined;
    (joined, id, log)
}

fn value(interests: &mut Interests, key: &str, value: u32) {
    interests.deliver(key, Item::typed(Latest(value))).deliver();
}

#[test]
fn a_key_is_asked_for_once_and_later_handles_catch_up() {
    let mut interests = interests();
    let (first, _, a) = join(&mut interests, "k", Latest::OPTIONS);
    assert!(matches!(first, Joined::First(_)));
    value(&mut interests, "k", 1);
    value(&mut interests, "k", 2);
    value(&mut interests, "unknown", 9);
    let (second, _, b) = join(&mut interests, "k", Latest::OPTIONS);
    assert!(matches!(second, Joined::Live(_)));
    value(&mut interests, "k", 3);
    assert_eq!(a.read(), ["1", "2", "3"]);
    assert_eq!(b.read(), ["2", "3"]);
}

#[test]
fn later_handles_get_the_newest_of_each_item_key_and_what_is_missing() {
    let mut interests = Interests::new(&Limits { retained_items: 2, ..Limits::default() });
    let _ = join(&mut interests, "k", Quote::OPTIONS);
    for symbol in ["x", "y", "z", "y"] {
        interests.deliver("k", Item::typed(Quote::new(symbol, 1))).deliver();
    }
    let (_, _, log) = join(&mut interests, "k", Quote::OPTIONS);
    assert_eq!(log.read(), ["missed 1", "y", "z"]);
}

#[test]
fn where_each_value_counts_later_handles_get_no_old_one() {
    let mut interests = interests();
    let _ = join(&mut interests, "k", Trade::OPTIONS);
    value(&mut interests, "k", 1);
    let (_, _, log) = join(&mut interests, "k", Trade::OPTIONS);
    assert!(log.read().is_empty());
}

#[test]
fn one_handle_gets_a_value_round_robin_and_closed_ones_are_passed_over() {
    let mut interests = interests();
    let logs = [(); 3].map(|()| join(&mut interests, "k", ONE).2);
    for n in 1..=4 {
        value(&mut interests, "k", n);
    }
    assert_eq!(logs.each_ref().map(|log| log.read().join(" ")), ["1 4", "2", "3"]);
    *logs[1].closed.lock().unwrap() = true;
    for n in 5..=6 {
        value(&mut interests, "k", n);
    }
    assert_eq!(logs.each_ref().map(|log| log.read().join(" ")), ["6", "", "5"]);
    for log in &logs {
        *log.closed.lock().unwrap() = true;
    }
    value(&mut interests, "k", 7);
    assert!(logs.iter().all(|log| log.read().is_empty()));
}

#[test]
fn only_the_last_handle_ends_an_interest() {
    let mut interests = interests();
    let (_, a, log) = join(&mut interests, "k", Latest::OPTIONS);
    let (_, b, _) = join(&mut interests, "k", Latest::OPTIONS);
    assert!(interests.leave("k", a).is_none());
    assert!(interests.leave("k", a).is_none(), "twice is once");
    value(&mut interests, "k", 1);
    assert!(log.read().is_empty());
    let last = interests.leave("k", b).map(|interest| (interest.method, interest.args));
    assert_eq!(last, Some((3, Bytes::from_static(b"args"))));
    assert!(interests.leave("k", b).is_none());
    assert!(matches!(join(&mut interests, "k", Latest::OPTIONS).0, Joined::First(_)));
}

#[test]
fn a_new_leader_is_told_to_all_and_asked_for_everything() {
    let mut interests = interests();
    let (_, _, a) = join(&mut interests, "a", Latest::OPTIONS);
    let (_, _, b) = join(&mut interests, "b", Trade::OPTIONS);
    let (_, _, new) = join(&mut interests, "new", Trade::OPTIONS);
    value(&mut interests, "a", 1);
    interests.resynced_all(|key| key == "b").deliver();
    let (_, _, late) = join(&mut interests, "a", Latest::OPTIONS);
    assert_eq!(a.read(), ["1", "resynced"], "it has got something");
    assert_eq!(b.read(), ["resynced"], "it was to get what there would be");
    assert!(new.read().is_empty(), "it has yet to begin");
    assert!(late.read().is_empty(), "the value of the leader before");

    let mut asked: Vec<_> =
        interests.iter().map(|(key, interest)| (&**key, interest.method)).collect();
    asked.sort_unstable();
    assert_eq!(asked, [("a", 3), ("b", 3), ("new", 3)]);
}

#[test]
fn notices_reach_the_handles_of_their_key() {
    let mut interests = interests();
    let (_, _, a) = join(&mut interests, "a", Latest::OPTIONS);
    let (_, _, b) = join(&mut interests, "b", Latest::OPTIONS);
    interests.missed("a", 2).deliver();
    interests.resynced("a").deliver();
    interests.missed("unknown", 1).deliver();
    assert_eq!(a.read(), ["missed 2", "resynced"]);
    assert!(b.read().is_empty());
}

#[test]
fn an_ended_key_is_asked_for_anew() {
    let mut interests = interests();
    let (_, old, log) = join(&mut interests, "k", Latest::OPTIONS);
    value(&mut interests, "k", 1);
    interests.ended("k", CloseReason::Ended).deliver();
    assert_eq!(log.read(), ["1", "Ended"]);
    let (joined, _, log) = join(&mut interests, "k", Latest::OPTIONS);
    assert!(matches!(joined, Joined::First(_)));
    assert!(interests.leave("k", old).is_none(), "the old handle is not the new one");
    assert!(log.read().is_empty());
}

#[test]
fn closing_tells_all_and_forgets_all() {
    let mut interests = interests();
    let logs = ["a", "a", "b"].map(|key| join(&mut interests, key, Latest::OPTIONS).2);
    interests.close_all(CloseReason::Closed).deliver();
    assert!(logs.iter().all(|log| log.read() == ["Closed"]));
    assert_eq!(interests.iter().count(), 0);
}

#[test]
fn nothing_is_delivered_before_the_notice_is() {
    let mut interests = interests();
    let (_, _, log) = join(&mut interests, "k", Latest::OPTIONS);
    let notice = interests.deliver("k", Item::typed(Latest(1)));
    assert!(log.read().is_empty());
    let (_, _, late) = join(&mut interests, "k", Latest::OPTIONS);
    notice.deliver();
    assert_eq!(log.read(), ["1"]);
    assert_eq!(late.read(), ["1"], "from what is retained, and not again");
}

#[test]
fn only_who_waits_for_the_first_value_tells_that_it_does_not_come() {
    let mut interests = interests();
    let (_, ended, _) = join(&mut interests, "k", Latest::OPTIONS);
    interests.ended("k", CloseReason::Ended).deliver();
    let (_, waits, _) = join(&mut interests, "k", Latest::OPTIONS);
    let (_, also, _) = join(&mut interests, "k", Latest::OPTIONS);
    assert!(!interests.take_stall("k", ended), "it is another one's");
    assert!(interests.take_stall("k", waits));
    assert!(!interests.take_stall("k", also), "once for each key");

    let (_, reached, _) = join(&mut interests, "other", Latest::OPTIONS);
    value(&mut interests, "other", 1);
    assert!(!interests.take_stall("other", reached));
}
