//! Processes that are members by the npm package: `interop/node/member.js`, and scripts that begin with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value as Json, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/node");

/// Nothing that is waited for takes longer, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Node process. It is killed when this is dropped, and ends by itself if even that does not happen.
pub struct Node {
    pid: u32,
    child: Mutex<Child>,
    stdin: Mutex<ChildStdin>,
    said: Arc<Said>,
    last: AtomicU64,
}

#[derive(Default)]
struct Said {
    lines: Mutex<Vec<Json>>,
    more: Condvar,
    complaints: Mutex<String>,
}

/// What an error looks like in Node.
#[derive(Debug, Deserialize)]
pub struct Failure {
    pub name: String,
    pub message: String,
    #[serde(default)]
    pub code: Json,
    pub stack: String,
}

/// A client of the package in a Node process.
#[derive(Clone)]
pub struct Peer {
    pub node: Arc<Node>,
    member: String,
}

impl Node {
    pub fn spawn() -> Arc<Self> {
        Self::run("member.js")
    }

    /// `script` requires `member.js`, and adds to it.
    pub fn run(script: &str) -> Arc<Self> {
        let install = || format!("{FOLDER}: run `npm ci` there; it needs Node 18 or later");
        let package = format!("{FOLDER}/node_modules/cluster-client/package.json");
        assert!(std::fs::exists(package).unwrap(), "no npm package: {}", install());
        let mut child = Command::new("node")
            .arg(script)
            .current_dir(FOLDER)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("node does not start, {error}: {}", install()));
        let said = Arc::<Said>::default();
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (saying, complaining) = (Arc::clone(&said), Arc::clone(&said));
        thread::spawn(move || {
            // One that is killed may leave half a line.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Ok(line) = serde_json::from_str(&line) else { break };
                saying.lines.lock().unwrap().push(line);
                saying.more.notify_all();
            }
        });
        thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            *complaining.complaints.lock().unwrap() = String::from_utf8_lossy(&text).into_owned();
            complaining.more.notify_all();
        });
        let stdin = Mutex::new(child.stdin.take().unwrap());
        let (pid, last) = (child.id(), AtomicU64::new(0));
        Arc::new(Self { pid, child: Mutex::new(child), stdin, said, last })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Joins with the options of the package, over a real client of that class, and waits until it is ready.
    pub fn join(self: &Arc<Self>, kind: &str, options: Json) -> Peer {
        let (peer, result) = self.try_join(kind, json!({ "options": options }));
        result.unwrap();
        peer
    }

    /// `setup` is what `start` is told beside the names, which are those of the class if the options have none.
    pub fn try_join(self: &Arc<Self>, kind: &str, setup: Json) -> (Peer, Result<Json, Failure>) {
        let (peer, id) = self.begin_join(kind, setup);
        let result = self.answer(id);
        (peer, result)
    }

    /// The same, without waiting for the answer of this number.
    pub fn begin_join(self: &Arc<Self>, kind: &str, mut setup: Json) -> (Peer, u64) {
        let name = setup["options"]["name"].as_str().unwrap_or(kind).to_owned();
        setup["options"]["name"] = json!(name);
        setup["kind"] = json!(kind);
        let peer = Peer { node: Arc::clone(self), member: name };
        let id = peer.tell("start", setup);
        (peer, id)
    }

    pub fn answer(&self, id: u64) -> Result<Json, Failure> {
        self.wait(0, &format!("answer {id}"), |line| {
            if line["id"] != id {
                return None;
            }
            let error = line.get("error");
            Some(error.map_or_else(
                || Ok(line["ok"].clone()),
                |error| Err(Failure::deserialize(error).unwrap()),
            ))
        })
    }

    /// How many lines it has said: a place to wait from.
    pub fn now(&self) -> usize {
        self.said.lines.lock().unwrap().len()
    }

    /// Waits for the first line, from number `from` on, that `found` takes.
    pub fn wait<T>(&self, from: usize, what: &str, found: impl Fn(&Json) -> Option<T>) -> T {
        self.wait_at(from, what, found).1
    }

    /// The same, and the number of the line.
    pub fn wait_at<T>(
        &self,
        from: usize,
        what: &str,
        found: impl Fn(&Json) -> Option<T>,
    ) -> (usize, T) {
        let find = |lines: &Vec<Json>| {
            let mut lines = lines.iter().enumerate().skip(from);
            lines.find_map(|(number, line)| found(line).map(|found| (number, found)))
        };
        patiently(&self.said.more, &self.said.lines, find).unwrap_or_else(|| {
            let lines = self.said.lines.lock().unwrap().clone();
            let last: Vec<_> = lines.iter().rev().take(5).collect();
            panic!("{what}: not in time by Node {}, which said last {last:#?}", self.pid)
        })
    }

    /// All lines since then that `found` takes.
    pub fn all<T>(&self, from: usize, found: impl Fn(&Json) -> Option<T>) -> Vec<T> {
        self.said.lines.lock().unwrap().iter().skip(from).filter_map(found).collect()
    }

    /// Waits until it has ended because of that; what it wrote on its standard error.
    pub fn ended(&self, because: &str) -> (ExitStatus, String) {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let complaints = patiently(&self.said.more, &self.said.complaints, some);
        let complaints =
            complaints.unwrap_or_else(|| panic!("{because}: Node {} goes on", self.pid));
        (self.child.lock().unwrap().wait().unwrap(), complaints)
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid as i32).unwrap(), signal).unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A process that was waited for is not there any more.
        let child = self.child.get_mut().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Peer {
    pub fn ask(&self, command: &str, fields: Json) -> Result<Json, Failure> {
        self.node.answer(self.tell(command, fields))
    }

    /// The number of the answer.
    pub fn tell(&self, command: &str, mut line: Json) -> u64 {
        let id = self.node.last.fetch_add(1, Ordering::Relaxed) + 1;
        line["id"] = json!(id);
        line["command"] = json!(command);
        line["member"] = json!(self.member);
        let line = format!("{line}\n");
        self.node.stdin.lock().unwrap().write_all(line.as_bytes()).unwrap();
        id
    }

    pub fn leads(&self) -> bool {
        self.ask("role", json!({})).unwrap()["leads"] == true
    }

    pub fn call(&self, method: &str, args: &[Json]) -> Result<Json, Failure> {
        self.node.answer(self.begin_call(method, args))
    }

    pub fn begin_call(&self, method: &str, args: &[Json]) -> u64 {
        self.tell("call", json!({ "method": method, "args": args }))
    }

    /// A one-way call or a publication.
    pub fn send(&self, method: &str, arg: &Json) {
        self.ask("send", json!({ "method": method, "args": [arg] })).unwrap();
    }

    pub fn subscribe(&self, listener: &str, reg: &Json) {
        self.ask("subscribe", json!({ "listener": listener, "reg": reg })).unwrap();
    }

    /// `None` means all listeners.
    pub fn unsubscribe(&self, listener: Option<&str>, reg: &Json) {
        self.ask("unSubscribe", json!({ "listener": listener, "reg": reg })).unwrap();
    }

    pub fn close(&self) {
        self.ask("close", json!({})).unwrap();
    }

    /// Waits for an event that it tells; `found` sees its fields.
    pub fn event<T>(&self, from: usize, event: &str, found: impl Fn(&Json) -> Option<T>) -> T {
        self.node.wait(from, event, |line| self.is(line, event).then(|| found(line)).flatten())
    }

    /// Waits until its real client has run the method, and tells with what arguments.
    pub fn ran(&self, from: usize, method: &str) -> Json {
        self.event(from, "ran", |line| (line["method"] == method).then(|| line["args"].clone()))
    }

    /// Waits until an error is emitted whose name is this; its message.
    pub fn emitted(&self, from: usize, name: &str) -> String {
        self.event(from, "error", |line| {
            let Failure { name: said, message, .. } = Failure::deserialize(&line["error"]).unwrap();
            (said == name).then_some(message)
        })
    }

    /// Waits until the listener gets this value.
    pub fn hears(&self, from: usize, listener: &str, value: &Json) {
        self.hears_at(from, listener, value);
    }

    /// The same, and the number of the line that says so.
    pub fn hears_at(&self, from: usize, listener: &str, value: &Json) -> usize {
        let heard = |line: &Json| {
            self.is(line, "value") && line["listener"] == listener && line["value"] == *value
        };
        self.node.wait_at(from, "value", |line| heard(line).then_some(())).0
    }

    /// All that the listener has got since then.
    pub fn heard(&self, from: usize, listener: &str) -> Vec<Json> {
        let heard = |line: &Json| self.is(line, "value") && line["listener"] == listener;
        self.node.all(from, |line| heard(line).then(|| line["value"].clone()))
    }

    fn is(&self, line: &Json, event: &str) -> bool {
        line["event"] == event && line["member"] == *self.member
    }
}

/// Waits until it is found, or for as long as anything may take.
fn patiently<S, T>(
    changed: &Condvar,
    state: &Mutex<S>,
    found: impl Fn(&S) -> Option<T>,
) -> Option<T> {
    // Members of this process go on meanwhile, whatever thread this is.
    tokio::task::block_in_place(|| {
        let deadline = Instant::now() + PATIENCE;
        let mut state = state.lock().unwrap();
        loop {
            if let Some(found) = found(&state) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = changed.wait_timeout(state, left).unwrap().0;
        }
    })
}
