//! Three Node and three Rust processes at one port, whose leaders are killed one after the other.

use std::time::{Duration, Instant};

use serde_json::json;
use support::process::{Group, Member};
use support::report::{Command, Report};

use crate::node::{Node, Peer};
use crate::{MEMBER, alone};

const ROUNDS: u64 = 100;
/// A Rust member that was shorter in its role waits longer for the next one.
const ROUND: Duration = Duration::from_millis(200);
/// Far beyond what it takes; the table says how long it did take.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(10);

#[test]
fn a_hundred_leaders_are_killed_in_a_mixed_cluster() {
    let _alone = alone();
    let mut group = Group::new(MEMBER);
    group.setup.node_compat = true;
    let mut members: Vec<Process> =
        (0..6).map(|number| Process::start(number % 2 == 0, &group)).collect();
    members.iter().for_each(|member| member.enlist());

    let (mut times, mut of_node) = (Vec::new(), 0);
    for round in 1..=ROUNDS {
        let pid = group.ledger.book().client().unwrap().pid;
        let leader = members.iter().position(|member| member.pid() == pid).unwrap();
        of_node += u64::from(members[leader].is_node());
        let from: Vec<usize> = members.iter().map(Process::now).collect();

        group.ledger.will_be_killed(pid);
        let killed = Instant::now();
        members[leader].kill();
        group.ledger.wait("the next leader", |book| {
            book.client().is_some_and(|client| client.pid != pid).then_some(())
        });
        times.push(killed.elapsed());

        let survivors = || members.iter().zip(&from).filter(|(member, _)| member.pid() != pid);
        for (number, (member, _)) in survivors().enumerate() {
            member.calls(&format!("work-{round}-{number}"), killed);
        }
        let names: Vec<String> = survivors().map(|(member, _)| member.name()).collect();
        group.ledger.wait("the publications of all survivors", |book| {
            let registered = &book.client()?.registered;
            names.iter().all(|name| registered.contains(name)).then_some(())
        });
        group.ledger.publish("news", round);
        survivors().for_each(|(member, from)| member.hears(*from, round));

        let again = Process::start(members[leader].is_node(), &group);
        again.enlist();
        again.hears(0, round);
        again.calls(&format!("work-{round}-again"), Instant::now());
        members[leader] = again;
        let mut calls = 0;
        while killed.elapsed() < ROUND {
            for member in &members {
                calls += 1;
                member.calls(&format!("work-{round}-more-{calls}"), Instant::now());
            }
        }
        if round % 10 == 0 {
            println!("{round} leaders killed, {of_node} of them Node's");
        }
    }

    let book = group.ledger.book();
    assert_eq!(book.complaints, Vec::<String>::new());
    assert_eq!((book.connections.len() as u64, book.most_at_once), (ROUNDS + 1, 1));
    let twice = book.executions.iter().find(|(_, ran)| ran.len() > 1);
    assert!(twice.is_none(), "{twice:?}");
    assert!(of_node > 0 && of_node < ROUNDS, "{of_node} of {ROUNDS} leaders were Node's");
    times.sort_unstable();
    println!("from the kill to the next leader's connection, {} samples", times.len());
    println!("{:>10} {:>10} {:>10}", "p50", "p99", "max");
    let [p50, p99, max] = [50, 99, 100].map(|percent| times[(times.len() - 1) * percent / 100]);
    println!("{p50:>10.1?} {p99:>10.1?} {max:>10.1?}");
    assert!(max < TAKEN_OVER_WITHIN, "{max:?}");
}

/// A member of either kind.
enum Process {
    Rust(Member),
    Node(Peer),
}

impl Process {
    /// Ready.
    fn start(node: bool, group: &Group) -> Self {
        if node {
            let options = json!({ "port": group.setup.port, "responseTimeout": 3_000 });
            let setup = json!({ "ledger": group.ledger.port(), "options": options });
            let (peer, result) = Node::spawn().try_join("Backend", setup);
            result.unwrap();
            Self::Node(peer)
        } else {
            let member = group.spawn();
            member.started();
            Self::Rust(member)
        }
    }

    /// It publishes its name and subscribes.
    fn enlist(&self) {
        match self {
            Self::Rust(member) => {
                let registered =
                    |report: &Report| matches!(report, Report::Registered).then_some(());
                member.ask(&Command::Register { name: self.name() }, registered);
                let watching = |report: &Report| matches!(report, Report::Watching).then_some(());
                member.ask(&Command::Watch { topic: "news".to_owned() }, watching);
            }
            Self::Node(peer) => {
                peer.send("publish", &json!(self.name()));
                peer.subscribe("news", &json!("news"));
            }
        }
    }

    /// Calls until it succeeds, each time with a token of its own: what became of a call under way when a leader is
    /// killed, nobody knows.
    fn calls(&self, token: &str, since: Instant) {
        let mut last = String::new();
        for attempt in 0.. {
            assert!(since.elapsed() < TAKEN_OVER_WITHIN, "{token} by {}: {last}", self.name());
            let token = format!("{token}-{attempt}");
            let result = match self {
                Self::Rust(member) => member.call(&token).result.map(drop).map_err(|e| e.error),
                Self::Node(peer) => {
                    let called = peer.call("work", &[json!(token)]);
                    called.map(drop).map_err(|error| format!("{error:?}"))
                }
            };
            match result {
                Ok(()) => return,
                Err(error) => last = error,
            }
        }
    }

    fn hears(&self, from: usize, news: u64) {
        match self {
            Self::Rust(member) => member.wait(from, &format!("news {news}"), |report| {
                matches!(report, Report::News(value) if *value == news).then_some(())
            }),
            Self::Node(peer) => peer.hears(from, "news", &json!(news)),
        }
    }

    fn now(&self) -> usize {
        match self {
            Self::Rust(member) => member.reports().len(),
            Self::Node(peer) => peer.node.now(),
        }
    }

    fn is_node(&self) -> bool {
        matches!(self, Self::Node(_))
    }

    fn name(&self) -> String {
        let kind = if self.is_node() { "Node" } else { "Rust" };
        format!("{kind} {}", self.pid())
    }

    fn pid(&self) -> u32 {
        match self {
            Self::Rust(member) => member.pid(),
            Self::Node(peer) => peer.node.pid(),
        }
    }

    fn kill(&mut self) {
        match self {
            Self::Rust(member) => member.kill(),
            Self::Node(peer) => peer.node.kill(),
        }
    }
}
