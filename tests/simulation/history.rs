//! One seed, from the first process to the last check.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cluster_client::testing::{Network, Process};
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::check::{self, Past};
use crate::conditions::{Conditions, Weather};
use crate::counter::CounterProxy;
use crate::log::Log;
use crate::server::{KEYS, Server};
use crate::summary::Summary;
use crate::worker::{self, Starting};

/// So many processes are kept running.
const PROCESSES: usize = 8;

/// So many things happen to them.
const FAULTS: u32 = 16;

/// Longer than any call may take, and than it takes to find a leader.
const QUIET: Duration = Duration::from_secs(5);

/// What a history leaves behind.
pub(crate) struct History {
    pub(crate) summary: Summary,
    log: Log,
    began: Instant,
}

impl History {
    /// All that was told to anybody.
    pub(crate) fn trace(&self) -> Vec<String> {
        self.log.lock().unwrap().trace(self.began)
    }
}

/// What did not hold, and all that was told to anybody.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) what: String,
    pub(crate) trace: Vec<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Runs the history of a seed.
pub(crate) fn run(seed: u64) -> Result<History, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (played, history, everybody) = runtime.block_on(async {
        let mut world = World::new(seed);
        let played = world.play().await;
        let World { summary, log, past, everybody, .. } = world;
        let history = History { summary, log, began: past.began };
        (played, history, everybody)
    });
    drop(runtime);
    let held = played.and_then(|()| check::nothing_is_left(&everybody));
    held.map_err(|what| Broken { what, trace: history.trace() })?;
    Ok(history)
}

pub(crate) struct World {
    pub(crate) random: fastrand::Rng,
    pub(crate) conditions: Conditions,
    pub(crate) network: Network,
    pub(crate) server: Server,
    pub(crate) log: Log,
    pub(crate) members: Vec<Member>,
    /// All processes that there ever were.
    pub(crate) everybody: Vec<Process>,
    pub(crate) past: Past,
    /// Counts the sleeps: what was to be resumed before one has been.
    pub(crate) slept: Arc<AtomicU64>,
    pub(crate) summary: Summary,
}

pub(crate) struct Member {
    pub(crate) process: Process,
    starting: Option<Starting>,
    pub(crate) proxy: Option<CounterProxy>,
}

impl World {
    fn new(seed: u64) -> Self {
        let conditions = Conditions::of(seed);
        Self {
            random: fastrand::Rng::with_seed(seed),
            network: Network::new(seed),
            server: Server::new(seed, conditions.slowest()),
            log: Log::default(),
            members: Vec::new(),
            everybody: Vec::new(),
            past: Past::new(&conditions),
            slept: Arc::default(),
            summary: Summary::default(),
            conditions,
        }
    }

    async fn play(&mut self) -> Result<(), String> {
        let pushing = tokio::spawn(push(self.server.clone(), self.random.fork()));
        for _ in 0..PROCESSES {
            self.start();
        }
        for fault in 0..FAULTS {
            sleep(Duration::from_millis(self.random.u64(20..600))).await;
            self.started().await?;
            match self.conditions.weather {
                Weather::Calm => self.close(),
                Weather::Sleepy if fault == FAULTS / 2 => self.sleep().await?,
                Weather::Rough | Weather::Sleepy => self.fault(),
            }
            while self.members.len() < PROCESSES {
                self.start();
            }
        }
        self.settle().await?;
        pushing.abort();
        for key in 0..KEYS {
            self.server.book().push(key);
        }
        sleep(QUIET).await;
        let alive: Vec<u32> = self.members.iter().map(|member| member.process.id()).collect();
        check::history(&self.server, &self.log, &self.past, &alive, &mut self.summary)?;
        self.wind_up().await
    }

    /// Everybody stops reading, and then leaves; at each step nothing is kept that should be gone.
    async fn wind_up(&mut self) -> Result<(), String> {
        for Member { process, proxy, .. } in &self.members {
            let Some(proxy) = proxy else { continue };
            check::is_served(&self.server, process, proxy).await?;
            check::newcomer(&self.server, process, proxy).await?;
        }
        let readers: Vec<_> = self
            .log
            .lock()
            .unwrap()
            .reads
            .iter_mut()
            .filter_map(|reads| reads.task.take())
            .collect();
        readers.iter().for_each(tokio::task::AbortHandle::abort);
        sleep(QUIET).await;
        for Member { process, .. } in &self.members {
            check::nobody_reads(process)?;
        }
        check::nothing_is_subscribed(&self.server)?;

        let proxies = self.members.iter_mut().filter_map(|member| member.proxy.take());
        join_all(proxies.map(|proxy| async move { proxy.membership().close().await })).await;
        sleep(QUIET).await;
        check::nothing_is_left(&self.everybody)?;
        check::nobody_is_connected(&self.server)?;
        check::nothing_is_complained_of(&self.server)
    }

    fn start(&mut self) {
        let process = self.network.process();
        self.everybody.push(process.clone());
        let starting = {
            let seed = self.random.u64(..);
            worker::start(&process, &self.conditions, &self.server, &self.log, seed)
        };
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

    /// Everybody runs, at full speed, and nothing new is begun.
    async fn settle(&mut self) -> Result<(), String> {
        self.network.heal();
        for process in &self.everybody {
            process.resume();
            process.set_slow(None);
        }
        for _ in 0..600 {
            self.started().await?;
            if self.have_one_leader() {
                self.log.lock().unwrap().is_over = true;
                sleep(QUIET).await;
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err("not all members have started, and follow one leader, within a minute of quiet"
            .to_owned())
    }

    /// Whether all members have started and know the same leader. One that was slow may still hear of those before.
    fn have_one_leader(&self) -> bool {
        let leader = |member: &Member| member.proxy.as_ref()?.membership().leader();
        let mut leaders = self.members.iter().map(leader);
        let first = leaders.next().flatten();
        first.is_some() && leaders.all(|leader| leader == first)
    }
}

/// New values, until the end.
async fn push(server: Server, mut random: fastrand::Rng) {
    loop {
        sleep(Duration::from_millis(random.u64(5..60))).await;
        server.book().push(random.u64(..KEYS));
    }
}
