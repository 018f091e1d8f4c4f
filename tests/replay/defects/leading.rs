//! A Rust leader and Node followers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster_client::{ClusterEvent, Codec, Error, Role, RolePreference, Value};
use support::free_port;
use tokio::time::timeout;

use super::stock::{
    COUNTED, ENCODED, Item, Log, Stock, StockError, StockProxy, nobody, start, stock,
};
use super::wire::{
    call, encoded, error, invoke, is_served, join, joining, packet, register, subscribe,
};
use crate::recorded::{PATIENCE, Wire, recorded};

/// Thirty of these a Node follower may be silent.
const HEARTBEAT: Duration = Duration::from_millis(10);

async fn leader() -> (StockProxy, Log, Wire) {
    let (port, log) = (free_port(), Log::default());
    let leader = start(stock(port), &log).await;
    (leader, log, join(port, "Stock").await)
}

/// Node sends no heartbeats while it waits for an answer.
#[tokio::test]
async fn d01_a_node_follower_that_waits_for_a_call_is_not_dropped() {
    let (port, log) = (free_port(), Log::default());
    let _leader = start(stock(port).heartbeat_interval(HEARTBEAT), &log).await;
    let mut waiting = join(port, "Stock").await;
    waiting.send(&invoke(2, "wait", 0, false, b"")).await;
    log.until("wait").await;
    // Who came later and waits for nothing is dropped meanwhile.
    for _ in 0..2 {
        join(port, "Stock").await.closed().await;
    }
    log.add("go on");
    let answer = waiting.next().await;
    assert_eq!((answer.id, answer.conn), (2, recorded("invoke_result ok").conn));
}

/// Nor while it waits to be let in.
#[tokio::test]
async fn d01_a_node_follower_that_waits_for_the_real_client_is_not_dropped() {
    let (port, log) = (free_port(), Log::default());
    let builder = || stock(port).heartbeat_interval(HEARTBEAT);
    let _other = start(builder().name("Other"), &log).await;
    let building = log.clone();
    let starting = tokio::spawn(builder().start(move |_| {
        let log = building.clone();
        async move {
            log.add("building");
            log.until("go on").await;
            Ok::<_, Error>(Stock::new(&log))
        }
    }));
    log.until("building").await;
    let mut waiting = joining(port, "Stock").await;
    for _ in 0..2 {
        join(port, "Other").await.closed().await;
    }
    log.add("go on");
    waiting.next().await.is("register_channel_res ok");
    let leader = timeout(PATIENCE, starting).await.unwrap().unwrap().unwrap();
    assert_eq!(leader.membership().role(), Role::Leader);
    waiting.send(&call(2, "echo", "x")).await;
    assert_eq!(waiting.next().await.data, encoded(&"x"));
}

/// D2, D3, D5, D7, D20: whatever a call cannot do, it is answered, with an object that has a message.
#[tokio::test]
async fn d02_a_call_that_cannot_run_is_answered() {
    let (leader, log, mut node) = leader().await;
    let echo = |data: &[u8]| invoke(9, "echo", 1, false, data);
    for (what, bytes, code) in [
        ("D2", invoke(9, "nothing", 0, false, b""), "UNKNOWN_METHOD"),
        ("D3", invoke(9, "breaks", 0, false, b""), "PANICKED"),
        ("D5: undecodable", echo(b"\0\0\0\x03abc"), "BAD_ARGUMENTS"),
        ("D5: too long", echo(b"\0\0\0\x09x^^^^0"), "BAD_ARGUMENTS"),
        ("D5: negative", echo(&[0xff; 8]), "BAD_ARGUMENTS"),
        ("D5: none of those said", echo(b""), "BAD_ARGUMENTS"),
        ("D5: another type", call(9, "echo", 1), "BAD_ARGUMENTS"),
        ("D7: not annotated", invoke(9, "secret", 0, false, b""), "UNKNOWN_METHOD"),
        ("D7: the close method", invoke(9, "shut", 0, false, b""), "UNKNOWN_METHOD"),
        ("D7: of every object", invoke(9, "constructor", 0, false, b""), "UNKNOWN_METHOD"),
        ("D20", invoke(9, "tooMuch", 0, false, b""), "BAD_RESULT"),
    ] {
        node.send(&bytes).await;
        let answer = node.next().await;
        assert_eq!(answer.id, 9, "{what}");
        let error = error(&answer);
        assert_eq!(error.get("code"), Some(&Value::from(code)), "{what}: {error:?}");
        assert!(matches!(error.get("message"), Some(Value::String(_))), "{what}: {error:?}");
    }
    assert_eq!((log.count("secret"), log.count("closed")), (0, 0));
    is_served(&mut node).await;
    assert_eq!(leader.echo("still there".into()).await, Ok("still there".into()));
}

#[tokio::test]
async fn d04_a_oneway_call_that_fails_is_an_event_and_nothing_else() {
    let (leader, _log, mut node) = leader().await;
    let mut events = leader.membership().events();
    let nothing = Item { id: "x".into(), count: 0 };
    for (method, argument, said) in [
        ("publish", encoded(&nothing), "only 0 of x left"),
        ("tell", encoded(&"x"), "only 0 of x left"),
        ("tell", encoded(&"panic"), "told so"),
        ("tell", encoded(&1), "tell"),
        ("nothing", encoded(&1), "nothing"),
    ] {
        let len = u32::try_from(argument.len()).unwrap().to_be_bytes();
        node.send(&invoke(5, method, 1, true, &[&len, &*argument].concat())).await;
        let failed = async {
            loop {
                match events.next().await.unwrap() {
                    ClusterEvent::OnewayFailed { error, .. } => return error.to_string(),
                    _ => continue,
                }
            }
        };
        let failed = timeout(PATIENCE, failed).await.unwrap();
        assert!(failed.contains(said), "{method}: {failed}");
        is_served(&mut node).await;
    }
    assert_eq!(leader.echo("still there".into()).await, Ok("still there".into()));
}

