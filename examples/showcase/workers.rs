use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cluster_client::{Membership, Role};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Call, Children, Screen, Tone, millis};

/// How long one thing may take that a parent waits for.
const PATIENCE: Duration = Duration::from_secs(8);

/// What a worker reports: its role, its calls, and whatever else the example is about.
#[derive(Serialize, Deserialize)]
pub enum Report<R> {
    /// Its role has changed.
    Stands(Standing),
    /// A call of its load.
    Called(Call),
    /// Its load has ended.
    Stopped {
        /// How many calls it made.
        issued: usize,
    },
    /// Anything else.
    Did(R),
}

/// A worker's role, as its parent sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// There is no leader yet, or no more.
    Electing,
    /// It holds the real client.
    Leader,
    /// It forwards its calls.
    Follower,
    /// Its parent killed it.
    Killed,
}

/// In a worker: reports the role, now and whenever it changes.
pub fn report_roles(membership: &Membership) {
    let mut roles = membership.role_changes();
    tokio::spawn(async move {
        while let Some(role) = roles.next().await {
            let standing = match role {
                Role::Leader => Standing::Leader,
                Role::Follower => Standing::Follower,
                Role::Electing | Role::Standalone | Role::Closed => Standing::Electing,
            };
            crate::report(&Report::<()>::Stands(standing));
        }
    });
}

/// What an example remembers of one worker beside its role and its calls.
pub trait Hear: Default {
    /// What the worker reports.
    type Report: DeserializeOwned + Send + 'static;

    /// Takes one report.
    fn hear(&mut self, report: Self::Report);
}

/// One worker, as its parent knows it.
pub struct Worker<W> {
    /// `worker 1` is the first.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// Its role.
    pub standing: Standing,
    /// Its load.
    pub calls: Calls,
    /// The rest.
    pub heard: W,
}

/// What became of a worker's calls.
#[derive(Default)]
pub struct Calls {
    /// Those that were answered.
    pub answered: HashSet<u64>,
    /// Those that may or may not have run.
    pub unknown: HashSet<u64>,
    /// The messages of those that failed.
    pub failed: Vec<String>,
    /// How many there were, once they have ended.
    pub issued: Option<usize>,
    /// By epoch: when the first answer came, and how many came.
    epochs: BTreeMap<u64, (Instant, usize)>,
}

/// The worker processes of an example.
pub struct Workers<W: Hear> {
    /// In the order in which they were started.
    pub all: Vec<Worker<W>>,
    children: Children<Report<W::Report>>,
}

impl<W: Hear> Workers<W> {
    /// Starts so many, each with the arguments that `arguments` gives for its number, from 1.
    ///
    /// # Errors
    ///
    /// When one cannot be started.
    pub fn start(count: usize, arguments: impl Fn(usize) -> Vec<String>) -> Result<Self> {
        let mut workers = Self { all: Vec::new(), children: Children::new() };
        for number in 1..=count {
            let name = format!("worker {number}");
            let pid = workers.children.spawn(&name, &arguments(number))?;
            let calls = Calls::default();
            workers.all.push(Worker {
                name,
                pid,
                standing: Standing::Electing,
                calls,
                heard: W::default(),
            });
        }
        Ok(workers)
    }

