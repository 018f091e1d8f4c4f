//! What the simulated processes share: ports, connections, and the disk with the epochs.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use super::machine::Machine;
use super::pipe::{Delay, Pipe, SimStream, Transit, connection};
use crate::clock;

/// What the clock says at the beginning, so that each history with one seed has the same times: 2001, in September.
const BEGINNING: Duration = Duration::from_secs(1_000_000_000);

/// The network.
pub(crate) struct Shared {
    state: Mutex<State>,
}

struct State {
    random: fastrand::Rng,
    delay: std::ops::Range<Duration>,
    /// Bytes a second that a process reads, where it is slow.
    slow: BTreeMap<u32, u64>,
    ports: BTreeMap<u16, Port>,
    connections: Vec<Connection>,
    epochs: BTreeMap<u16, u64>,
    /// When the network came into being, and what the machine's clock said then.
    began: (Instant, SystemTime),
    cuts: Vec<[u32; 2]>,
    processes: u32,
}

struct Port {
    owner: Machine,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    streams: VecDeque<SimStream>,
    waker: Option<Waker>,
}

struct Connection {
    ends: [u32; 2],
    pipes: [Weak<Pipe>; 2],
}

/// A port that a simulated process listens on.
pub(crate) struct SimListener {
    network: Arc<Shared>,
    port: u16,
    queue: Arc<Mutex<Queue>>,
}

impl Shared {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        let state = State {
            random: fastrand::Rng::with_seed(seed),
            delay: Duration::from_micros(20)..Duration::from_micros(60),
            slow: BTreeMap::new(),
            ports: BTreeMap::new(),
            connections: Vec::new(),
            epochs: BTreeMap::new(),
            began: (clock::now(), SystemTime::UNIX_EPOCH + BEGINNING),
            cuts: Vec::new(),
            processes: 0,
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    pub(crate) fn process(self: &Arc<Self>) -> Machine {
        let mut state = self.state();
        state.processes += 1;
        Machine::new(Arc::clone(self), state.processes)
    }

    pub(crate) fn wall_clock(&self) -> SystemTime {
        let (began, then) = self.state().began;
        then + clock::now().saturating_duration_since(began)
    }

    /// Somebody sets the machine's clock back.
    pub(crate) fn set_clock_back(&self, by: Duration) {
        self.state().began.1 -= by;
    }

    /// How long a piece is on its way.
    pub(crate) fn delay(&self, delay: std::ops::Range<Duration>) {
        self.state().delay = delay;
    }

    /// So many bytes a second reach the process; `None`: as many as there are.
    pub(crate) fn slow(&self, process: &Machine, bytes_per_second: Option<u64>) {
        let mut state = self.state();
        let Some(rate) = bytes_per_second else {
            if state.slow.remove(&process.pid()).is_some() {
                let pipes: Vec<_> = state.pipes_to(process.pid()).collect();
                drop(state);
                pipes.iter().for_each(|pipe| pipe.hurry());
            }
            return;
        };
        state.slow.insert(process.pid(), rate.max(1));
    }

    /// Ends the connections between two processes, and makes none until they are [healed](Self::heal).
    pub(crate) fn cut(&self, one: &Machine, other: &Machine) {
        let ends = [one.pid(), other.pid()];
        self.state().cuts.push(ends);
        self.close(|connection| connection == ends || connection == [ends[1], ends[0]]);
    }

    pub(crate) fn heal(&self) {
        self.state().cuts.clear();
    }

    /// The process is gone: so are its ports and connections.
    pub(super) fn forget(&self, process: &Machine) {
        let ports = {
            let mut state = self.state();
            let (gone, kept) = std::mem::take(&mut state.ports)
                .into_iter()
                .partition(|(_, port)| port.owner == *process);
            state.ports = kept;
            gone
        };
        let _: BTreeMap<u16, Port> = ports;
        self.close(|ends| ends.contains(&process.pid()));
    }

