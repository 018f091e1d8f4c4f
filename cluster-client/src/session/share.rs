//! What many connections hold together, counted without touching anything shared for each packet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is counted may be wrong by so much for each connection.
const STEP: usize = 16 * 1024;

/// The sum of all shares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Total(Arc<AtomicUsize>);

/// What one connection holds.
#[derive(Debug)]
pub(crate) struct Share {
    total: Total,
    counted: usize,
}

impl Total {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn share(&self) -> Share {
        Share { total: self.clone(), counted: 0 }
    }
}

impl Share {
    /// It holds so much now.
    pub(crate) fn set(&mut self, bytes: usize) {
        if bytes.abs_diff(self.counted) >= STEP {
            self.count(bytes);
        }
    }

    fn count(&mut self, bytes: usize) {
        let total = &self.total.0;
        if bytes > self.counted {
            total.fetch_add(bytes - self.counted, Ordering::Relaxed);
        } else {
            total.fetch_sub(self.counted - bytes, Ordering::Relaxed);
        }
        self.counted = bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.count(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_right_but_for_a_step_of_each() {
        let total = Total::default();
        let (mut one, mut other) = (total.share(), total.share());
        one.set(STEP - 1);
        assert_eq!(total.bytes(), 0);
        one.set(5 * STEP);
        other.set(2 * STEP);
        one.set(4 * STEP + 1);
        assert_eq!(total.bytes(), 7 * STEP);
        one.set(10);
        assert_eq!(total.bytes(), 2 * STEP + 10);
        drop(other);
        assert_eq!(total.bytes(), 10);
        drop(one);
        assert_eq!(total.bytes(), 0);
    }
}
