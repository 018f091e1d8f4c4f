//! Members that leave in good order while others take their places.

use cluster_client::Outcome;
use support::process::{Group, Member};
use support::report::{Failed, KINDS, Moment, NOTE};

use crate::audit::Audit;
use crate::duty::{arrives, close, enlist_to_call, finish, stop};
use crate::times::table;
use crate::{MEMBER, alone, number};

/// Nobody waits for a one-way call, so those that are under way when a leader says that it goes are lost the most easily: a
/// leader hears five thousand of them a second.
const MORE_NOTES: [&str; 24] = [NOTE; 24];

/// Leaders and followers are closed by turns, the oldest of the followers first. `RESTARTS=200` says how many.
#[test]
fn all_members_are_restarted_under_load_and_no_call_fails() {
    let _alone = alone();
    let restarts = number("RESTARTS").unwrap_or(20);
    let kinds = [&KINDS[..], &MORE_NOTES].concat();
    let enlist = |member: &Member| enlist_to_call(member, &kinds);
    let group = Group::new(MEMBER);
    // The oldest one first.
    let mut members = group.start(8);
    members.iter().for_each(enlist);

    let mut audit = Audit::new(&group.ledger);
    let mut leaders = 0;
    for round in 1..=restarts {
        let leader = group.leader(&members);
        let closing = if round % 2 == 0 { leader } else { usize::from(leader == 0) };
        leaders += u64::from(closing == leader);
        let leaving = members.remove(closing);
        let from: Vec<usize> = members.iter().map(|member| member.reports().len()).collect();

        let asked = Moment::now();
        close(&leaving);
        stop(&leaving);
        // Whoever calls on after it has closed the member is refused, as it must be. What was called before is not.
        audit.hear_but(&leaving, |call| {
            let refused = matches!(&call.result, Err(Failed { outcome: Outcome::NotExecuted, error }) if error == "Closed");
            refused && call.begun >= asked
        });
        audit.gone(leaving.pid());
        drop(leaving);

        members.push(group.spawn());
        let newest = members.last().unwrap();
        newest.started();
        enlist(newest);
        group.ledger.publish("news", round);
        members.iter().zip(&from).for_each(|(member, from)| arrives(member, *from, round));
        arrives(newest, 0, round);
        members.iter().for_each(|member| audit.hear(member));
        audit.next_round();
    }
    finish(&members);
    members.iter().for_each(|member| audit.hear(member));
    let totals = audit.end();
    println!("{restarts} restarts, {leaders} of them of leaders\n{totals}\n");
    println!("{}", table("calls under load", &[("while members restart", &totals.latencies)]));
    assert_eq!(totals.failed(), 0, "{totals}");
    assert_eq!((totals.notes_lost, totals.notes_told.len()), (0, 0), "{totals}");
    totals.assert_all_kinds();
    assert_eq!(leaders, restarts / 2);
    let book = group.ledger.book();
    assert_eq!((book.connections.len() as u64, book.most_at_once), (leaders + 1, 1));
}
