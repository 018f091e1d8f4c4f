use super::*;

/// A queue of numbers, each of which counts as one byte.
fn latest(items: usize) -> Queue<u32> {
    Queue::bounded(Delivery::Latest, Bounds { items, bytes: usize::MAX })
}

fn every(capacity: usize) -> Queue<u32> {
    Queue::bounded(Delivery::Every { capacity }, Bounds { items: capacity, bytes: usize::MAX })
}

fn key(name: &str) -> ItemKey {
    Some(name.into())
}

fn drain(queue: &mut Queue<u32>) -> Vec<Event<u32>> {
    let events = std::iter::from_fn(|| queue.pop()).collect();
    assert!(queue.is_empty() && (queue.len(), queue.bytes()) == (0, 0));
    assert!(queue.places.is_empty());
    events
}

use Event::{Missed, Resynced, Value as Val};

#[test]
fn every_value_comes_out_in_order() {
    let mut queue = every(3);
    for n in 1..=3 {
        assert!(queue.push(None, n, 1).is_empty());
    }
    assert_eq!((queue.len(), queue.bytes()), (3, 3));
    assert_eq!(drain(&mut queue), [Val(1), Val(2), Val(3)]);
}

#[test]
fn every_over_its_capacity_drops_the_oldest_and_says_so_before_the_next() {
    let mut queue = every(2);
    let gone: Vec<u32> = (1..=5).flat_map(|n| queue.push(None, n, 1)).collect();
    assert_eq!(gone, [1, 2, 3]);
    assert_eq!(queue.missed_before(), 3);
    assert_eq!(drain(&mut queue), [Missed(3), Val(4), Val(5)]);
}

#[test]
fn what_was_missed_is_said_in_its_place() {
    let mut queue = every(2);
    let mut gone = queue.push(None, 1, 1);
    queue.missed(7);
    gone.extend(queue.push(None, 2, 1));
    queue.resynced();
    queue.missed(1);
    gone.extend(queue.push(None, 3, 1));
    queue.missed(2);
    assert_eq!(gone, [1]);
    assert_eq!(drain(&mut queue), [Missed(8), Val(2), Resynced, Missed(1), Val(3), Missed(2)]);
}

#[test]
fn an_evicted_value_between_notices_is_counted_after_the_resync() {
    let mut queue = every(1);
    queue.resynced();
    assert!(queue.push(None, 1, 1).is_empty());
    assert_eq!(queue.push(None, 2, 1), [1]);
    assert_eq!(drain(&mut queue), [Resynced, Missed(1), Val(2)]);
}

#[test]
fn notices_collapse_but_lose_no_count() {
    let mut queue = every(1);
    for _ in 0..1000 {
        queue.missed(1);
        queue.resynced();
    }
    queue.missed(5);
    assert_eq!(drain(&mut queue), [Missed(1000), Resynced, Missed(5)]);
    queue.missed(u64::MAX);
    queue.missed(1);
    assert_eq!(drain(&mut queue), [Missed(u64::MAX)]);
}

#[test]
fn over_its_bytes_the_oldest_go_but_never_the_newest() {
    let mut queue =
        Queue::bounded(Delivery::Every { capacity: 10 }, Bounds { items: 10, bytes: 100 });
    assert!(queue.push(None, 1, 40).is_empty());
    assert!(queue.push(None, 2, 60).is_empty());
    assert_eq!(queue.push(None, 3, 60), [1, 2]);
    assert_eq!(queue.push(None, 4, 1000), [3], "too large by itself, and still there");
    assert_eq!(queue.bytes(), 1000);
    assert_eq!(drain(&mut queue), [Missed(3), Val(4)]);
}

#[test]
fn latest_is_one_value_a_key_in_the_place_of_its_first() {
    let mut queue = latest(10);
    assert!(queue.push(key("a"), 1, 5).is_empty());
    assert!(queue.push(key("b"), 2, 5).is_empty());
    assert!(queue.push(None, 3, 5).is_empty());
    assert_eq!(queue.push(key("a"), 4, 7), [1]);
    assert_eq!(queue.push(None, 5, 1), [3]);
    assert_eq!((queue.len(), queue.bytes()), (3, 13));
    assert_eq!(drain(&mut queue), [Val(4), Val(2), Val(5)]);
}

#[test]
fn latest_conflates_only_with_what_is_pending() {
    let mut queue = latest(10);
    assert!(queue.push(None, 1, 1).is_empty());
    assert_eq!(queue.pop(), Some(Val(1)));
    assert!(queue.push(None, 2, 1).is_empty());
    assert_eq!(drain(&mut queue), [Val(2)]);
}

#[test]
fn latest_with_too_many_keys_says_what_it_dropped() {
    let mut queue = latest(2);
    assert!(queue.push(key("a"), 1, 1).is_empty());
    assert!(queue.push(key("b"), 2, 1).is_empty());
    assert_eq!(queue.push(key("c"), 3, 1), [1]);
    assert_eq!(queue.values().copied().collect::<Vec<_>>(), [2, 3]);
    assert_eq!(queue.missed_before(), 1);
    assert_eq!(queue.push(key("a"), 4, 1), [2], "a key that was dropped is like a new one");
    assert_eq!(drain(&mut queue), [Missed(2), Val(3), Val(4)]);
}

