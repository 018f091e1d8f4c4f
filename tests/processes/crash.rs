//! Leaders that are killed while calls are under way.

use std::collections::BTreeSet;
use std::time::Duration;

use support::process::Group;
use support::report::{Moment, Report, Setup};

use crate::check::check;
use crate::duty::{arrives, enlist, first_success, name, news_in_order, stop};
use crate::{MEMBER, alone};

const ROUNDS: u64 = 50;

/// Far beyond what it takes; the table says how long it did take.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn fifty_leaders_are_killed_under_load() {
    let _alone = alone();
    let group = Group::new(MEMBER);
    let mut members = group.start(7);
    // It never leads, so it is never killed.
    let witness = group.spawn_as(&Setup { follower_only: true, ..group.setup.clone() });
    witness.started();
    members.push(witness);
    members.iter().for_each(enlist);

    let mut calls = Vec::new();
    let mut times = Vec::new();
    let mut descriptors = Vec::new();
    for round in 1..=ROUNDS {
        let (leader, epoch) = (group.leader(&members), group.ledger.book().client().unwrap().epoch);
        let from: Vec<usize> = members.iter().map(|member| member.reports().len()).collect();
        group.ledger.will_be_killed(members[leader].pid());
        let killed = Moment::now();
        members[leader].kill();

        let survivors = || {
            members.iter().zip(&from).filter(|(member, _)| member.pid() != members[leader].pid())
        };
        times.extend(
            survivors().map(|(member, from)| first_success(member, *from, epoch).since(killed)),
        );
        let names: BTreeSet<String> = survivors().map(|(member, _)| name(member)).collect();
        group.ledger.wait("the publications of all survivors", |book| {
            (book.client()?.registered == names).then_some(())
        });
        group.ledger.publish("news", round);
        survivors().for_each(|(member, from)| arrives(member, *from, round));

        let dead = std::mem::replace(&mut members[leader], group.spawn());
        calls.extend(dead.calls());
        members[leader].started();
        enlist(&members[leader]);
        arrives(&members[leader], 0, round);

        descriptors.extend(members[7].descriptors());
        if round % 10 == 0 {
            println!("{round} leaders killed");
        }
    }

    for member in &members {
        calls.extend(stop(member));
        news_in_order(member);
    }
    let totals = check(&calls, &group.ledger);
    let book = group.ledger.book();
    assert_eq!((book.connections.len() as u64, book.most_at_once), (ROUNDS + 1, 1));
    let resynced = |report: &&Report| matches!(report, Report::Resynced);
    let resynced = members[7].reports().iter().filter(resynced).count();
    assert!(resynced as u64 >= ROUNDS, "{resynced} times");
    // Each round has made and lost a connection.
    let settled = descriptors.get(4).copied();
    assert!(descriptors.last().copied() <= settled.map(|settled| settled + 2), "{descriptors:?}");

    times.sort_unstable();
    println!("{totals}\n\nfrom the kill to a survivor's first success, {} samples", times.len());
    println!("{:>10} {:>10} {:>10}", "p50", "p99", "max");
    let [p50, p99, max] = [50, 99, 100].map(|percent| times[(times.len() - 1) * percent / 100]);
    println!("{p50:>10.1?} {p99:>10.1?} {max:>10.1?}");
    assert!(max < TAKEN_OVER_WITHIN, "{max:?}");
}

#[test]
fn the_publication_of_a_follower_that_is_killed_is_taken_back() {
    let _alone = alone();
    let group = Group::new(MEMBER);
    let mut members = group.start(3);
    members.iter().for_each(enlist);

    let follower = (group.leader(&members) + 1) % 3;
    members[follower].kill();
    let dead = members.swap_remove(follower);
    let names: BTreeSet<String> = members.iter().map(name).collect();
    group.ledger.wait("the publications of the two that live", |book| {
        (book.client()?.registered == names).then_some(())
    });

    let mut calls = dead.calls();
    for member in &members {
        calls.extend(stop(member));
    }
    assert!(calls.iter().all(|call| call.result.is_ok()), "the others notice nothing");
    check(&calls, &group.ledger);
    assert_eq!(group.ledger.book().connections.len(), 1);
}
