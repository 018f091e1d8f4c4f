//! The registry server's book, and what it says about the calls that the workers made.

use std::collections::{HashMap, HashSet};

/// How often the server ran which call.
pub struct Book(HashMap<u64, u32>);

impl Book {
    pub fn new(runs: Vec<(u64, u32)>) -> Self {
        Self(runs.into_iter().collect())
    }

    pub fn runs(&self) -> usize {
        self.0.values().map(|runs| *runs as usize).sum()
    }

    /// How many of these calls are not in the book.
    pub fn never_ran(&self, calls: &HashSet<u64>) -> usize {
        calls.iter().filter(|id| !self.0.contains_key(*id)).count()
    }

    /// How many of the calls that are `such` ran more than once.
    pub fn ran_twice(&self, such: impl Fn(u64) -> bool) -> usize {
        self.0.iter().filter(|(id, runs)| such(**id) && **runs > 1).count()
    }
}
