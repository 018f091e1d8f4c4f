//! What happened in histories, in figures.

use std::fmt;
use std::ops::AddAssign;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    pub(crate) closes: u64,
    pub(crate) cuts: u64,
    /// Times that the whole machine slept.
    pub(crate) sleeps: u64,
    /// Leaderships but the first.
    pub(crate) takeovers: u64,
    /// Members that stood alone.
    pub(crate) alone: u64,
    pub(crate) calls: u64,
    pub(crate) acknowledged: u64,
    pub(crate) not_executed: u64,
    pub(crate) busy: u64,
    pub(crate) unknown: u64,
    /// Calls that were dropped before their end.
    pub(crate) dropped: u64,
    pub(crate) reads: u64,
    pub(crate) missed: u64,
    /// Shared keys of which it is known what is to be published under them.
    pub(crate) settled: u64,
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        // All of them, or it does not compile.
        let Self {
            kills,
            stops,
            closes,
            cuts,
            sleeps,
            takeovers,
            alone,
            calls,
            acknowledged,
            not_executed,
            busy,
            unknown,
            dropped,
            reads,
            missed,
            settled,
        } = other;
        self.kills += kills;
        self.stops += stops;
        self.closes += closes;
        self.cuts += cuts;
        self.sleeps += sleeps;
        self.takeovers += takeovers;
        self.alone += alone;
        self.calls += calls;
        self.acknowledged += acknowledged;
        self.not_executed += not_executed;
        self.busy += busy;
        self.unknown += unknown;
        self.dropped += dropped;
        self.reads += reads;
        self.missed += missed;
        self.settled += settled;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, stops, closes, cuts, sleeps, takeovers, alone, .. } = self;
        let Self {
            calls,
            acknowledged,
            not_executed,
            busy,
            unknown,
            dropped,
            reads,
            missed,
            settled,
            ..
        } = self;
        write!(
            f,
            "kills={kills} stops={stops} closes={closes} cuts={cuts} sleeps={sleeps} takeovers={takeovers} alone={alone} calls={calls} "
        )?;
        write!(
            f,
            "acknowledged={acknowledged} not_executed={not_executed} busy={busy} unknown={unknown} dropped={dropped} reads={reads} missed={missed} settled={settled}"
        )
    }
}
