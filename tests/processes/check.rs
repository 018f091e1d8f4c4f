//! What the members were told about their calls, held against what the ledger has seen.

use std::fmt;
use std::time::Duration;

use cluster_client::Outcome;
use support::ledger::Ledger;
use support::report::{Called, Done, Failed, LOOK};

/// The deadline of a call and the time to notice it on a busy machine.
const AT_MOST: Duration = Duration::from_secs(5);

/// How many calls ended how.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) done: usize,
    pub(crate) not_executed: usize,
    pub(crate) unknown: usize,
}

/// Panics on the first call that was told something else than what became of it.
pub(crate) fn check(calls: &[Called], ledger: &Ledger) -> Totals {
    let book = ledger.book();
    assert_eq!(book.complaints, Vec::<String>::new());
    let mut totals = Totals::default();
    for call in calls {
        let ran = book.executions.get(&call.token).map_or(&[][..], Vec::as_slice);
        match &call.result {
            Ok(Done { epoch }) => {
                totals.done += 1;
                assert!(ran.iter().any(|ran| ran.epoch == *epoch), "{call:?} ran {ran:?}");
            }
            Err(Failed { outcome: Outcome::NotExecuted, .. }) => {
                totals.not_executed += 1;
                assert!(ran.is_empty(), "{call:?} ran {ran:?}");
            }
            Err(Failed { outcome: Outcome::Unknown, .. }) => totals.unknown += 1,
            Err(Failed { outcome: Outcome::Executed, .. }) => panic!("{call:?}"),
        }
        let took = call.ended.since(call.begun);
        assert!(took < AT_MOST, "{call:?} took {took:?}");
    }
    // Those of members that were killed before they could say how they went are among these.
    for (token, ran) in &book.executions {
        assert!(ran.len() == 1 || token.starts_with(LOOK), "{token} ran {ran:?}");
        assert!(ran.iter().all(|again| again.call == ran[0].call), "{token} ran {ran:?}");
        assert!(ran.is_sorted_by_key(|ran| ran.epoch), "{token} ran {ran:?}");
    }
    totals
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, not_executed, unknown } = self;
        write!(f, "{done} calls done, {unknown} unknown, {not_executed} not executed")
    }
}
