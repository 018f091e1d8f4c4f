//! Processes that are stopped for a while, as by a debugger, a machine that swaps, or one that sleeps.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::process::{Group, Member};
use support::report::{Called, Failed, Moment, Report};

use crate::audit::{Audit, Totals};
use crate::duty::{enlist, finish, name};
use crate::{MEMBER, alone};

/// For tests that would take long otherwise.
const SHORT: Duration = Duration::from_millis(200);

/// Of these, a silent follower is dropped.
const DROPPED_AFTER: u32 = 15;

/// Longer than any call may take, and than a silent follower may be silent.
const AWAY: Duration = Duration::from_secs(4);

/// How soon all is well again.
const RECOVERY: Duration = Duration::from_secs(1);

/// It holds the port, so nobody takes over. The others are told, and their calls have deadlines.
#[test]
fn a_leader_that_is_stopped_is_reported_and_goes_on_later() {
    stop_leader(SHORT, Duration::from_millis(300), 3);
}

#[test]
fn a_leader_that_is_stopped_is_reported_after_six_seconds() {
    let interval = Group::new(MEMBER).setup.heartbeat_interval;
    assert_eq!(3 * interval, Duration::from_secs(6));
    stop_leader(interval, Duration::from_millis(500), 1);
}

fn stop_leader(heartbeat_interval: Duration, tolerance: Duration, rounds: usize) {
    let _alone = alone();
    let (group, members) = start(4, heartbeat_interval);
    let leader = group.leader(&members);
    let followers = || members.iter().filter(|member| member.pid() != members[leader].pid());
    let mut audit = Audit::new(&group.ledger);

    for round in 1..=rounds {
        let from = positions(&members);
        members[leader].signal(Signal::STOP);
        let stopped = Instant::now();
        for (member, from) in followers_from(&members, &from, leader) {
            member.wait_for_event(from, "LeaderUnresponsive");
            let silent = stopped.elapsed();
            let off = silent.abs_diff(3 * heartbeat_interval);
            assert!(off <= tolerance, "round {round}: told after {silent:?}");
        }
        for (member, from) in followers_from(&members, &from, leader) {
            member.wait(from, "a call that meets its deadline", |report| match report {
                Report::Called(Called { result: Err(Failed { error, .. }), .. }) => {
                    assert!(error.starts_with("DeadlineExceeded"), "{error}");
                    Some(())
                }
                _ => None,
            });
        }

        let from = positions(&members);
        audit.was_stopped(&members[leader], stopped.elapsed());
        let continued = Moment::now();
        members[leader].signal(Signal::CONT);
        for (member, from) in followers_from(&members, &from, leader) {
            succeeds(member, from, continued);
            member.wait_for_event(0, "LeaderResponsive");
        }
        members.iter().for_each(|member| audit.hear(member));
        audit.next_round();
    }
    finish(&members);
    members.iter().for_each(|member| audit.hear(member));
    assert_eq!(followers().count(), 3);
    let totals = audit.end();
    println!("a leader stopped {rounds} times: {totals}");
    only_deadlines(&totals);
    nobody_blamed(&group, &totals);
}

