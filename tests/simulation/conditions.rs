//! What a seed decides beforehand: what may happen to the members, and how they are set up.

use std::ops::Range;
use std::time::Duration;

use cluster_client::Limits;

/// In a quarter of the seeds members only close and start, in an eighth the machine sleeps, in an eighth members stand alone,
/// and in an eighth they have little room.
#[derive(Clone)]
pub(crate) struct Conditions {
    pub(crate) weather: Weather,
    /// After so much silence a member serves itself.
    pub(crate) standalone_after: Option<Duration>,
    /// Small bounds: a call may be refused as busy.
    pub(crate) cramped: Option<Limits>,
}

/// What may happen.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Weather {
    /// Members close and others start, as in a rolling restart: no call may fail.
    Calm,
    /// Anything.
    Rough,
    /// Anything, and the machine sleeps for a while.
    Sleepy,
}

impl Conditions {
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(!seed);
        let kind = seed % 8;
        Self {
            weather: match kind {
                0 | 4 => Weather::Calm,
                6 => Weather::Sleepy,
                _ => Weather::Rough,
            },
            standalone_after: (kind == 3).then(|| HEARTBEAT * random.u32(3..8)),
            cramped: (kind == 5).then(|| cramped(&mut random)),
        }
    }

    /// Where members stand alone they ask earlier whether a leader lives: the least they wait is three of these.
    pub(crate) fn heartbeat_interval(&self) -> Option<Duration> {
        self.standalone_after.map(|_| HEARTBEAT)
    }

    /// How long the server takes at most, twice. Where no call may fail, handing over must not take longer than calls wait, and
    /// it waits for them.
    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_millis(if self.is_calm() { 50 } else { 300 })
    }

    /// How many bytes some calls carry. Where members stand alone, more than a connection takes while its other end is stopped: what is
    /// called behind it is not written when the leader is given up.
    pub(crate) fn ballast(&self) -> usize {
        if self.stand_alone() { 300 << 10 } else { 0 }
    }

    /// How many bytes a second a slow process reads, on each of its connections. A call with ballast has to come within seconds.
    pub(crate) fn slow_rates(&self) -> Range<u64> {
        if self.stand_alone() { 50_000..500_000 } else { 500..50_000 }
    }

    pub(crate) fn stand_alone(&self) -> bool {
        self.standalone_after.is_some()
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.weather == Weather::Calm
    }
}

const HEARTBEAT: Duration = Duration::from_millis(400);

/// As little as the members can do with: all that they are subscribed to and have published finds room, each value of every key
/// is retained, and each call can be made when no other one is.
fn cramped(random: &mut fastrand::Rng) -> Limits {
    Limits {
        in_flight: random.usize(4..16),
        in_flight_bytes: random.usize(64..256),
        in_flight_per_follower: random.usize(1..4),
        in_flight_bytes_per_follower: random.usize(16..64),
        busy_retry_burst: random.u32(0..8),
        waiting_calls: random.usize(1..4),
        waiting_bytes: random.usize(32..128),
        outbound_bytes: random.usize(128..1024),
        outbound_bytes_total: random.usize(32..128) << 10,
        frames_per_turn: random.usize(1..4),
        bytes_per_turn: random.usize(1..512),
        subscriptions: 9,
        subscriptions_per_follower: 9,
        retained_items: 8,
        publications_per_follower: 4,
        ..Limits::default()
    }
}
