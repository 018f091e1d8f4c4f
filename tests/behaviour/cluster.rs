//! 19 to 22: members in processes of their own, and what travels between them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use cluster_client::{Codec, Error, Outcome, cluster_client};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use support::free_port;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::sample::soon;

/// A process of `behaviour_member`. Dropping it kills it, also when a test panics.
struct Member {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Member {
    fn spawn(port: u16) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_behaviour_member"))
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, input, output }
    }

    async fn tell(&mut self, command: &str) {
        soon(self.input.write_all(format!("{command}\n").as_bytes())).await.unwrap();
    }

    /// The next line. Nothing is left out.
    async fn line(&mut self) -> String {
        soon(self.output.next_line()).await.unwrap().expect("the process lives")
    }

    /// Skips what comes before the line.
    async fn until(&mut self, line: &str) {
        while self.line().await != line {}
    }

    /// The next line that is not about its role.
    async fn event(&mut self) -> String {
        loop {
            let line = self.line().await;
            if !line.starts_with("role ") {
                return line;
            }
        }
    }

    /// Gives a command and waits until it says so.
    async fn told(&mut self, command: &str, answer: &str) {
        self.tell(command).await;
        self.until(answer).await;
    }

    /// As the operating system does it: the process does not get to say anything.
    async fn kill(mut self) {
        soon(self.child.kill()).await.unwrap();
    }

    /// Ends its input. It leaves the cluster and exits in good order.
    async fn leave(self) {
        // It may have something to say until its end.
        let Self { mut child, input, output: _heard } = self;
        drop(input);
        assert!(soon(child.wait()).await.unwrap().success());
    }
}

#[tokio::test]
async fn b19_one_process_publishes_and_four_subscribe() {
    let port = free_port();
    let mut publisher = Member::spawn(port);
    publisher.until("role leader").await;
    publisher.told("notify now", "notified now").await;

    let subscribers = (0..4).map(|_| async {
        let mut subscriber = Member::spawn(port);
        subscriber.until("role follower").await;
        subscriber.told("subscribe", "value now").await;
        subscriber
    });
    let mut subscribers = join_all(subscribers).await;
    publisher.told("notify then", "notified then").await;
    for subscriber in &mut subscribers {
        assert_eq!(subscriber.line().await, "value then");
    }
    for process in subscribers.into_iter().chain([publisher]) {
        process.leave().await;
    }
}

#[tokio::test]
async fn b20_subscribers_go_on_after_the_leader_was_killed() {
    let port = free_port();
    let mut leader = Member::spawn(port);
    leader.until("role leader").await;
    leader.told("subscribe", "subscribed").await;
    let (mut publisher, mut subscriber) = (Member::spawn(port), Member::spawn(port));
    for follower in [&mut publisher, &mut subscriber] {
        follower.until("role follower").await;
    }
    subscriber.told("subscribe", "subscribed").await;
    publisher.told("publish one", "published one").await;
    for reader in [&mut leader, &mut subscriber] {
        reader.until("value news: one").await;
    }

    leader.kill().await;
    // What the subscriber had is not told again; that there may be a gap, is.
    assert_eq!(subscriber.event().await, "resynced");
    // The real client is a new one and has been told what was published; a later subscriber gets it.
    let mut late = Member::spawn(port);
    late.until("role follower").await;
    late.told("subscribe", "value news: one").await;
    publisher.told("publish two", "published two").await;
    assert_eq!(subscriber.event().await, "value news: two");
    assert_eq!(late.event().await, "value news: two");
    for process in [late, publisher, subscriber] {
        process.leave().await;
    }
}

#[tokio::test]
async fn b22_of_two_processes_that_start_at_once_one_leads() {
    let port = free_port();
    let mut members = [Member::spawn(port), Member::spawn(port)];
    let mut roles = join_all(members.iter_mut().map(Member::line)).await;
    roles.sort();
    assert_eq!(roles, ["role follower", "role leader"]);
    for member in &mut members {
        member.told("subscribe", "subscribed").await;
    }
    members[0].told("notify bar", "notified bar").await;
    let [mut one, mut other] = members;
    other.until("value bar").await;
    one.tell("notify bar 2").await;
    one.until("value bar 2").await;
    one.leave().await;
    other.leave().await;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    name: String,
    age: Option<u8>,
    marks: BTreeMap<i64, f64>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Pair(u64, i64),
    Named { text: char },
}

struct Arguments;

#[cluster_client]
impl Arguments {
    #[invoke]
    async fn give_back(
        &self,
        time: SystemTime,
        bytes: &[u8],
        people: Vec<Person>,
        nothing: Option<()>,
    ) -> (SystemTime, Vec<u8>, Vec<Person>, Option<()>) {
        (time, bytes.to_vec(), people, nothing)
    }

    #[invoke]
    async fn half(&self, number: f64) -> f64 {
        number / 2.0
    }
}

/// A leader that spares itself no encoding, and a follower.
async fn pair(codec: Codec) -> [ArgumentsProxy; 2] {
    let port = free_port();
    let start = async || {
        let builder = ArgumentsProxy::builder().port(port).codec(codec).strict_parity(true);
        soon(builder.start(async |_| Ok::<_, Infallible>(Arguments))).await.unwrap()
    };
    [start().await, start().await]
}

#[tokio::test]
async fn b21_arguments_and_results_arrive_as_they_were() {
    let person = |kind| Person {
        name: "pe\u{301}ter \u{1f600}\u{2028}\0\"".into(),
        age: None,
        marks: BTreeMap::from([(i64::MIN, -0.0), (-1, f64::MIN_POSITIVE), (7, f64::MAX)]),
        kind,
    };
    let people: Vec<_> =
        [Kind::Unit, Kind::Pair(u64::MAX, i64::MIN), Kind::Named { text: '\u{10ffff}' }]
            .map(person)
            .into();
    let time = SystemTime::now() + Duration::from_nanos(1);
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    for codec in [Codec::default(), Codec::Json] {
        let members = pair(codec).await;
        for member in &members {
            let back = member.give_back(time, &bytes, people.clone(), None).await;
            assert_eq!(back, Ok((time, bytes.clone(), people.clone(), None)), "{codec}");
            let empty = member.give_back(time, &[], vec![], None).await;
            assert_eq!(empty, Ok((time, vec![], vec![], None)), "{codec}");
        }
    }
}

/// JSON has no text for infinity: an error of that call, in both roles, and never another value.
#[tokio::test]
async fn b21_what_a_codec_cannot_carry_is_an_error() {
    for member in pair(Codec::Json).await {
        let error = member.half(f64::INFINITY).await.unwrap_err();
        assert!(matches!(error, Error::BadArguments { .. } | Error::Encode { .. }), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);
        assert_eq!(member.half(3.0).await, Ok(1.5));
    }
}