/// Shorter than it takes to be dropped, and longer.
#[test]
fn a_follower_that_is_stopped_affects_nobody_and_goes_on_later() {
    let _alone = alone();
    let (group, members) = start(4, SHORT);
    let stopped = (group.leader(&members) + 1) % 4;
    let mut own = Audit::new(&group.ledger);
    let mut others = Audit::new(&group.ledger);
    own.was_stopped(&members[stopped], 2 * DROPPED_AFTER * SHORT);
    for is_dropped in [false, true] {
        let from = positions(&members);
        members[stopped].signal(Signal::STOP);
        if is_dropped {
            members[group.leader(&members)].wait_for_event(0, "FollowerLeft");
        } else {
            // That long it is away, and misses five heartbeats.
            std::thread::sleep(5 * SHORT);
        }
        let continued = Moment::now();
        members[stopped].signal(Signal::CONT);
        succeeds(&members[stopped], from[stopped], continued);
        if is_dropped {
            members[stopped].wait_for_event(from[stopped], "BecameFollower");
        }
        group.ledger.wait("all publications", |book| {
            let registered = &book.client()?.registered;
            members.iter().all(|member| registered.contains(&name(member))).then_some(())
        });
    }
    finish(&members);
    for (index, member) in members.iter().enumerate() {
        if index == stopped { own.hear(member) } else { others.hear(member) }
    }
    let (own, others) = (own.end(), others.end());
    println!("a follower stopped twice: {own}\nthe others: {others}");
    let its = ["DeadlineExceeded", "Disconnected"];
    let other = own.errors.keys().find(|kind| !its.iter().any(|its| kind.starts_with(its)));
    assert_eq!(other, None, "{own}");
    assert_eq!(others.failed(), 0, "{others}");
    assert!(others.latencies.max() < RECOVERY, "{:?}", others.latencies.max());
    assert_eq!(group.ledger.book().connections.len(), 1, "nobody took over");
}

/// As when the machine sleeps, for longer than it takes to drop a follower: nobody blames anybody.
#[test]
fn all_that_are_stopped_together_go_on_together() {
    let _alone = alone();
    let (group, members) = start(8, SHORT / 2);
    let mut audit = Audit::new(&group.ledger);
    members.iter().for_each(|member| audit.was_stopped(member, AWAY));
    for round in 0..2 {
        members.iter().for_each(|member| member.signal(Signal::STOP));
        std::thread::sleep(AWAY);
        let from = positions(&members);
        let continued = Moment::now();
        // The leader among the first in some rounds, among the last in others.
        let mut order: Vec<&Member> = members.iter().collect();
        if round % 2 == 0 {
            order.reverse();
        }
        order.into_iter().for_each(|member| member.signal(Signal::CONT));
        members.iter().zip(from).for_each(|(member, from)| succeeds(member, from, continued));
        members.iter().for_each(|member| audit.hear(member));
        audit.next_round();
    }
    finish(&members);
    members.iter().for_each(|member| audit.hear(member));
    let totals = audit.end();
    println!("all stopped twice: {totals}");
    only_deadlines(&totals);
    nobody_blamed(&group, &totals);
    assert_eq!(totals.events.get("LeaderUnresponsive"), None);
}

fn start(members: usize, heartbeat_interval: Duration) -> (Group, Vec<Member>) {
    let mut group = Group::new(MEMBER);
    group.setup.heartbeat_interval = heartbeat_interval;
    let members = group.start(members);
    members.iter().for_each(enlist);
    (group, members)
}

fn positions(members: &[Member]) -> Vec<usize> {
    members.iter().map(|member| member.reports().len()).collect()
}

fn followers_from<'a>(
    members: &'a [Member],
    from: &'a [usize],
    leader: usize,
) -> impl Iterator<Item = (&'a Member, usize)> {
    let all = members.iter().zip(from.iter().copied()).enumerate();
    all.filter(move |(index, _)| *index != leader).map(|(_, follower)| follower)
}

/// With a call that is made now, within a second.
fn succeeds(member: &Member, from: usize, continued: Moment) {
    let ended = member.wait(from, "success", |report| match report {
        Report::Called(Called { result: Ok(_), begun, ended, .. }) if *begun > continued => {
            Some(*ended)
        }
        _ => None,
    });
    let took = ended.since(continued);
    assert!(took < RECOVERY, "{} needed {took:?}", member.pid());
}

fn only_deadlines(totals: &Totals) {
    let other = totals.errors.keys().find(|kind| !kind.starts_with("DeadlineExceeded"));
    assert_eq!(other, None, "{totals}");
}

fn nobody_blamed(group: &Group, totals: &Totals) {
    assert_eq!(totals.events.get("FollowerLeft"), None, "the late one blames the others");
    assert_eq!(totals.events.get("LeaderLost"), None);
    assert_eq!(group.ledger.book().connections.len(), 1, "nobody took over");
}
