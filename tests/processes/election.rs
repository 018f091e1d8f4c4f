//! Members that are started at the same moment.

use support::ledger::Ledger;
use support::process::Group;
use support::report::Done;

use crate::{MEMBER, alone};

#[test]
fn of_eight_started_at_once_exactly_one_leads() {
    let _alone = alone();
    let mut group = Group::new(MEMBER);
    let mut last_epoch = 0;
    for round in 1..=20 {
        let members = group.start(8);
        assert_eq!(members.iter().filter(|member| member.started()).count(), 1, "round {round}");

        let epoch = only_client(&group.ledger);
        assert!(epoch > last_epoch, "round {round}: epoch {epoch} after {last_epoch}");
        last_epoch = epoch;
        for member in &members {
            let called = member.call(&format!("work-{}", member.pid()));
            assert!(matches!(called.result, Ok(Done { epoch: ran }) if ran == epoch), "{called:?}");
        }
        assert_eq!(only_client(&group.ledger), epoch);

        let next = group.next();
        drop(members);
        group = next;
        if round % 5 == 0 {
            println!("{round} times 8 members started at once");
        }
    }
}

/// The epoch of the one real client that was ever built.
fn only_client(ledger: &Ledger) -> u64 {
    let book = ledger.book();
    assert_eq!((book.connections.len(), book.most_at_once), (1, 1));
    book.connections[0].epoch
}
