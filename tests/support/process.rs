//! Members that are processes of their own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::free_port;
use crate::ledger::Ledger;
use crate::report::{Called, Command, Report, Setup};

/// Nothing that is waited for takes longer, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// The members of one port, and the ledger that their real clients connect to.
pub struct Group {
    program: &'static str,
    pub ledger: Ledger,
    pub setup: Setup,
    /// Where they keep their epochs.
    state: Arc<TempDir>,
}

impl Group {
    /// `program` is the binary `member`: only a test can say where cargo has put it.
    pub fn new(program: &'static str) -> Self {
        let ledger = Ledger::open();
        let setup = Setup {
            port: free_port(),
            ledger: ledger.port(),
            follower_only: false,
            heartbeat_interval: Duration::from_secs(2),
            standalone_after: None,
            node_compat: false,
            out_of_descriptors: false,
        };
        Self { program, ledger, setup, state: Arc::new(TempDir::new().unwrap()) }
    }

    /// The same port, another ledger.
    pub fn next(&self) -> Self {
        let ledger = Ledger::open();
        let setup = Setup { ledger: ledger.port(), ..self.setup.clone() };
        Self { program: self.program, ledger, setup, state: Arc::clone(&self.state) }
    }

    pub fn spawn(&self) -> Member {
        self.spawn_as(&self.setup)
    }

    pub fn spawn_as(&self, setup: &Setup) -> Member {
        let mut child = std::process::Command::new(self.program)
            .arg(serde_json::to_string(setup).unwrap())
            .env("XDG_RUNTIME_DIR", self.state.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::<Said>::default();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let saying = Arc::clone(&said);
        let listening = Some(thread::spawn(move || saying.listen(stdout)));
        Member { child, stdin, said, listening }
    }

    /// So many at once, all of them ready.
    pub fn start(&self, members: usize) -> Vec<Member> {
        let members: Vec<Member> = (0..members).map(|_| self.spawn()).collect();
        members.iter().for_each(|member| {
            member.started();
        });
        members
    }

    /// Where in `members` the one is that holds the connection.
    pub fn leader(&self, members: &[Member]) -> usize {
        let pid = self.ledger.book().client().unwrap().pid;
        members.iter().position(|member| member.pid() == pid).unwrap()
    }
}

/// A member process. It is killed when this is dropped, and ends by itself if even that does not happen.
pub struct Member {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Arc<Said>,
    /// Ends with the process.
    listening: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Said {
    log: Mutex<Log>,
    more: Condvar,
}

/// The reports of a member, numbered from 0 on.
#[derive(Default)]
pub struct Log {
    /// So many were taken out.
    taken: usize,
    kept: Vec<Report>,
}

impl Log {
    /// How many there ever were.
    #[expect(clippy::len_without_is_empty, reason = "it is the number of the next one")]
    pub fn len(&self) -> usize {
        self.taken + self.kept.len()
    }

    /// Those that are still here.
    pub fn iter(&self) -> std::slice::Iter<'_, Report> {
        self.kept.iter()
    }

    /// Of these, the ones from number `from` on.
    fn since(&self, from: usize) -> std::iter::Skip<std::slice::Iter<'_, Report>> {
        self.iter().skip(from.saturating_sub(self.taken))
    }
}

impl Said {
    fn listen(&self, stdout: ChildStdout) {
        // One that is killed may leave half a line.
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let Ok(report) = serde_json::from_str(&line) else { break };
            self.log.lock().unwrap().kept.push(report);
            self.more.notify_all();
        }
    }
}

impl Member {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn tell(&self, command: &Command) {
        let mut line = serde_json::to_vec(command).unwrap();
        line.push(b'\n');
        self.stdin.as_ref().unwrap().write_all(&line).unwrap();
    }

    /// What it has said.
    pub fn reports(&self) -> MutexGuard<'_, Log> {
        self.said.log.lock().unwrap()
    }

    /// Takes out what it has said.
    pub fn take_reports(&self) -> Vec<Report> {
        let mut log = self.reports();
        log.taken = log.len();
        std::mem::take(&mut log.kept)
    }

    /// The first report, from number `from` on, that `found` takes, if it is there.
    pub fn said<T>(&self, from: usize, found: impl Fn(&Report) -> Option<T>) -> Option<T> {
        self.reports().since(from).find_map(found)
    }

    /// Waits for the first report, from number `from` on, that `found` takes.
    pub fn wait<T>(&self, from: usize, what: &str, found: impl Fn(&Report) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let (mut looked, mut reports) = (from, self.reports());
        loop {
            if let Some(found) = reports.since(looked).find_map(&found) {
                return found;
            }
            looked = reports.len().max(from);
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let last: Vec<_> = reports.iter().rev().take(5).collect();
                let message =
                    format!("{what}: not in time by {}, which said last {last:?}", self.pid());
                drop(reports);
                panic!("{message}");
            }
            reports = self.said.more.wait_timeout(reports, left).unwrap().0;
        }
    }

    /// Tells it something and waits for what it says to that.
    pub fn ask<T>(&self, command: &Command, found: impl Fn(&Report) -> Option<T>) -> T {
        let from = self.reports().len();
        self.tell(command);
        self.wait(from, &format!("{command:?}"), found)
    }

    /// Whether it leads.
    pub fn started(&self) -> bool {
        self.wait(0, "start", |report| match report {
            Report::Started { leads } => Some(*leads),
            Report::NotStarted { error } => panic!("{error}"),
            _ => None,
        })
    }

    pub fn call(&self, token: &str) -> Called {
        self.ask(&Command::Call { token: token.to_owned() }, |report| match report {
            Report::Called(called) if called.token == token => Some(called.clone()),
            _ => None,
        })
    }

    /// All calls that have ended.
    pub fn calls(&self) -> Vec<Called> {
        let called = |report: &Report| match report {
            Report::Called(called) => Some(called.clone()),
            _ => None,
        };
        self.reports().iter().filter_map(called).collect()
    }

    /// Waits for a cluster event by the beginning of its debug form.
    pub fn wait_for_event(&self, from: usize, event: &str) {
        self.wait(from, event, |report| match report {
            Report::Event(said) if said.starts_with(event) => Some(()),
            _ => None,
        });
    }

    /// SIGKILL, and waits until the process is gone and all is here that it has said.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        if let Some(listening) = self.listening.take() {
            listening.join().unwrap();
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(pid(self.pid()), signal).unwrap();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // A process that was waited for is not there any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that a member has started. It is killed when this is dropped.
pub struct Stray(pub u32);

impl Stray {
    pub fn is_alive(&self) -> bool {
        rustix::process::test_kill_process(pid(self.0)).is_ok()
    }
}

impl Drop for Stray {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = kill_process(pid(self.0), Signal::KILL);
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.try_into().unwrap()).unwrap()
}