#[test]
fn the_value_that_came_last_stays_even_in_the_first_place() {
    let mut queue = Queue::bounded(Delivery::Latest, Bounds { items: 10, bytes: 10 });
    for (name, value) in [("a", 1), ("b", 2), ("c", 3)] {
        assert!(queue.push(key(name), value, 3).is_empty());
    }
    assert_eq!(queue.push(key("a"), 4, 6), [1, 2]);
    assert_eq!((queue.len(), queue.bytes()), (2, 9));
    assert_eq!(queue.push(key("a"), 5, 7), [4], "with room in its place");
    assert_eq!(drain(&mut queue), [Missed(1), Val(3), Val(5)]);
}

#[test]
fn no_value_of_a_new_leader_comes_out_before_the_resync() {
    let mut queue = latest(10);
    assert!(queue.push(key("a"), 1, 1).is_empty());
    assert!(queue.push(key("b"), 2, 1).is_empty());
    queue.missed(3);
    queue.resynced();
    assert_eq!(queue.push(key("a"), 3, 1), [1]);
    assert_eq!(queue.push(key("a"), 4, 1), [3], "in place again");
    assert_eq!(queue.values().copied().collect::<Vec<_>>(), [2, 4]);
    assert_eq!(drain(&mut queue), [Val(2), Missed(3), Resynced, Val(4)]);
}

#[test]
fn superseded_places_do_not_pile_up() {
    let mut queue = latest(10);
    for n in 0..1000 {
        for name in ["a", "b", "c"] {
            assert_eq!(queue.push(key(name), n, 1).len(), usize::from(n > 0));
        }
        queue.missed(1);
        queue.resynced();
    }
    assert!(queue.entries.len() <= 2 * queue.len());
    assert_eq!(
        drain(&mut queue),
        [Missed(999), Resynced, Val(999), Val(999), Val(999), Missed(1), Resynced]
    );
}

#[test]
fn evicting_by_hand_leaves_the_count() {
    let mut queue = every(10);
    assert!(queue.push(None, 1, 1).is_empty());
    assert_eq!(queue.evict(), Some(1));
    assert_eq!(queue.evict(), None);
    assert_eq!(drain(&mut queue), [Missed(1)]);
}

#[test]
fn a_cleared_queue_is_one_of_the_same_kind() {
    let mut queue = latest(1);
    assert!(queue.push(None, 1, 1).is_empty());
    queue.resynced();
    assert_eq!(queue.clear(), [1]);
    assert_eq!(drain(&mut queue), []);
    assert!(queue.push(None, 2, 1).is_empty());
    assert_eq!(queue.push(None, 3, 1), [2]);
}

#[test]
fn the_memory_of_a_burst_is_given_back() {
    let mut queue = latest(1000);
    for n in 0..1000u32 {
        assert!(queue.push(key(&n.to_string()), n, 1).is_empty());
    }
    assert_eq!(drain(&mut queue).len(), 1000);
    assert!(queue.entries.capacity() < 100 && queue.places.capacity() < 100);
}

/// Random input, for which the rules must hold whatever the order.
#[test]
fn in_any_order_each_value_is_read_replaced_or_counted() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut queue = if seed % 2 == 0 { every(4) } else { latest(4) };
        let (mut told_missed, mut pushed, mut gone) = (0, 0, Vec::new());
        let mut out = Vec::new();
        // The value, and how many leaders there were, by item key.
        let mut newest = HashMap::new();
        let mut leaders = 0;
        for step in 0..500 {
            match random.u32(..10) {
                0 => {
                    told_missed += u64::from(step);
                    queue.missed(step.into());
                }
                1 => {
                    leaders += 1;
                    queue.resynced();
                }
                2..=6 => {
                    let name = random.u32(..6);
                    let value = step * 10 + name;
                    pushed += 1;
                    gone.extend(queue.push(key(&name.to_string()), value, 1));
                    newest.insert(name, (value, leaders));
                }
                _ => out.extend(queue.pop()),
            }
            assert!(queue.len() <= 4 && queue.entries.len() <= 8, "seed {seed}");
        }
        out.extend(drain(&mut queue));

        let mut missed = 0;
        let mut last = HashMap::new();
        let mut resynced = false;
        for event in out.iter().rev() {
            match event {
                Missed(count) => missed += count,
                Resynced => resynced = true,
                Val(value) => {
                    let later = last.insert(value % 10, *value);
                    assert!(
                        later.is_none_or(|later| later > *value),
                        "seed {seed}: an old value after a new one"
                    );
                    let of_last_leader = newest.get(&(value % 10)) == Some(&(*value, leaders));
                    assert!(
                        !(resynced && of_last_leader),
                        "seed {seed}: a value overtook the resync"
                    );
                }
            }
        }
        let read = out.iter().filter(|event| matches!(event, Val(_))).count();
        assert_eq!(read + gone.len(), pushed, "seed {seed}");
        if seed % 2 == 0 {
            assert_eq!(missed, told_missed + gone.len() as u64, "seed {seed}");
        } else {
            assert!(missed >= told_missed, "seed {seed}");
        }
    }
}
