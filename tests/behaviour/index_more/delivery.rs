//! 51 and 54: who gets a value.

use support::free_port;

use crate::samples::{Hosts, Job, Log, member, next, next_is, soon};

#[tokio::test]
async fn b51_one_of_three_subscribers_gets_the_value() {
    let (port, log) = (free_port(), Log::default());
    let members = [member(port, &log).await, member(port, &log).await, member(port, &log).await];
    let mut subscriptions = Vec::new();
    for member in &members {
        subscriptions.push(soon(member.jobs()).await.unwrap());
    }
    soon(members[1].add_job(1)).await.unwrap();
    // Behind the value comes the end, so what has not come by then never will.
    soon(members[1].end_jobs()).await.unwrap();
    let mut received = Vec::new();
    for subscription in &mut subscriptions {
        while let Some(job) = soon(subscription.next()).await {
            received.push(job);
        }
    }
    assert_eq!(received, [Job(1)]);
}

#[tokio::test]
async fn b54_each_listener_of_a_key_gets_its_values() {
    let (port, log) = (free_port(), Log::default());
    let _leader = member(port, &log).await;
    let client = member(port, &log).await;
    let mut foo = [
        soon(client.watch("foo".into())).await.unwrap(),
        soon(client.watch("foo".into())).await.unwrap(),
    ];
    let mut bar = soon(client.watch("bar".into())).await.unwrap();
    for listener in &mut foo {
        assert_eq!(next(listener).await, Hosts(vec![]));
    }
    assert_eq!(next(&mut bar).await, Hosts(vec![]));

    soon(client.register("foo".into(), "xxx".into())).await.unwrap();
    for listener in &mut foo {
        next_is(listener, &Hosts(vec!["xxx".into()])).await;
    }
    soon(client.register("bar".into(), "yyy".into())).await.unwrap();
    assert_eq!(next(&mut bar).await, Hosts(vec!["yyy".into()]));
    assert_eq!((log.count("watch foo"), log.count("watch bar")), (1, 1));
}
