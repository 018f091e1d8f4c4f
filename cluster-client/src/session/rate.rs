//! How much of something is allowed in a time.

use std::time::{Duration, Instant};

/// So many a second in the long run, and so many at once: a token bucket.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// The time in which one more becomes allowed.
    interval: Duration,
    /// The time in which an empty bucket becomes full.
    burst: Duration,
    full_at: Option<Instant>,
}

impl RateLimit {
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self { interval, burst: interval * burst, full_at: None }
    }

    /// Whether one more is allowed, which is then taken.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + self.interval;
        let admitted = full_at - now <= self.burst;
        if admitted {
            self.full_at = Some(full_at);
        }
        admitted
    }
}

/// So many within a window, which begins with the first of them.
#[derive(Debug)]
pub(crate) struct Window {
    limit: usize,
    length: Duration,
    ends: Option<Instant>,
    count: usize,
}

impl Window {
    pub(crate) fn new(limit: usize, length: Duration) -> Self {
        Self { limit, length, ends: None, count: 0 }
    }

    /// Whether one more is allowed, which is then counted.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        if self.ends.is_none_or(|ends| now >= ends) {
            self.ends = Some(now + self.length);
            self.count = 0;
        }
        let admitted = self.count < self.limit;
        self.count += usize::from(admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn admitted(mut admit: impl FnMut() -> bool) -> usize {
        (0..1000).filter(|_| admit()).count()
    }

    #[test]
    fn so_many_at_once_and_so_many_a_second() {
        let start = Instant::now();
        let mut rate = RateLimit::new(10, 20);
        assert_eq!(admitted(|| rate.admit(start)), 20);
        assert_eq!(admitted(|| rate.admit(start + SECOND / 2)), 5);
        assert_eq!(admitted(|| rate.admit(start + SECOND * 100)), 20, "no more than is full");
        for second in 101..110 {
            assert_eq!(admitted(|| rate.admit(start + SECOND * second)), 10);
        }
    }

    #[test]
    fn a_rate_beyond_the_clock_is_none() {
        let start = Instant::now();
        let mut rate = RateLimit::new(u32::MAX, 1);
        assert_eq!(admitted(|| rate.admit(start)), 1000);
    }

    #[test]
    fn so_many_within_a_window() {
        let start = Instant::now();
        let mut window = Window::new(3, SECOND * 10);
        assert_eq!(admitted(|| window.admit(start + SECOND)), 3);
        assert!(!window.admit(start + SECOND * 10), "it began with the first");
        assert_eq!(admitted(|| window.admit(start + SECOND * 11)), 3);
    }
}