    fn close(&self, affected: impl Fn([u32; 2]) -> bool) {
        let pipes: Vec<_> = {
            let mut state = self.state();
            state
                .connections
                .retain(|known| known.pipes.iter().any(|pipe| pipe.strong_count() > 0));
            let affected = state.connections.iter().filter(|known| affected(known.ends));
            affected.flat_map(|known| known.pipes.iter().filter_map(Weak::upgrade)).collect()
        };
        pipes.iter().for_each(|pipe| pipe.close());
    }

    pub(super) fn listen(self: &Arc<Self>, owner: &Machine, port: u16) -> io::Result<SimListener> {
        let mut state = self.state();
        if owner.is_killed() || state.ports.contains_key(&port) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let queue = Arc::<Mutex<Queue>>::default();
        state.ports.insert(port, Port { owner: owner.clone(), queue: Arc::clone(&queue) });
        Ok(SimListener { network: Arc::clone(self), port, queue })
    }

    pub(super) fn connect(self: &Arc<Self>, from: &Machine, port: u16) -> io::Result<SimStream> {
        let mut state = self.state();
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let found = state.ports.get(&port).ok_or_else(refused)?;
        let (to, queue) = (found.owner.pid(), Arc::clone(&found.queue));
        let ends = [from.pid(), to];
        let is_cut = state.cuts.iter().any(|cut| *cut == ends || *cut == [to, from.pid()]);
        if is_cut || from.is_killed() {
            return Err(refused());
        }
        let (mine, theirs, pipes) = connection(self.delay_to(to), self.delay_to(from.pid()));
        let pipes = pipes.each_ref().map(Arc::downgrade);
        state.connections.retain(|known| known.pipes.iter().any(|pipe| pipe.strong_count() > 0));
        state.connections.push(Connection { ends, pipes });
        drop(state);
        let waker = {
            let mut queue = lock(&queue);
            queue.streams.push_back(theirs);
            queue.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
        Ok(mine)
    }

    /// How long pieces take on their way to a process.
    fn delay_to(self: &Arc<Self>, process: u32) -> Delay {
        let network = Arc::clone(self);
        Arc::new(move |bytes| {
            let mut state = network.state();
            let range = state.delay.clone();
            let spread = range.end.saturating_sub(range.start).as_nanos() as u64;
            let jitter = Duration::from_nanos(state.random.u64(..=spread));
            let rate = state.slow.get(&process);
            let seconds = rate.map_or(0.0, |rate| bytes as f64 / *rate as f64);
            Transit {
                latency: range.start + jitter,
                transmission: Duration::from_secs_f64(seconds),
            }
        })
    }

    pub(super) fn epoch(&self, port: u16) -> Option<u64> {
        self.state().epochs.get(&port).copied()
    }

    pub(super) fn store_epoch(&self, port: u16, epoch: u64) {
        self.state().epochs.insert(port, epoch);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// The pipes that a process reads from.
    fn pipes_to(&self, process: u32) -> impl Iterator<Item = Arc<Pipe>> {
        self.connections.iter().flat_map(
            move |Connection { ends: [from, to], pipes: [there, back] }| {
                let there = (*to == process).then(|| there.upgrade()).flatten();
                let back = (*from == process).then(|| back.upgrade()).flatten();
                there.into_iter().chain(back)
            },
        )
    }
}

impl SimListener {
    pub(crate) async fn accept(&self) -> io::Result<SimStream> {
        poll_fn(|cx| {
            let mut queue = lock(&self.queue);
            match queue.streams.pop_front() {
                Some(stream) => Poll::Ready(Ok(stream)),
                None => {
                    queue.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let port = {
            let mut state = self.network.state();
            let mine = state
                .ports
                .get(&self.port)
                .is_some_and(|port| Arc::ptr_eq(&port.queue, &self.queue));
            mine.then(|| state.ports.remove(&self.port))
        };
        drop(port);
    }
}

impl std::fmt::Debug for SimListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "port {}", self.port)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