/// What Node asks for in vain is not dropped for ever: it asks again, and is served once the channel is there.
#[tokio::test]
async fn d08_a_channel_that_begins_later_is_served() {
    let (port, log) = (free_port(), Log::default());
    let _other = start(stock(port).name("Other"), &log).await;
    let mut node = joining(port, "Stock").await;
    is_served(&mut join(port, "Other").await).await;
    let leader = start(stock(port), &log).await;
    assert_eq!(leader.membership().role(), Role::Leader);
    node.send(&register(2, "Stock")).await;
    node.next().await.is("register_channel_res ok");
}

/// An error is the end of Node's attempts, so it waits that long for one.
#[tokio::test]
async fn d08_a_channel_that_does_not_begin_is_an_error_that_says_who_runs_what() {
    let (port, log) = (free_port(), Log::default());
    let _other = start(stock(port).name("Other"), &log).await;
    let mut node = joining(port, "Stock").await;
    is_served(&mut join(port, "Other").await).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    node.send(&register(2, "Stock")).await;
    let answer = node.next().await;
    assert_eq!(answer.id, 2);
    let told = Codec::SerializeJson.decode::<Value>(&answer.data).unwrap();
    let told = format!("{told:?}");
    let process = format!("process {}", std::process::id());
    for part in ["`Stock`", r#"["Other"]"#, "NOT_SERVED", &process] {
        assert!(told.contains(&part.escape_debug().to_string()), "{part}: {told}");
    }
}

#[tokio::test]
async fn d09_who_followed_a_channel_that_closes_is_let_go() {
    let (port, log) = (free_port(), Log::default());
    let closing = start(stock(port), &log).await;
    let staying = start(stock(port).name("Other"), &Log::default()).await;
    let mut node = join(port, "Stock").await;
    is_served(&mut node).await;
    timeout(PATIENCE, closing.membership().close()).await.unwrap();
    node.closed().await;
    assert_eq!((log.count("closed"), log.count("echo late")), (1, 0));
    assert_eq!(staying.echo("x".into()).await, Ok("x".into()));
}

#[tokio::test]
async fn d11_a_node_follower_that_unsubscribes_ends_the_upstream() {
    let (port, log) = (free_port(), Log::default());
    let limits = cluster_client::Limits { linger: HEARTBEAT, ..Default::default() };
    let leader = start(stock(port).limits(limits), &log).await;
    let [mut first, mut second] = [join(port, "Stock").await, join(port, "Stock").await];
    for node in [&mut first, &mut second] {
        node.send(&subscribe("subscribe", 2, "x")).await;
        is_served(node).await;
    }
    log.until("watch x").await;
    first.send(&subscribe("unSubscribe", 3, "x")).await;
    is_served(&mut first).await;
    leader.announce(Item { id: "x".into(), count: 1 }).await.unwrap();
    assert_eq!(second.next().await.data, encoded(&1));
    assert_eq!(log.count("unwatch x"), 0);
    // The last one need not say so.
    drop(second);
    log.until("unwatch x").await;
    assert_eq!(log.count("watch x"), 1);
    is_served(&mut first).await;
}

/// Among ours an error keeps its type and fields, though Node processes share the channel.
#[tokio::test]
async fn d18_errors_keep_their_fields_among_rust_processes() {
    let (leader, _log, mut node) = leader().await;
    let follower = stock(leader.membership().port()).start(nobody).await.unwrap();
    let short = StockError::Short { id: "x".into(), left: 1 };
    assert_eq!(leader.take("x".into()).await, Err(short.clone()));
    assert_eq!(follower.take("x".into()).await, Err(short));
    node.send(&call(2, "take", "x")).await;
    let error = error(&node.next().await);
    assert_eq!(error.get("code"), Some(&Value::from("Short")));
    assert_eq!(error.get("message"), Some(&Value::from("only 1 of x left")));
}

#[tokio::test]
async fn d22_a_push_is_encoded_once_for_all_followers() {
    let (leader, log, mut first) = leader().await;
    let port = leader.membership().port();
    let mut second = join(port, "Stock").await;
    let follower = stock(port).role(RolePreference::Follower).start(nobody).await.unwrap();
    let mut counts = follower.watch("x".into()).await.unwrap();
    for node in [&mut first, &mut second] {
        node.send(&subscribe("subscribe", 2, "x")).await;
        is_served(node).await;
    }
    assert_eq!((log.count("watch x"), ENCODED.load(Ordering::SeqCst)), (1, 0));
    leader.announce(Item { id: "x".into(), count: COUNTED.0 }).await.unwrap();
    for node in [&mut first, &mut second] {
        let push = node.next().await;
        assert_eq!(
            Codec::SerializeJson.decode::<super::stock::Count>(&push.data).unwrap(),
            COUNTED
        );
        node.send(&packet(
            cluster_protocol::Kind::Response,
            push.id,
            cluster_protocol::SUBSCRIBE_RESULT_RES,
            b"",
        ))
        .await;
    }
    assert_eq!(timeout(PATIENCE, counts.next()).await.unwrap(), Some(COUNTED));
    assert_eq!(ENCODED.load(Ordering::SeqCst), 1);
}
