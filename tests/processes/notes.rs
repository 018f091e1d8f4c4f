//! One-way calls that failed, as the members were told of them: not which, but how many.

use support::report::{Called, OnewaysFailed, caller};

/// What a member was told, less what was found to be meant by it.
pub(crate) struct Told {
    pid: u32,
    what: OnewaysFailed,
}

impl Told {
    pub(crate) fn new(pid: u32, what: OnewaysFailed) -> Self {
        Self { pid, what }
    }

    fn may_mean(&self, call: &Called) -> bool {
        let Self { pid, what } = self;
        // What came to a leader too late is told there, and who called is not told.
        let of_the_caller = !what.failed.error.starts_with("DeadlineExceeded");
        what.calls > 0
            && what.at >= call.ended
            && (!of_the_caller || caller(&call.token) == Some(*pid))
    }
}

/// Whether this call may be one of those that somebody was told of. Each can be found so often only.
pub(crate) fn find<'t>(call: &Called, told: impl IntoIterator<Item = &'t mut Told>) -> bool {
    let told = told.into_iter().find(|told| told.may_mean(call));
    told.map(|told| told.what.calls -= 1).is_some()
}

#[cfg(test)]
mod tests {
    use cluster_client::Outcome;
    use support::report::{Done, Failed, Moment};

    use super::*;

    #[test]
    fn what_is_told_is_that_of_its_member_and_comes_after_the_calls() {
        let early = Moment::now();
        let late = std::iter::repeat_with(Moment::now).find(|now| *now > early).unwrap();
        let call = |pid: u32, ended| {
            let token = format!("note-{pid}-5-1");
            Called { token, result: Ok(Done { epoch: 0 }), begun: early, ended }
        };
        let told = |error: &str, at| {
            let failed = Failed { outcome: Outcome::Unknown, error: error.to_owned() };
            [Told::new(1, OnewaysFailed { calls: 2, failed, at })]
        };
        let mut lost = told("Disconnected { .. }", late);
        assert!(!find(&call(2, early), &mut lost), "another member");
        assert!(find(&call(1, early), &mut lost) && find(&call(1, late), &mut lost));
        assert!(!find(&call(1, early), &mut lost), "two only");
        assert!(!find(&call(1, late), &mut told("Disconnected { .. }", early)), "before the call");
        assert!(find(&call(2, early), &mut told("DeadlineExceeded { .. }", late)));
    }
}
