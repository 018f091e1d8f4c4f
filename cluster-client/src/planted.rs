//! Bugs that can be planted, to prove that the tests would find them. Only a build with `--cfg planted` has them; in any
//! other, looking for one is `false` to the compiler.

#[cfg(planted)]
use std::sync::LazyLock;

macro_rules! bugs {
    ($($bug:ident,)*) => {
        /// A bug, in the words of what the library does with it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, unreachable_pub, reason = "the names say it; public where it is planted")]
        pub enum Bug {
            $($bug,)*
        }

        #[cfg(planted)]
        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$bug,)*];
        }
    };
}

bugs! {
    ResendsUnknownCalls,
    SaysNotExecutedOfUnknownCalls,
    AcknowledgesUnknownCalls,
    GivesUpUnsentCalls,
    GivesUpIdempotentCalls,
    RenumbersRetriedCalls,
    TakesBackAcceptedCalls,
    CutsOffAcceptedCalls,
    RunsCancelledCalls,
    RunsCallsOfTheDead,
    RunsCallsGivenUpMeanwhile,
    ForgetsDeadlines,
    HidesLostOneways,
    HidesExpiredOneways,
    RefusesToWait,
    KeepsPlacesOfWaitingCalls,
    KeepsBytesOfEndedCalls,
    LeavesClientOpen,
    IgnoresKnownEpochs,
    TellsAnOlderEpoch,
    BlamesOthersWhenLate,
    HidesMissed,
    HidesResynced,
    ResyncsWithoutNeed,
    JoinsLate,
    RepeatsAfterTakeover,
    PushesTwice,
    KeepsOlderPush,
    RetainsFirstValue,
    ForgetsSubscriptions,
    SubscribesUpstreamTwice,
    KeepsUpstream,
    ForgetsPublications,
    KeepsPublicationsOfTheDead,
    UndoesOutOfTurn,
    RestoresOverNewer,
    LeavesGivenUpCallsInTheQueue,
    KeepsStandInOpen,
    IgnoresPushesAfterStandingAlone,
    ForgetsPublicationsOnReturn,
    SkipsUndo,
    CountsPublicationsTwice,
    KeepsBytesOfFollowersCalls,
}

#[cfg(planted)]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Gives this thread a bug, in place of the one it had.
#[cfg(planted)]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether this thread has the bug, or the whole process, for which `PLANTED_BUG` names it.
#[cfg(planted)]
pub(crate) fn planted(bug: Bug) -> bool {
    static OF_PROCESS: LazyLock<Option<Bug>> = LazyLock::new(|| {
        let name = std::env::var("PLANTED_BUG").ok()?;
        Bug::ALL.iter().copied().find(|bug| format!("{bug:?}") == name)
    });
    PLANTED.get().or(*OF_PROCESS) == Some(bug)
}

#[cfg(not(planted))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}
