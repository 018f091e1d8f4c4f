//! Several handles of one key.

use super::*;
use crate::event::{Delivery, Subscribe as _};
use crate::subscription::Inbox;
use crate::subscription::testing::Latest;

fn join(subscriptions: &Subscriptions) -> HandleId {
    let inbox = Inbox::new(Delivery::Latest, &Limits::default());
    subscriptions.join("key", 0, Bytes::new(), Latest::OPTIONS, Arc::new(inbox))
}

#[tokio::test]
async fn a_subscription_that_ends_before_it_is_confirmed_leaves_its_key_to_the_next() {
    let subscriptions = Subscriptions::new(&Limits::default());
    let key = "key".into();
    let first = join(&subscriptions);
    let also = join(&subscriptions);
    let Turn::Mine(asking) = subscriptions.turn(&key, first).await else {
        panic!("nobody has asked")
    };
    subscriptions.tell(&key, Said::Ended(CloseReason::Ended));
    let next = join(&subscriptions);
    assert_eq!(asking.confirm(first, || true), Confirmation::Ended);
    drop(asking);
    let turn = subscriptions.turn(&key, also).await;
    assert!(matches!(turn, Turn::Done), "it has ended too");
    let turn = subscriptions.turn(&key, next).await;
    assert!(matches!(turn, Turn::Mine(_)), "nobody has asked for this one");
}

#[tokio::test]
async fn what_comes_while_a_key_is_left_is_not_for_who_joins_meanwhile() {
    let subscriptions = Subscriptions::new(&Limits::default());
    let key = "key".into();
    let older = join(&subscriptions);
    let leaving = subscriptions.leave(&key, older).expect("it was the last one");
    let newer = join(&subscriptions);
    subscriptions.tell(&key, Said::Value(Item::typed(Latest(1))));
    subscriptions.tell(&key, Said::Ended(CloseReason::Ended));
    assert!(subscriptions.awaits_first(&key), "as if nothing had come");
    drop(leaving);
    let turn = subscriptions.turn(&key, newer).await;
    assert!(matches!(turn, Turn::Mine(_)), "the leader was told");
    subscriptions.tell(&key, Said::Value(Item::typed(Latest(2))));
    assert!(!subscriptions.awaits_first(&key));
}

#[tokio::test]
async fn a_key_is_free_when_all_who_left_it_have_told_the_leader() {
    let subscriptions = Subscriptions::new(&Limits::default());
    let key = "key".into();
    let first = join(&subscriptions);
    let leaving = subscriptions.leave(&key, first);
    let second = join(&subscriptions);
    drop(subscriptions.leave(&key, second).expect("it was the last one, too"));
    let third = join(&subscriptions);
    assert!(subscriptions.take_turn(&key, third).is_none(), "the first has yet to tell");
    drop(leaving);
    assert!(matches!(subscriptions.take_turn(&key, third), Some(Turn::Mine(_))));
}

#[tokio::test]
async fn what_a_leader_confirmed_that_is_gone_is_confirmed_to_nobody() {
    let subscriptions = Subscriptions::new(&Limits::default());
    let key = "key".into();
    let first = join(&subscriptions);
    let also = join(&subscriptions);
    let Turn::Mine(asking) = subscriptions.turn(&key, first).await else {
        panic!("nobody has asked")
    };
    assert_eq!(asking.confirm(first, || false), Confirmation::LeaderGone);
    drop(asking);
    assert!(subscriptions.wanted().is_empty());
    assert!(matches!(subscriptions.take_turn(&key, also), Some(Turn::Mine(_))));
}
