//! A Rust leader whose real client makes trouble, and Node followers that cannot be told so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cluster_client::{
    ClusterEvent, Error, Events, Limits, Subscribe, Subscription, SubscriptionSender, Value,
    cluster_client,
};
use cluster_protocol::{Codec, EncodeArguments, Kind};
use serde::{Deserialize, Serialize};
use support::free_port;
use tokio::sync::{Notify, mpsc};

use crate::recorded::{Came, Wire, recorded};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
struct Said(u32);

#[derive(Default)]
struct Trouble {
    /// So many subscriptions fail.
    refusals: AtomicUsize,
    asked: Notify,
    /// Of the subscriptions that did not fail.
    senders: std::sync::Mutex<Vec<SubscriptionSender<Said>>>,
    dropped: AtomicBool,
    /// Subscriptions wait, too.
    holds: AtomicBool,
    /// Lets a publication go on, or a subscription that waits.
    go_on: Notify,
    undone: Notify,
}

/// Says that it was dropped.
struct Running(Arc<Trouble>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dropped.store(true, Ordering::SeqCst);
    }
}

struct Client(Arc<Trouble>);

#[cluster_client(name = "RegistryClient", rename_all = "camelCase", vis = "pub(crate)")]
impl Client {
    #[invoke]
    async fn never(&self) -> Result<(), Error> {
        let _running = Running(Arc::clone(&self.0));
        self.0.asked.notify_one();
        std::future::pending().await
    }

    #[publish(undo = "unregister")]
    async fn register(&self, _reg: Value) -> Result<(), Error> {
        self.0.asked.notify_one();
        self.0.go_on.notified().await;
        Ok(())
    }

    #[invoke]
    async fn unregister(&self, _reg: Value) -> Result<(), Error> {
        self.0.undone.notify_one();
        Ok(())
    }

    #[subscribe]
    async fn watch(&self, _reg: Value) -> Result<Subscription<Said>, Error> {
        self.0.asked.notify_one();
        if self.0.holds.load(Ordering::SeqCst) {
            self.0.go_on.notified().await;
            // Never ready at the first look.
            tokio::task::yield_now().await;
        }
        if self.0.refusals.load(Ordering::SeqCst) > 0 {
            self.0.refusals.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::Closed);
        }
        let (sender, subscription) = Subscription::channel();
        let _ = sender.send(Said(1));
        self.0.senders.lock().unwrap().push(sender);
        Ok(subscription)
    }
}

async fn leader(limits: Limits) -> (ClientProxy, Arc<Trouble>, u16) {
    let (port, trouble) = (free_port(), Arc::new(Trouble::default()));
    let client = Arc::clone(&trouble);
    let leader = ClientProxy::builder().port(port).limits(limits).node_compat().start(move |_| {
        let client = Arc::clone(&client);
        async { Ok::<_, Error>(Client(client)) }
    });
    (leader.await.unwrap(), trouble, port)
}

async fn node(port: u16) -> Wire {
    let mut node = Wire::connect(port).await;
    node.replay("register_channel").await;
    node.next().await.is("register_channel_res ok");
    node
}