    /// Takes reports until `done`.
    ///
    /// # Errors
    ///
    /// When that takes too long (`awaited` says what we waited for), or a worker ends.
    pub async fn until(&mut self, awaited: &str, done: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            let (who, at, report) = self.children.next(deadline, awaited).await?;
            self.all[who].hear(at, report);
        }
        Ok(())
    }

    /// Waits until every worker has a role, and returns the one that leads.
    ///
    /// # Errors
    ///
    /// When that takes too long, or there is not exactly one leader.
    pub async fn leader(&mut self) -> Result<usize> {
        self.until("every worker has a role", |workers| {
            workers.survivors().all(|worker| worker.standing != Standing::Electing)
        })
        .await?;
        let leads = |worker: &Worker<W>| worker.standing == Standing::Leader;
        let leaders = self.survivors().filter(|worker| leads(worker)).count();
        ensure!(leaders == 1, "{leaders} leaders");
        self.all.iter().position(leads).context("nobody leads")
    }

    /// Sends an order to one worker.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub async fn order(&mut self, who: usize, order: &impl Serialize) -> Result<()> {
        self.children.order(who, order).await
    }

    /// Sends an order to every worker that lives.
    ///
    /// # Errors
    ///
    /// When one is gone.
    pub async fn order_all(&mut self, order: &impl Serialize) -> Result<()> {
        for who in 0..self.all.len() {
            if self.all[who].standing != Standing::Killed {
                self.order(who, order).await?;
            }
        }
        Ok(())
    }

    /// Kills a worker with SIGKILL. Returns the moment just before.
    ///
    /// # Errors
    ///
    /// When it has ended already.
    pub fn kill(&mut self, who: usize) -> Result<Instant> {
        let at = self.children.kill(who)?;
        self.all[who].standing = Standing::Killed;
        Ok(at)
    }

    /// Those that were not killed.
    pub fn survivors(&self) -> impl Iterator<Item = &Worker<W>> {
        self.all.iter().filter(|worker| worker.standing != Standing::Killed)
    }

    /// How many calls were answered.
    pub fn answered(&self) -> usize {
        self.all.iter().map(|worker| worker.calls.answered.len()).sum()
    }

    /// How many calls may or may not have run.
    pub fn unknown(&self) -> usize {
        self.all.iter().map(|worker| worker.calls.unknown.len()).sum()
    }

    /// How many calls of the survivors were neither answered nor failed.
    pub fn unsettled(&self) -> usize {
        let unsettled = self.survivors().map(|worker| {
            let calls = &worker.calls;
            let settled = calls.answered.len() + calls.unknown.len() + calls.failed.len();
            calls.issued.unwrap_or(0).saturating_sub(settled)
        });
        unsettled.sum()
    }

    /// # Errors
    ///
    /// When a call failed.
    pub fn ensure_none_failed(&self) -> Result<()> {
        for worker in &self.all {
            let failed = &worker.calls.failed;
            ensure!(
                failed.is_empty(),
                "{} calls of {} failed, the first: {}",
                failed.len(),
                worker.name,
                failed[0]
            );
        }
        Ok(())
    }

    /// Shows which worker has which role.
    pub fn show_roles(&self, screen: &Screen) {
        for worker in &self.all {
            let pid = worker.pid;
            if worker.standing == Standing::Leader {
                screen.row(
                    &worker.name,
                    Tone::Leader,
                    "LEADER",
                    &format!("pid {pid}, holds the one connection"),
                );
            } else {
                screen.row(&worker.name, Tone::Follower, "follower", &format!("pid {pid}"));
            }
        }
    }

    /// Waits until a survivor leads and every survivor got `calls` answers of it. Shows that, and returns how long after
    /// `killed` the last survivor got its first answer.
    ///
    /// # Errors
    ///
    /// When that takes too long.
    pub async fn takeover(
        &mut self,
        screen: &Screen,
        killed: Instant,
        calls: usize,
    ) -> Result<Duration> {
        self.until("the survivors are served again", |workers| {
            workers.survivors().all(|worker| worker.calls.answers_since(killed) >= calls)
        })
        .await?;
        self.leader().await?;
        let mut slowest = Duration::ZERO;
        for worker in self.survivors() {
            let first =
                worker.calls.first_answer_since(killed).context("a survivor got no answer")?;
            let took = first.duration_since(killed);
            slowest = slowest.max(took);
            let note = format!("first answer after {}", millis(took));
            if worker.standing == Standing::Leader {
                screen.row(&worker.name, Tone::Leader, "LEADS NOW", &note);
            } else {
                screen.row(&worker.name, Tone::Follower, "follows", &note);
            }
        }
        Ok(slowest)
    }

    /// Ends the workers.
    ///
    /// # Errors
    ///
    /// When one does not end, or ends with a failure.
    pub async fn finish(self) -> Result<()> {
        self.children.finish(Instant::now() + PATIENCE).await
    }
}

impl<W: Hear> Worker<W> {
    fn hear(&mut self, at: Instant, report: Report<W::Report>) {
        match report {
            // Its last words may come in after its end.
            Report::Stands(_) if self.standing == Standing::Killed => {}
            Report::Stands(standing) => self.standing = standing,
            Report::Called(call) => self.calls.enter(at, call),
            Report::Stopped { issued } => self.calls.issued = Some(issued),
            Report::Did(report) => self.heard.hear(report),
        }
    }
}

impl Calls {
    fn enter(&mut self, at: Instant, call: Call) {
        match call {
            Call::Answered { id, epoch } => {
                self.answered.insert(id);
                self.epochs.entry(epoch).or_insert((at, 0)).1 += 1;
            }
            Call::Unknown { id } => {
                self.unknown.insert(id);
            }
            Call::Failed { message } => self.failed.push(message),
        }
    }

    /// How many answers came of a leader that gave none before `moment`.
    fn answers_since(&self, moment: Instant) -> usize {
        self.epochs.values().filter(|(first, _)| *first > moment).map(|(_, count)| count).sum()
    }

    fn first_answer_since(&self, moment: Instant) -> Option<Instant> {
        self.epochs.values().map(|(first, _)| *first).find(|first| *first > moment)
    }
}
