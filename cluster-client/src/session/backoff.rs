//! How long to wait before the next attempt to win the port or to reach its owner.

use std::time::Duration;

/// The delays of a row of failed attempts: the first ones at once, the others anywhere between nothing and
/// a ceiling that doubles, so that the members do not try in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    attempts: u32,
    at_once: u32,
    first_ceiling: Duration,
    last_ceiling: Duration,
}

impl Default for Backoff {
    /// The first one at once, then from 5 ms to 500 ms: for what costs nothing but a few system calls.
    fn default() -> Self {
        Self::new(1, Duration::from_millis(5), Duration::from_millis(500))
    }
}

impl Backoff {
    /// From 5 ms, or less if that is the longest, with two at once: for the port. A process that is killed closes its
    /// connections before its listener, and what the first attempt has connected to then is reset just when the port is free.
    pub(crate) fn for_port(longest: Duration) -> Self {
        Self::new(2, Duration::from_millis(5).min(longest), longest)
    }

    /// From 100 ms to 5 s, none of them at once: for a real client, which costs a server something.
    pub(crate) fn slow() -> Self {
        Self::new(0, Duration::from_millis(100), Duration::from_secs(5))
    }

    fn new(at_once: u32, first_ceiling: Duration, last_ceiling: Duration) -> Self {
        Self { attempts: 0, at_once, first_ceiling, last_ceiling }
    }

    /// The delay before the next attempt, given 64 random bits.
    pub(crate) fn next_delay(&mut self, random: u64) -> Duration {
        let attempt = self.attempts;
        self.attempts = attempt.saturating_add(1);
        let Some(doublings) = attempt.checked_sub(self.at_once) else {
            return Duration::ZERO;
        };
        let factor = 2_u32.saturating_pow(doublings);
        let ceiling = self.first_ceiling.saturating_mul(factor).min(self.last_ceiling);
        ceiling.mul_f64(random as f64 / u64::MAX as f64)
    }

    /// An attempt succeeded: the next row starts anew.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(backoff: &mut Backoff, random: u64, attempts: usize) -> Vec<u128> {
        (0..attempts).map(|_| backoff.next_delay(random).as_millis()).collect()
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_longest() {
        let mut backoff = Backoff::default();
        assert_eq!(millis(&mut backoff, u64::MAX, 10), [0, 5, 10, 20, 40, 80, 160, 320, 500, 500]);
        backoff.reset();
        assert_eq!(millis(&mut backoff, u64::MAX, 2), [0, 5]);
        let mut shorter = Backoff::for_port(Duration::from_millis(12));
        assert_eq!(millis(&mut shorter, u64::MAX, 6), [0, 0, 5, 10, 12, 12]);
        backoff.attempts = u32::MAX;
        assert_eq!(millis(&mut backoff, u64::MAX, 2), [500, 500]);
    }

    #[test]
    fn what_is_tried_at_once_is_not_delayed() {
        let mut for_port = Backoff::for_port(Duration::from_millis(500));
        assert_eq!(millis(&mut for_port, u64::MAX, 4), [0, 0, 5, 10]);
        assert_eq!(millis(&mut Backoff::slow(), u64::MAX, 3), [100, 200, 400]);
    }

    #[test]
    fn a_delay_is_anywhere_below_the_ceiling() {
        assert_eq!(millis(&mut Backoff::default(), 0, 4), [0, 0, 0, 0]);
        assert_eq!(millis(&mut Backoff::default(), u64::MAX / 2, 5), [0, 2, 5, 10, 20]);
    }
}
