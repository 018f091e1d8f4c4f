//! What can go wrong with a leader besides its death.

use std::time::Duration;

use cluster_client::Outcome;
use rustix::process::Signal;
use support::process::{Group, Stray};
use support::report::{Command, Failed, Report, Setup};

use crate::check::check;
use crate::duty::{enlist, first_success, stop};
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
    let mut calls = killed.calls();
    for member in &members {
        calls.extend(stop(member));
    }
    check(&calls, &group.ledger);
    let failed = |error: &str| {
        calls
            .iter()
            .filter(
                |call| matches!(&call.result, Err(Failed { error: e, .. }) if e.contains(error)),
            )
            .count()
    };
    assert_ne!(failed("RealClient"), 0, "nobody was told");
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

/// A leader that is stopped keeps the port, so nobody takes over; the others are told.
#[test]
fn a_leader_that_is_stopped_is_reported_and_goes_on_later() {
    let _alone = alone();
    let mut group = Group::new(MEMBER);
    group.setup.heartbeat_interval = Duration::from_millis(200);
    let members = group.start(3);
    let leader = group.leader(&members);
    let followers = || members.iter().filter(|member| member.pid() != members[leader].pid());

    members[leader].signal(Signal::STOP);
    let waiting = Command::Call { token: "work-while-stopped".to_owned() };
    followers().for_each(|member| member.tell(&waiting));
    for member in followers() {
        member.wait_for_event(0, "LeaderUnresponsive");
        let called = member.wait(0, "the deadline", |report| match report {
            Report::Called(called) => Some(called.clone()),
            _ => None,
        });
        let Err(Failed { outcome, error }) = &called.result else { panic!("{called:?}") };
        assert!(*outcome == Outcome::Unknown && error.contains("DeadlineExceeded"), "{called:?}");
    }
    assert!(followers().all(|member| member.descriptors().is_some()), "all are alive");

    members[leader].signal(Signal::CONT);
    for member in followers() {
        member.wait_for_event(0, "LeaderResponsive");
    }
    for member in &members {
        let token = format!("work-{}", member.pid());
        assert!(member.call(&token).result.is_ok());
    }
    assert_eq!(group.ledger.book().connections.len(), 1);
    let left = |report: &Report| matches!(report, Report::Event(event) if event.starts_with("FollowerLeft"));
    assert!(!members[leader].reports().iter().any(left), "the late one blames the others");
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
