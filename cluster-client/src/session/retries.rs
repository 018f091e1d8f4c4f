//! How often calls that a busy leader has turned away are sent again. Without a bound, what is sent again is what keeps it
//! busy.

/// What one retry costs. A call earns as many as its per cent.
const RETRY: u64 = 100;

/// A bucket that calls fill and retries empty.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    percent: u64,
    most: u64,
    tokens: u64,
    /// How many calls have been counted.
    calls: u64,
}

impl RetryBudget {
    /// So many retries at once, and so many for each hundred calls.
    pub(crate) fn new(burst: u32, percent: u32) -> Self {
        let most = u64::from(burst) * RETRY;
        Self { percent: percent.into(), most, tokens: most, calls: 0 }
    }

    /// Whether one more may be made, when so many calls have been made in all.
    pub(crate) fn take(&mut self, calls: u64) -> bool {
        let earned = calls.saturating_sub(self.calls).saturating_mul(self.percent);
        self.calls = self.calls.max(calls);
        self.tokens = self.tokens.saturating_add(earned).min(self.most);
        let left = self.tokens.checked_sub(RETRY);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_a_part_of_the_calls() {
        let mut budget = RetryBudget::new(3, 10);
        let retries =
            |budget: &mut RetryBudget, calls| (0..10).filter(|_| budget.take(calls)).count();
        assert_eq!(retries(&mut budget, 1), 3);
        assert_eq!(retries(&mut budget, 10), 0, "nine calls earn nine tenths");
        assert_eq!(retries(&mut budget, 11), 1);
        assert_eq!(retries(&mut budget, 31), 2);
        assert_eq!(retries(&mut budget, 1_000_000), 3, "no more than the burst is kept");
        assert_eq!(retries(&mut RetryBudget::new(0, 10), 100), 0);
    }
}
