//! Many durations in little memory.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How many there were of each length, to two hundredths of it.
#[derive(Clone, Default)]
pub(crate) struct Times {
    counts: BTreeMap<i32, u64>,
    count: u64,
    max: Duration,
}

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        let bucket = (time.as_secs_f64().max(1e-9).ln() * 50.0).round() as i32;
        *self.counts.entry(bucket).or_default() += 1;
        self.count += 1;
        self.max = self.max.max(time);
    }

    pub(crate) fn append(&mut self, others: Self) {
        for (bucket, count) in others.counts {
            *self.counts.entry(bucket).or_default() += count;
        }
        self.count += others.count;
        self.max = self.max.max(others.max);
    }

    /// So many hundredths are no longer than this.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        let rank = (self.count as f64 * percent / 100.0).ceil() as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        bucket.map_or(Duration::ZERO, |(bucket, _)| {
            Duration::from_secs_f64((f64::from(*bucket) / 50.0).exp()).min(self.max)
        })
    }

    pub(crate) fn max(&self) -> Duration {
        self.max
    }
}

/// A line of a table.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99] = [50.0, 99.0].map(|percent| self.percentile(percent));
        write!(f, "{:>9} {p50:>10.1?} {p99:>10.1?} {:>10.1?}", self.count, self.max)
    }
}

/// A table of them, each with a name.
pub(crate) fn table(title: &str, rows: &[(&str, &Times)]) -> String {
    let mut table =
        format!("{title:<44} {:>9} {:>10} {:>10} {:>10}", "samples", "p50", "p99", "max");
    for (name, times) in rows {
        table.push_str(&format!("\n{name:<44} {times}"));
    }
    table
}

#[test]
fn a_percentile_is_within_two_hundredths() {
    let mut times = Times::default();
    (1..=1_000).for_each(|millis| times.add(Duration::from_millis(millis)));
    for (percent, millis) in [(50.0, 500.0), (99.0, 990.0), (100.0, 1_000.0)] {
        let found = times.percentile(percent).as_secs_f64() * 1_000.0;
        assert!((found / millis - 1.0).abs() < 0.02, "{found} instead of {millis}");
    }
}
