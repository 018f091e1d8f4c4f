//! What can go wrong with a leader besides its death.

use std::time::Duration;

use rustix::process::Signal;
use support::process::{Group, Stray};
use support::report::{Command, Report, Setup};

use crate::audit::Audit;
use crate::duty::{enlist, finish, first_success};
use crate::{MEMBER, alone};

/// A new client cannot be built at first: calls are told so, and later ones succeed.
#[test]
fn a_new_leader_builds_its_client_until_it_succeeds() {
    let _alone = alone();
    let group = Group::new(MEMBER);
    let mut members = group.start(4);
    members.iter().for_each(enlist);
    let (leader, epoch) = (group.leader(&members), group.ledger.book().client().unwrap().epoch);
    let mut killed = members.swap_remove(leader);
    let from: Vec<usize> = members.iter().map(|member| member.reports().len()).collect();

    group.ledger.turn_away(3);
    group.ledger.will_be_killed(killed.pid());
    killed.kill();

    for (member, from) in members.iter().zip(from) {
        first_success(member, from, epoch);
    }
    let mut audit = Audit::new(&group.ledger);
    audit.hear(&killed);
    audit.killed(killed.pid());
    finish(&members);
    members.iter().for_each(|member| audit.hear(member));
    let totals = audit.end();
    assert!(totals.errors.contains_key("RealClient, NotExecuted"), "nobody was told: {totals}");
    assert_eq!(group.ledger.book().connections.len(), 2);
}

/// What a process spawns inherits neither the port nor the connections.
#[test]
fn what_a_leader_has_spawned_does_not_hold_the_port() {
    let _alone = alone();
    let group = Group::new(MEMBER);
    let mut members = group.start(3);
    members.iter().for_each(enlist);
    let (leader, epoch) = (group.leader(&members), group.ledger.book().client().unwrap().epoch);
    let mut killed = members.swap_remove(leader);
    let child = killed.ask(&Command::SpawnChild, |report| match report {
        Report::Child(pid) => Some(Stray(*pid)),
        _ => None,
    });
    let from: Vec<usize> = members.iter().map(|member| member.reports().len()).collect();

    group.ledger.will_be_killed(killed.pid());
    killed.kill();

    for (member, from) in members.iter().zip(from) {
        first_success(member, from, epoch);
    }
    assert!(child.is_alive());
}

/// The others need not wait for it: each serves itself, until the leader goes on.
#[test]
fn who_need_not_wait_for_a_leader_that_is_stopped_serves_itself() {
    let _alone = alone();
    let mut group = Group::new(MEMBER);
    group.setup.heartbeat_interval = Duration::from_millis(200);
    group.setup.standalone_after = Some(Duration::from_millis(1500));
    let members = group.start(3);
    let leader = group.leader(&members);
    let followers = || members.iter().filter(|member| member.pid() != members[leader].pid());
    let serve = |open: usize| {
        group.ledger.wait("the clients", |book| {
            let is_open = book.connections.iter().filter(|connection| connection.open).count();
            (is_open == open).then_some(())
        });
        for member in followers() {
            let token = format!("work-{open}-{}", member.pid());
            assert!(member.call(&token).result.is_ok(), "{token}");
        }
    };

    members[leader].signal(Signal::STOP);
    followers().for_each(|member| member.wait_for_event(0, "Standalone"));
    serve(3);
    let from: Vec<usize> = followers().map(|member| member.reports().len()).collect();

    members[leader].signal(Signal::CONT);
    for (member, from) in followers().zip(from) {
        member.wait_for_event(from, "BecameFollower");
    }
    serve(1);
    let book = group.ledger.book();
    assert!(book.executions.values().all(|ran| ran.len() == 1), "{:?}", book.executions);
    // All of them stand in for one leadership.
    let epochs = book.connections.iter().map(|connection| connection.epoch);
    assert!(epochs.collect::<Vec<_>>().windows(2).all(|pair| pair[0] == pair[1]));
}

/// Any error but "in use" is told, whatever the reason why there can be no listener.
#[test]
fn a_port_that_cannot_be_bound_is_a_typed_error() {
    let _alone = alone();
    let group = Group::new(MEMBER);
    let member = group.spawn_as(&Setup { out_of_descriptors: true, ..group.setup.clone() });
    let error = member.wait(0, "start", |report| match report {
        Report::NotStarted { error } => Some(error.clone()),
        Report::Started { .. } => panic!("it started"),
        _ => None,
    });
    let port = group.setup.port;
    assert!(error.starts_with(&format!("Bind {{ endpoint: \"127.0.0.1:{port}\"")), "{error}");
    assert!(error.contains("Too many open files"), "{error}");
}
