//! What a member process is told on its standard input, and what it says on its standard output: a line of JSON each.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cluster_client::Outcome;
use serde::{Deserialize, Serialize};

use crate::flood::Tally;

/// How a member process is to join. Its only argument, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    pub port: u16,
    /// Where the ledger listens.
    pub ledger: u16,
    /// It never leads.
    pub follower_only: bool,
    pub heartbeat_interval: Duration,
    /// It serves itself after so much silence of its leader.
    pub standalone_after: Option<Duration>,
    /// Node processes may join, and lead.
    pub node_compat: bool,
    /// It can open no more files or sockets once it runs.
    pub out_of_descriptors: bool,
}

/// What a member is told to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    Call {
        token: String,
    },
    /// Calls of these kinds, each in a task of its own, one after the other and none sooner than `every` after the one
    /// before, until it is told to stop.
    Load {
        kinds: Vec<String>,
        every: Duration,
    },
    Stop,
    Register {
        name: String,
    },
    Watch {
        topic: String,
    },
    /// Starts a process that outlives this one.
    SpawnChild,
    /// Leaves the cluster and stays alive.
    Close,
    /// Joins again after that.
    Rejoin,
    /// Has its real client send so many updates of both kinds, of so many bytes each.
    Pour {
        updates: u64,
        size: usize,
    },
    /// Reads those.
    Drink,
    /// What has it read?
    Tally,
    /// How many tasks does it have?
    CountTasks,
}

/// What a member says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Report {
    Started {
        leads: bool,
    },
    NotStarted {
        error: String,
    },
    Called(Called),
    /// The load has ended: so many calls were begun so far, and as many have been reported.
    Stopped {
        begun: usize,
    },
    Registered,
    Watching,
    News(u64),
    Resynced,
    /// A cluster event in its debug form.
    Event(String),
    /// One of those says that so many one-way calls failed.
    OnewaysFailed(OnewaysFailed),
    Child(u32),
    Closed,
    Rejoined,
    Tasks(usize),
    Poured {
        last: u64,
    },
    Drinking,
    Tally(Tally),
    /// A task has panicked, and this process ends.
    Panicked(String),
}

/// How the tokens of calls begin whose method is idempotent.
pub const LOOK: &str = "look";
/// Of these, how those begin that the real client takes its time for.
pub const LONG_LOOK: &str = "look_long";
/// How those begin that nobody is answered.
pub const NOTE: &str = "note";
/// How those begin that may not be repeated and that it takes its time for too, so that leaders die in the middle of them.
pub const WORK: &str = "work";

/// How those begin that are answered at once.
pub const QUICK: &str = "quick";

/// One task each of what a member calls.
pub const KINDS: [&str; 8] = [WORK, LOOK, QUICK, LONG_LOOK, QUICK, NOTE, LOOK, QUICK];

/// The process that a token was made in.
pub fn caller(token: &str) -> Option<u32> {
    token.split('-').nth(1)?.parse().ok()
}

/// The task that a token was made by, and which of its calls it was.
pub fn numbered(token: &str) -> Option<(&str, u64)> {
    let (task, number) = token.rsplit_once('-')?;
    Some((task, number.parse().ok()?))
}

/// How one call went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Called {
    /// Which call it was; the ledger knows it by this too.
    pub token: String,
    pub result: Result<Done, Failed>,
    pub begun: Moment,
    pub ended: Moment,
}

/// The real client has done it, in that epoch; 0 if it is only queued.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Done {
    pub epoch: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failed {
    pub outcome: Outcome,
    pub error: String,
}

/// What a member was told of one-way calls that it may have made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OnewaysFailed {
    pub calls: u64,
    pub failed: Failed,
    pub at: Moment,
}

/// A time that all processes of the machine agree on: since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment(Duration);

impl Moment {
    pub fn now() -> Self {
        Self(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
    }

    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
