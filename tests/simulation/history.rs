//! One seed, from the first process to the last check.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cluster_client::Role;
use cluster_client::testing::{Network, Process};
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::check::{self, Past};
use crate::counter::CounterProxy;
use crate::server::{KEYS, Server};
use crate::summary::Summary;
use crate::worker::{self, Log, Starting};

/// So many processes are kept running.
const PROCESSES: usize = 8;

/// So many things happen to them.
const FAULTS: u32 = 16;

/// Longer than any call may take, and than it takes to find a leader.
const QUIET: Duration = Duration::from_secs(5);

/// Runs the history of a seed. An error: what did not hold.
pub(crate) fn run(seed: u64) -> Result<Summary, String> {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (summary, everybody) = runtime.block_on(async {
        let mut world = World::new(seed);
        let played = world.play().await;
        played.map(|()| (world.summary, world.everybody))
    })?;
    drop(runtime);
    check::nothing_is_left(&everybody)?;
    Ok(summary)
}

/// What may happen in a history.
#[derive(Clone, Copy, PartialEq)]
enum Weather {
    /// Members close and others start, as in a rolling restart: no call may fail.
    Calm,
    /// Anything.
    Rough,
    /// Anything, and the machine sleeps for a while.
    Sleepy,
}

pub(crate) struct World {
    random: fastrand::Rng,
    weather: Weather,
    network: Network,
    server: Server,
    log: Log,
    members: Vec<Member>,
    /// All processes that there ever were.
    everybody: Vec<Process>,
    past: Past,
    /// Counts the sleeps: what was to be resumed before one has been.
    slept: Arc<std::sync::atomic::AtomicU64>,
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
            weather: match seed % 8 {
                0 | 4 => Weather::Calm,
                6 => Weather::Sleepy,
                _ => Weather::Rough,
            },
            network: Network::new(seed),
            server: Server::default(),
            log: Log::default(),
            members: Vec::new(),
            everybody: Vec::new(),
            past: Past {
                began: Instant::now(),
                gone: BTreeMap::new(),
                closed: BTreeMap::new(),
                disturbed: BTreeSet::new(),
                calm: seed.is_multiple_of(4),
            },
            slept: Arc::default(),
            summary: Summary::default(),
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
            match self.weather {
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
            self.server.push(key);
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
        for Member { process, .. } in &self.members {
            check::nothing_is_in_flight(process)?;
        }
        check::nobody_is_connected(&self.server)
    }

    fn start(&mut self) {
        let process = self.network.process();
        self.everybody.push(process.clone());
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

    /// Somebody; the leader more often than others.
    fn somebody(&mut self) -> usize {
        let leads = |member: &Member| {
            member.proxy.as_ref().is_some_and(|proxy| proxy.membership().role() == Role::Leader)
        };
        let leader = self.members.iter().position(leads);
        let any = self.random.usize(..self.members.len());
        if self.random.bool() { leader.unwrap_or(any) } else { any }
    }

    fn fault(&mut self) {
        match self.random.u8(..11) {
            0..4 => self.kill(),
            4..6 => self.stop(),
            6..8 => self.close(),
            8 => self.cut(),
            9 => {
                let whom = self.somebody();
                let rate = self.random.bool().then(|| self.random.u64(500..50_000));
                let process = &self.members[whom].process;
                process.set_slow(rate);
                self.past.disturbed.insert(process.id());
            }
            _ => {
                let by = Duration::from_secs(self.random.u64(1..3600));
                self.network.set_clock_back(by);
                self.kill();
            }
        }
    }

    fn kill(&mut self) {
        let whom = self.somebody();
        let Member { process, .. } = self.members.remove(whom);
        process.kill();
        self.server.process_gone(process.id());
        self.past.gone.insert(process.id(), Instant::now());
        self.summary.kills += 1;
    }

    fn stop(&mut self) {
        let whom = self.somebody();
        let process = self.members[whom].process.clone();
        process.stop();
        self.past.disturbed.insert(process.id());
        self.summary.stops += 1;
        let pause = Duration::from_millis(self.random.u64(10..8000));
        let (slept, before) = (Arc::clone(&self.slept), self.slept());
        tokio::spawn(async move {
            sleep(pause).await;
            if slept.load(std::sync::atomic::Ordering::Relaxed) == before {
                process.resume();
            }
        });
    }

    fn slept(&self) -> u64 {
        self.slept.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn close(&mut self) {
        let whom = self.somebody();
        let Some(proxy) = self.members[whom].proxy.take() else { return };
        let Member { process, .. } = self.members.remove(whom);
        self.past.closed.insert(process.id(), Instant::now());
        process.spawn(async move { proxy.membership().close().await });
        self.summary.closes += 1;
    }

    fn cut(&mut self) {
        let (whom, other) = (self.somebody(), self.random.usize(..self.members.len()));
        if other == whom {
            return;
        }
        self.network.cut(&self.members[whom].process, &self.members[other].process);
        self.summary.cuts += 1;
        let (network, pause) = (self.network.clone(), self.random.u64(10..1500));
        tokio::spawn(async move {
            sleep(Duration::from_millis(pause)).await;
            network.heal();
        });
    }

    /// The whole machine sleeps, longer than any member may be silent. Nobody blames anybody for that.
    async fn sleep(&mut self) -> Result<(), String> {
        self.slept.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.summary.sleeps += 1;
        for member in &self.members {
            member.process.set_slow(None);
        }
        // What was slow on its way has come by then.
        sleep(Duration::from_millis(100)).await;
        for process in &self.everybody {
            process.stop();
            self.past.disturbed.insert(process.id());
        }
        sleep(Duration::from_secs(self.random.u64(35..90))).await;
        let woken = Instant::now();
        self.everybody.iter().for_each(Process::resume);
        sleep(Duration::from_secs(1)).await;
        check::nobody_is_blamed(&self.log, woken)
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
        server.push(random.u64(..KEYS));
    }
}
