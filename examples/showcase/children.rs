use std::ffi::OsStr;
use std::io::{self, BufRead, Write};
use std::process::{ExitStatus, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout_at;

/// Child processes, each this program again with other arguments, or one that keeps to the same: they take orders on
/// their standard input and report on their standard output, one JSON value a line.
///
/// Dropping this kills, by its own process id, every child that still runs. A child whose parent is gone
/// ends by itself, because its [`orders`] end.
pub struct Children<R> {
    processes: Vec<Process>,
    reports: mpsc::Receiver<(usize, Instant, Said<R>)>,
    reporter: mpsc::Sender<(usize, Instant, Said<R>)>,
}

struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    killed: bool,
}

enum Said<R> {
    Report(R),
    Nonsense(String),
    Ended,
}

impl<R: DeserializeOwned + Send + 'static> Children<R> {
    /// No children yet.
    pub fn new() -> Self {
        let (reporter, reports) = mpsc::channel(1024);
        Self { processes: Vec::new(), reports, reporter }
    }

    /// Starts this program with `arguments`, and returns its process id. Children are numbered, from 0, in the order in which
    /// they were started.
    ///
    /// # Errors
    ///
    /// When the operating system cannot start it.
    pub fn spawn(
        &mut self,
        name: impl Into<String>,
        arguments: &[impl AsRef<OsStr>],
    ) -> Result<u32> {
        let program = std::env::current_exe().context("where is this program?")?;
        let mut command = Command::new(program);
        command.args(arguments);
        self.spawn_other(name, command)
    }

    /// Starts another program, and otherwise as [`spawn`](Self::spawn).
    ///
    /// # Errors
    ///
    /// When the operating system cannot start it.
    pub fn spawn_other(&mut self, name: impl Into<String>, mut command: Command) -> Result<u32> {
        let name = name.into();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} could not be started"))?;
        let pid = child.id().context("the child ended at once")?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the child has no standard output")?;
        let who = self.processes.len();
        self.processes.push(Process { name, child, stdin, killed: false });
        tokio::spawn(listen(who, stdout, self.reporter.clone()));
        Ok(pid)
    }

    /// Sends one order to a child.
    ///
    /// # Errors
    ///
    /// When the child is gone.
    pub async fn order(&mut self, who: usize, order: &impl Serialize) -> Result<()> {
        let process = &mut self.processes[who];
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        let stdin =
            process.stdin.as_mut().with_context(|| format!("{} takes no orders", process.name))?;
        stdin.write_all(&line).await.with_context(|| format!("{} takes no orders", process.name))
    }

    /// The next report of any child, with the moment at which it came in.
    ///
    /// # Errors
    ///
    /// When none comes before `deadline` (`awaited` says for what we waited), or when a child ended that nobody killed.
    pub async fn next(&mut self, deadline: Instant, awaited: &str) -> Result<(usize, Instant, R)> {
        loop {
            let said = timeout_at(deadline.into(), self.reports.recv()).await;
            let Ok(said) = said else { bail!("waited too long: {awaited}") };
            let (who, at, said) = said.context("no child is left")?;
            match said {
                Said::Report(report) => return Ok((who, at, report)),
                Said::Nonsense(line) => bail!("{} said {line:?}", self.processes[who].name),
                Said::Ended if self.processes[who].killed => {}
                Said::Ended => {
                    bail!("{} ended while we waited: {awaited}", self.processes[who].name)
                }
            }
        }
    }

    /// Kills a child with SIGKILL, by its process id. Returns the moment just before.
    ///
    /// # Errors
    ///
    /// When the child has ended already.
    pub fn kill(&mut self, who: usize) -> Result<Instant> {
        let process = &mut self.processes[who];
        process.killed = true;
        let at = Instant::now();
        process
            .child
            .start_kill()
            .with_context(|| format!("{} could not be killed", process.name))?;
        Ok(at)
    }

    /// Ends the orders of every child and waits until all have ended by themselves.
    ///
    /// # Errors
    ///
    /// When one still runs at `deadline`, or ended with a failure without having been killed.
    pub async fn finish(mut self, deadline: Instant) -> Result<()> {
        for process in &mut self.processes {
            process.stdin = None;
        }
        // Nobody reads the last reports: a child must not wait for that.
        self.reports.close();
        for process in &mut self.processes {
            let status: ExitStatus = timeout_at(deadline.into(), process.child.wait())
                .await
                .with_context(|| format!("{} does not end", process.name))??;
            if !status.success() && !process.killed {
                bail!("{} failed: {status}", process.name);
            }
        }
        Ok(())
    }
}

impl<R: DeserializeOwned + Send + 'static> Default for Children<R> {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads until the child's output ends, also when nobody wants the reports any more: a full pipe would stop the child.
async fn listen<R: DeserializeOwned>(
    who: usize,
    stdout: ChildStdout,
    reporter: mpsc::Sender<(usize, Instant, Said<R>)>,
) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let said = serde_json::from_str(&line).map_or(Said::Nonsense(line), Said::Report);
        let _ = reporter.send((who, Instant::now(), said)).await;
    }
    let _ = reporter.send((who, Instant::now(), Said::Ended)).await;
}

/// In a child: the parent's orders. They end when the parent closes them or is gone.
pub fn orders<O: DeserializeOwned + Send + 'static>() -> mpsc::Receiver<O> {
    let (sender, receiver) = mpsc::channel(64);
    // A thread of its own: reading standard input blocks, and must not hold up the end of the program.
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Some(order) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else {
                break;
            };
            if sender.blocking_send(order).is_err() {
                break;
            }
        }
    });
    receiver
}

/// In a child: reports to the parent. A parent that is gone also ends the [`orders`], so nothing is to be done about it here.
pub fn report(report: &impl Serialize) {
    if let Ok(line) = serde_json::to_string(report) {
        let _ = writeln!(io::stdout().lock(), "{line}");
    }
}
