//! One seed, from the first process to the last check.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use cluster_client::Role;
use cluster_client::testing::{Network, Process};
use tokio::time::sleep;

use crate::check;
use crate::counter::CounterProxy;
use crate::server::{KEYS, Server};
use crate::worker::{self, Log, Starting};

/// So many processes are kept running.
const PROCESSES: usize = 8;

/// So many things happen to them.
const FAULTS: u32 = 16;

/// What happened, in figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    pub(crate) closes: u64,
    pub(crate) cuts: u64,
    /// Leaderships but the first.
    pub(crate) takeovers: u64,
    pub(crate) calls: u64,
    pub(crate) acknowledged: u64,
    pub(crate) not_executed: u64,
    pub(crate) unknown: u64,
    pub(crate) reads: u64,
    pub(crate) missed: u64,
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.stops += other.stops;
        self.closes += other.closes;
        self.cuts += other.cuts;
        self.takeovers += other.takeovers;
        self.calls += other.calls;
        self.acknowledged += other.acknowledged;
        self.not_executed += other.not_executed;
        self.unknown += other.unknown;
        self.reads += other.reads;
        self.missed += other.missed;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, stops, closes, cuts, takeovers, calls, .. } = self;
        let Self { acknowledged, not_executed, unknown, reads, missed, .. } = self;
        write!(
            f,
            "kills={kills} stops={stops} closes={closes} cuts={cuts} takeovers={takeovers} calls={calls} "
        )?;
        write!(
            f,
            "acknowledged={acknowledged} not_executed={not_executed} unknown={unknown} reads={reads} missed={missed}"
        )
    }
}

/// Runs the history of a seed. An error: what did not hold.
pub(crate) fn run(seed: u64) -> Result<Summary, String> {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(World::new(seed).play())
}

struct World {
    random: fastrand::Rng,
    network: Network,
    server: Server,
    log: Log,
    members: Vec<Member>,
    summary: Summary,
}

struct Member {
    process: Process,
    starting: Option<Starting>,
    proxy: Option<CounterProxy>,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            network: Network::new(seed),
            server: Server::default(),
            log: Log::default(),
            members: Vec::new(),
            summary: Summary::default(),
        }
    }

    async fn play(mut self) -> Result<Summary, String> {
        let pushing = tokio::spawn(push(self.server.clone(), self.random.fork()));
        for _ in 0..PROCESSES {
            self.start();
        }
        for _ in 0..FAULTS {
            sleep(Duration::from_millis(self.random.u64(20..600))).await;
            self.started().await?;
            self.fault().await;
            while self.members.len() < PROCESSES {
                self.start();
            }
        }
        self.settle().await?;
        pushing.abort();
        for key in 0..KEYS {
            self.server.push(key);
        }
        // Longer than any call may take, and than it takes to find a leader.
        sleep(Duration::from_secs(5)).await;
        let alive: Vec<u32> = self.members.iter().map(|member| member.process.id()).collect();
        check::all(&self.server, &self.log, &alive, &mut self.summary)?;
        Ok(self.summary)
    }

    fn start(&mut self) {
        let process = self.network.process();
        let starting = worker::start(&process, &self.server, &self.log, self.random.u64(..));
        self.members.push(Member { process, starting: Some(starting), proxy: None });
    }

    /// Takes the proxies of members that have started.
    async fn started(&mut self) -> Result<(), String> {
        for member in &mut self.members {
            if member.starting.as_ref().is_some_and(|starting| starting.is_finished())
                && let Some(starting) = member.starting.take()
            {
                let started =
                    starting.await.map_err(|error| format!("a start panicked: {error}"))?;
                member.proxy = Some(started.map_err(|error| format!("a start failed: {error}"))?);
            }
        }
        Ok(())
    }

    /// Something happens to somebody; to the leader more often than to others.
    async fn fault(&mut self) {
        let leads = |member: &Member| {
            member.proxy.as_ref().is_some_and(|proxy| proxy.membership().role() == Role::Leader)
        };
        let leader = self.members.iter().position(leads);
        let any = self.random.usize(..self.members.len());
        let whom = if self.random.bool() { leader.unwrap_or(any) } else { any };
        match self.random.u8(..10) {
            0..4 => {
                self.members.remove(whom).process.kill();
                self.summary.kills += 1;
            }
            4..6 => {
                let process = self.members[whom].process.clone();
                process.stop();
                self.summary.stops += 1;
                let pause = Duration::from_millis(self.random.u64(10..8000));
                tokio::spawn(async move {
                    sleep(pause).await;
                    process.resume();
                });
            }
            6..8 => {
                if let Some(proxy) = self.members[whom].proxy.clone() {
                    let Member { process, .. } = self.members.remove(whom);
                    process.spawn(async move { proxy.membership().close().await });
                    self.summary.closes += 1;
                }
            }
            8 => {
                let other = self.random.usize(..self.members.len());
                if other != whom {
                    self.network.cut(&self.members[whom].process, &self.members[other].process);
                    self.summary.cuts += 1;
                    let (network, pause) = (self.network.clone(), self.random.u64(10..1500));
                    tokio::spawn(async move {
                        sleep(Duration::from_millis(pause)).await;
                        network.heal();
                    });
                }
            }
            _ => {
                let rate = self.random.bool().then(|| self.random.u64(500..50_000));
                self.members[whom].process.set_slow(rate);
            }
        }
    }

    /// Everybody runs, at full speed, and nothing new is begun.
    async fn settle(&mut self) -> Result<(), String> {
        self.network.heal();
        for member in &self.members {
            member.process.resume();
            member.process.set_slow(None);
        }
        for _ in 0..600 {
            self.started().await?;
            if self.members.iter().all(|member| member.proxy.is_some()) {
                self.log.lock().unwrap().is_over = true;
                // Longer than any call may take.
                sleep(Duration::from_secs(3)).await;
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err("a start does not end within a minute of quiet".to_owned())
    }
}

/// New values, until the end.
async fn push(server: Server, mut random: fastrand::Rng) {
    loop {
        sleep(Duration::from_millis(random.u64(5..60))).await;
        server.push(random.u64(..KEYS));
    }
}