fn call(id: u64, timeout: u32, method: &str) -> Vec<u8> {
    let conn = format!(r#"{{"type":"invoke","method":"{method}","argLength":0,"oneway":false}}"#);
    request(id, timeout, &conn)
}

fn subscribe(id: u64, key: &str, reg: &str) -> Vec<u8> {
    let key = serde_json::to_string(key).unwrap();
    request(id, 3000, &format!(r#"{{"type":"subscribe","key":{key},"reg":{reg}}}"#))
}

fn request(id: u64, timeout: u32, conn: &str) -> Vec<u8> {
    packet(id, timeout, conn, &[])
}

fn packet(id: u64, timeout: u32, conn: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let limits = cluster_protocol::FrameLimits::default();
    cluster_protocol::write_packet(
        &mut bytes,
        Kind::Request,
        id,
        timeout,
        conn.as_bytes(),
        &limits,
        |out| {
            out.extend_from_slice(data);
            Ok(())
        },
    )
    .unwrap();
    bytes
}

/// The code of the error that it answers.
fn code(came: &Came) -> String {
    assert_eq!(came.conn, recorded("invoke_result error").conn);
    match Codec::SerializeJson.decode(&came.data).unwrap() {
        Value::Object(fields) => match fields.get("code") {
            Some(Value::String(code)) => code.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// Longer than anything takes.
async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), event).await.expect("it takes too long")
}

async fn refused(events: &mut Events) -> Error {
    loop {
        if let Some(ClusterEvent::SubscriptionFailed { error, .. }) = events.next().await {
            return error;
        }
    }
}

#[tokio::test]
async fn who_subscribes_while_another_try_is_awaited_is_subscribed_too() {
    let (_leader, trouble, port) = leader(Limits::default()).await;
    trouble.refusals.store(2, Ordering::SeqCst);
    let (mut first, mut second) = (node(port).await, node(port).await);
    first.send(&subscribe(2, "key", "1")).await;
    soon(trouble.asked.notified()).await;
    second.send(&subscribe(2, "another key", "1")).await;
    let pushed = |came: &Came, key: &str| assert!(came.conn.contains(key), "{came:?}");
    pushed(&first.next().await, r#""key":"key""#);
    pushed(&second.next().await, r#""key":"another key""#);
}

#[tokio::test]
async fn what_the_real_client_ends_is_asked_for_again() {
    let (_leader, trouble, port) = leader(Limits::default()).await;
    let mut node = node(port).await;
    node.send(&subscribe(2, "key", "1")).await;
    node.next().await;
    trouble.senders.lock().unwrap().clear();
    node.next().await;
}

#[tokio::test]
async fn a_call_is_cut_off_when_its_caller_waits_no_more() {
    let limits = Limits { in_flight_per_follower: 2, ..Limits::default() };
    let (_leader, trouble, port) = leader(limits).await;
    let mut node = node(port).await;
    for id in 2..6 {
        node.send(&call(id, 30, "never")).await;
        let answer = node.next().await;
        assert_eq!((answer.id, code(&answer)), (id, "TIMED_OUT".to_owned()));
    }
    assert!(trouble.dropped.load(Ordering::SeqCst), "it does not run any more");
}

#[tokio::test]
async fn one_argument_has_only_so_many_keys() {
    let (leader, _trouble, port) = leader(Limits::default()).await;
    let mut events = leader.membership().events();
    let mut node = node(port).await;
    for key in 0..5 {
        node.send(&subscribe(key + 2, &format!("key {key}"), "1")).await;
    }
    assert!(matches!(soon(refused(&mut events)).await, Error::BadArguments { .. }));
    // All that it has to say until now.
    node.send(&request(7, 3000, cluster_protocol::HEARTBEAT)).await;
    while node.next().await.id != 7 {}
    // One key has one argument: the former topic is left, and its place is free.
    node.send(&subscribe(8, "key 0", "2")).await;
    node.send(&subscribe(9, "key 5", "1")).await;
    let mut missing = vec!["\"key 0\"", "\"key 5\""];
    while !missing.is_empty() {
        let came = node.next().await;
        missing.retain(|key| !came.conn.contains(key));
    }
}

#[tokio::test]
async fn a_call_to_a_leader_that_closes_is_told_that_it_did_not_run() {
    let limits = Limits { drain: Duration::from_secs(20), ..Limits::default() };
    let (leader, trouble, port) = leader(limits).await;
    let mut node = node(port).await;
    node.send(&call(2, 2000, "never")).await;
    soon(trouble.asked.notified()).await;
    let (closing, mut closed) = mpsc::channel::<()>(1);
    tokio::spawn(async move {
        leader.membership().close().await;
        drop(closing);
    });
    // It waits for the running call. Until it has begun to, others are answered as that one.
    let mut id = 3;
    loop {
        node.send(&call(id, 20, "never")).await;
        let mut answer = node.next().await;
        while answer.id != id {
            answer = node.next().await;
        }
        if code(&answer) == "GOING_AWAY" {
            break;
        }
        id += 1;
    }
    assert!(soon(closed.recv()).await.is_none());
}

#[tokio::test]
async fn what_is_published_after_its_publisher_has_gone_is_taken_back() {
    let (leader, trouble, port) = leader(Limits::default()).await;
    let mut events = leader.membership().events();
    let mut node = node(port).await;
    node.replay("publish (invoke oneway)").await;
    soon(trouble.asked.notified()).await;
    drop(node);
    while !matches!(soon(events.next()).await, Some(ClusterEvent::FollowerLeft { .. })) {}
    trouble.go_on.notify_one();
    soon(trouble.undone.notified()).await;
}

#[tokio::test]
async fn a_node_process_publishes_only_so_many_keys() {
    let limits = Limits { publications_per_follower: 2, ..Limits::default() };
    let (leader, trouble, port) = leader(limits).await;
    let mut events = leader.membership().events();
    let mut node = node(port).await;
    let conn = r#"{"type":"invoke","method":"register","argLength":1,"oneway":false}"#;
    for (id, text) in [(2, "a"), (3, "b"), (4, "c"), (5, "a")] {
        let mut data = Vec::new();
        (text,).encode(Codec::SerializeJson, &mut data).unwrap();
        node.send(&packet(id, 3000, conn, &data)).await;
        trouble.go_on.notify_one();
        let answer = node.next().await;
        assert_eq!(answer.id, id);
        // The last one is a key that it has already.
        let is_over = text == "c";
        assert_eq!(answer.conn == cluster_protocol::RESULT_ERR, is_over, "{text}: {answer:?}");
        if is_over {
            assert_eq!(code(&answer), "BUSY");
            // It did not run.
            soon(trouble.go_on.notified()).await;
        }
    }
    drop(node);
    while !matches!(soon(events.next()).await, Some(ClusterEvent::FollowerLeft { .. })) {}
    soon(trouble.undone.notified()).await;
}

#[tokio::test]
async fn who_joins_the_opening_of_a_caller_that_gives_up_is_subscribed_too() {
    let (leader, trouble, port) = leader(Limits::default()).await;
    trouble.refusals.store(1, Ordering::SeqCst);
    trouble.holds.store(true, Ordering::SeqCst);
    let caller = tokio::spawn(async move {
        let refused = leader.watch(Value::Number(1.0)).await.err();
        (leader, refused)
    });
    soon(trouble.asked.notified()).await;
    let mut node = node(port).await;
    node.send(&subscribe(2, "key", "1")).await;
    node.send(&request(3, 3000, cluster_protocol::HEARTBEAT)).await;
    while node.next().await.id != 3 {}
    trouble.go_on.notify_one();
    let (_leader, refused) = soon(caller).await.unwrap();
    assert!(refused.is_some());
    // The next try takes longer than its first asker would have waited.
    soon(trouble.asked.notified()).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(4)).await;
    tokio::time::resume();
    trouble.go_on.notify_one();
    assert!(node.next().await.conn.contains("\"key\""));
}
