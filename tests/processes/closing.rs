//! Leaders that leave in good order.

use cluster_client::Outcome;
use support::process::{Group, Member};
use support::report::{Called, Command, Failed, Report};

use crate::check::check;
use crate::duty::{enlist, first_success, news_in_order, stop};
use crate::{MEMBER, alone};

#[test]
fn ten_leaders_close_under_load_and_no_call_fails() {
    let _alone = alone();
    let group = Group::new(MEMBER);
    let mut members = group.start(8);
    members.iter().for_each(enlist);

    let mut calls = Vec::new();
    for round in 1..=10 {
        let (leader, epoch) = (group.leader(&members), group.ledger.book().client().unwrap().epoch);
        let from: Vec<usize> = members.iter().map(|member| member.reports().len()).collect();
        let closed = |report: &Report| matches!(report, Report::Closed).then_some(());
        members[leader].ask(&Command::Close, closed);

        calls.extend(stop_closed(&members[leader]));
        for (member, from) in members.iter().zip(&from) {
            if member.pid() != members[leader].pid() {
                first_success(member, *from, epoch);
            }
        }
        group.ledger.publish("news", round);
        members[leader] = group.spawn();
        members[leader].started();
        enlist(&members[leader]);
    }
    for member in &members {
        calls.extend(stop(member));
        news_in_order(member);
    }
    let failed: Vec<&Called> = calls.iter().filter(|call| call.result.is_err()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let totals = check(&calls, &group.ledger);
    println!("10 leaders closed: {totals}");
    let book = group.ledger.book();
    assert_eq!((book.connections.len(), book.most_at_once), (11, 1));
}

/// The calls of a member that is closed. Those that it has made since are refused, as they must be.
fn stop_closed(member: &Member) -> Vec<Called> {
    let refused = |call: &Called| matches!(&call.result, Err(Failed { outcome: Outcome::NotExecuted, error }) if error.contains("Closed"));
    stop(member).into_iter().filter(|call| !refused(call)).collect()
}
