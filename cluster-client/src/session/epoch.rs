//! The number of a leadership.

use crate::planted::{Bug, planted};

/// The epoch of a leadership that begins now: greater than the one stored by the leadership before it on
/// this machine and than any heard of (0: none), and not less than the clock, in microseconds of the Unix
/// time. So it only fails to increase if the stored one is lost, no peer knows it and the clock has
/// stepped back.
pub(crate) fn next(now_micros: u64, stored: Option<u64>, highest_seen: u64) -> u64 {
    if planted(Bug::IgnoresKnownEpochs) {
        return now_micros;
    }
    let known = highest_seen.max(stored.unwrap_or(0));
    now_micros.max(known.saturating_add(1))
}

/// The epoch of a member that stands in for a silent leader: that leader's own, so that it is neither outdone nor undercut.
/// 0 if nothing is known of it.
pub(crate) fn of_silent(stored: Option<u64>, highest_seen: u64) -> u64 {
    if highest_seen > 0 { highest_seen } else { stored.unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::{next, of_silent};

    #[test]
    fn who_stands_in_has_the_epoch_of_the_silent_leader() {
        assert_eq!(of_silent(Some(7), 5), 5);
        assert_eq!(of_silent(Some(7), 0), 7);
        assert_eq!(of_silent(None, 0), 0);
    }

    #[test]
    fn follows_the_clock_and_never_goes_back() {
        assert_eq!(next(1_000, None, 0), 1_000);
        assert_eq!(next(1_000, Some(999), 500), 1_000);
        assert_eq!(next(1_000, Some(1_000), 0), 1_001);
        assert_eq!(next(1_000, Some(5_000), 0), 5_001);
        assert_eq!(next(1_000, Some(5_000), 7_000), 7_001);
        assert_eq!(next(0, Some(u64::MAX), 0), u64::MAX);
    }
}
