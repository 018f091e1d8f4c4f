//! Members that leave in good order while others take their places.

use cluster_client::Outcome;
use support::process::{Group, Member};
use support::report::{Called, Failed, KINDS, Moment, NOTE};

use crate::audit::{Audit, Totals};
use crate::duty::{arrives, close, enlist_to_call, finish, stop};
use crate::times::table;
use crate::{MEMBER, alone, number};

/// Nobody waits for a one-way call, so those that are under way when a leader says that it goes are lost the most easily: a
/// leader hears five thousand of them a second.
const MORE_NOTES: [&str; 24] = [NOTE; 24];

const MEMBERS: usize = 8;

/// Leaders and followers are closed by turns, the oldest of the followers first. `RESTARTS=200` says how often: each time as
/// many members leave as there are.
#[test]
fn all_members_are_restarted_under_load_and_no_call_fails() {
    let _alone = alone();
    let departures = number("RESTARTS").unwrap_or(3) * MEMBERS as u64;
    let by_turns =
        |round: u64| if round.is_multiple_of(2) { Leaving::Leader } else { Leaving::Follower };
    let (totals, clients) = restart(departures, by_turns);
    assert_eq!((totals.notes_lost, totals.notes_told.len()), (0, 0), "{totals}");
    assert_eq!(clients, 1 + departures / 2, "one for each leader, and nobody led in between");
}

/// The follower has nobody to send to what the leader has not accepted: of one-way calls it is told by an event, of
/// others by their results. Whoever stays loses nothing. `RESTARTS=200` says how many pairs there are.
#[test]
fn a_leader_and_a_follower_close_at_once_and_whoever_stays_loses_nothing() {
    let _alone = alone();
    let restarts = number("RESTARTS").unwrap_or(20);
    let (totals, _) = restart(restarts, |_| Leaving::Both);
    let other = totals.notes_told.keys().find(|kind| *kind != "Closed, NotExecuted");
    assert_eq!(other, None, "{totals}");
}

#[derive(Clone, Copy, PartialEq)]
enum Leaving {
    Leader,
    Follower,
    Both,
}

/// So many times some of the members close and others start. How many real clients there were is told too.
fn restart(rounds: u64, who: impl Fn(u64) -> Leaving) -> (Totals, u64) {
    let kinds = [&KINDS[..], &MORE_NOTES].concat();
    let enlist = |member: &Member| enlist_to_call(member, &kinds);
    let group = Group::new(MEMBER);
    // The oldest one first.
    let mut members = group.start(MEMBERS);
    members.iter().for_each(enlist);

    let mut audit = Audit::new(&group.ledger);
    for round in 1..=rounds {
        let who = who(round);
        let mut leaving = Vec::new();
        if who != Leaving::Follower {
            leaving.push(members.remove(group.leader(&members)));
        }
        if who != Leaving::Leader {
            let pid = group.ledger.book().client().unwrap().pid;
            let oldest = members.iter().position(|member| member.pid() != pid).unwrap();
            leaving.push(members.remove(oldest));
        }
        let from: Vec<usize> = members.iter().map(|member| member.reports().len()).collect();

        let asked = Moment::now();
        close(&leaving);
        for member in leaving {
            stop(&member);
            audit.hear_but(&member, |call| is_refused(call, who, asked));
            audit.gone(member.pid());
            drop(member);
            let newest = group.spawn();
            newest.started();
            enlist(&newest);
            members.push(newest);
        }

        group.ledger.publish("news", round);
        let from = from.into_iter().chain(std::iter::repeat(0));
        members.iter().zip(from).for_each(|(member, from)| arrives(member, from, round));
        members.iter().for_each(|member| audit.hear(member));
        audit.next_round();
    }
    finish(&members);
    members.iter().for_each(|member| audit.hear(member));
    let totals = audit.end();
    println!("{rounds} times members have left\n{totals}\n");
    println!("{}", table("calls under load", &[("while members restart", &totals.latencies)]));
    assert_eq!(totals.failed(), 0, "{totals}");
    totals.assert_all_kinds();
    let clients = group.ledger.book().connections.len() as u64;
    (totals, clients)
}

/// Whoever calls on after it has closed the member is refused, as it must be. What was called before is not, unless there
/// is no leader any more to send it to.
fn is_refused(call: &Called, who: Leaving, asked: Moment) -> bool {
    let Err(Failed { outcome: Outcome::NotExecuted, error }) = &call.result else { return false };
    let since = if who == Leaving::Both { call.ended } else { call.begun };
    error == "Closed" && since >= asked
}
