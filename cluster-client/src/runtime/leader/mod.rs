//! One process leading one channel: the real client, who may call it, and the way out.
//!
//! ```text
//!            built                    closed, handed over, or outdone by a higher epoch
//! Starting ─────────► Ready(client) ─────────────────────────► Draining ──► Closed
//!     ▲ │ failed                                                   ▲
//!     │ └───────────► Failed(error) ───────────────────────────────┘
//!     └──────────────────┘ somebody calls, or some time has passed
//! ```

mod answering;
mod calls;
mod dispatch;
mod fanout;
mod follower;
mod gate;
mod going;
mod large;
mod late;
mod node;
mod own_calls;
mod packets;
mod publications;
mod request;
mod roster;
mod running;
mod serving;
mod settling;
mod upstream;

pub(crate) mod admission;

pub(crate) use self::upstream::Request;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use cluster_protocol::{Codec, FrameLimits};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use self::admission::Told;
use self::fanout::Fanout;
use self::gate::ClosingWithin;
pub(crate) use self::gate::{Gate, HeldPermit, Permit, Refusal, refusal};
use crate::clock;
use crate::context::{CallContext, CallId, Caller, InstanceId};
use crate::error::Error;
use crate::limits::Limits;
use crate::membership::{ClusterEvent, LeaderInfo, Status};
use crate::node::NodeInterface;
use crate::planted::{Bug, planted};
use crate::runtime::host::Host;
use crate::runtime::turns::Turns;
use crate::service::{MethodInfo, Served, settling};
use crate::session::publications::PublicationKey;
use crate::session::share::Total;

/// What the leadership of a channel is made of.
pub(crate) struct Terms {
    pub(crate) channel: Arc<str>,
    pub(crate) instance: InstanceId,
    pub(crate) epoch: u64,
    /// It serves its own member only, while the leader is silent.
    pub(crate) standalone: bool,
    pub(crate) limits: Limits,
    /// In which what it retains is measured.
    pub(crate) codec: Codec,
    pub(crate) methods: Arc<[MethodInfo]>,
    /// The methods' descriptions, as followers are told them.
    pub(crate) interface: Arc<[u8]>,
    /// How long a call takes at most where its method says nothing.
    pub(crate) response_timeout: Duration,
    pub(crate) heartbeat_interval: Duration,
    /// How long a follower may be silent; `None`: for ever.
    pub(crate) follower_silence: Option<Duration>,
    /// The methods as Node processes see them, if they may follow.
    pub(crate) node: Option<Arc<NodeInterface>>,
    /// Numbers the calls that leaderships of this member make by themselves.
    pub(crate) own_calls: Arc<AtomicU64>,
    /// Where its tasks run.
    pub(crate) host: Host,
}

/// How often followers are looked after, at least.
const AT_LEAST_EVERY: Duration = Duration::from_secs(1);

pub struct Leadership {
    pub(crate) terms: Terms,
    pub(crate) fanout: Fanout,
    since: SystemTime,
    status: Arc<Status>,
    state: watch::Sender<State>,
    /// Somebody wants a real client that could not be built to be tried again.
    wanted: Notify,
    step_down: CancellationToken,
    /// Of the leader that a follower has seen and that this one is older than.
    outdone_by: AtomicU64,
    /// Ends every task of this leadership.
    ended: CancellationToken,
    /// Ends the calls that it waits for no longer.
    cut_off: CancellationToken,
    /// The same for what takes publications back.
    undos_cut_off: CancellationToken,
    gate: Arc<Gate>,
    /// What all followers together have still to read.
    unsent: Total,
    /// The runtime that this leadership lives on, whoever calls.
    runtime: Handle,
    /// For each method, whether its calls publish something or take it back.
    settling: Vec<bool>,
    /// Of what can be taken back, whoever publishes it or takes it back.
    turns: Arc<Turns<PublicationKey>>,
}

#[derive(Clone)]
pub(crate) enum State {
    Starting,
    /// The real client is there; what was subscribed and published before is made again.
    Restoring(Arc<dyn Served>),
    Ready(Arc<dyn Served>),
    Failed(Error),
    Draining,
    Closed,
}

tokio::task_local! {
    /// The leadership whose method is being polled.
    static SERVING: Arc<Gate>;
}

impl Leadership {
    pub(crate) fn new(terms: Terms, status: Arc<Status>) -> Arc<Self> {
        let leadership = Arc::new(Self {
            fanout: Fanout::new(&terms.limits),
            settling: settling(&terms.methods),
            turns: Arc::default(),
            since: terms.host.wall_clock(),
            terms,
            status,
            state: watch::Sender::new(State::Starting),
            wanted: Notify::new(),
            step_down: CancellationToken::new(),
            outdone_by: AtomicU64::new(0),
            ended: CancellationToken::new(),
            cut_off: CancellationToken::new(),
            undos_cut_off: CancellationToken::new(),
            gate: Arc::default(),
            unsent: Total::default(),
            runtime: Handle::current(),
        });
        #[cfg(feature = "testing")]
        if let Some(residents) = leadership.terms.host.residents() {
            residents.add_leadership(&leadership);
        }
        leadership
    }

    pub(crate) fn channel(&self) -> &str {
        &self.terms.channel
    }

    pub(crate) fn info(&self) -> LeaderInfo {
        LeaderInfo {
            pid: self.terms.host.pid(),
            instance: self.terms.instance,
            epoch: self.terms.epoch,
            since: self.since,
        }
    }

    pub(crate) fn frame_limits(&self) -> FrameLimits {
        self.terms.limits.frame()
    }

    pub(crate) fn emit(&self, event: ClusterEvent) {
        self.status.emit(event);
    }

    // What state it is in.

    pub(crate) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub(crate) fn states(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(crate) fn client(&self) -> Option<Arc<dyn Served>> {
        match &*self.state.borrow() {
            State::Ready(client) | State::Restoring(client) => Some(Arc::clone(client)),
            _ => None,
        }
    }

    /// Once closed, it stays closed. Returns what was there, to be dropped last: it may be the user's client.
    pub(crate) fn set(&self, mut state: State) -> State {
        self.state.send_if_modified(|present| {
            let open = !matches!(present, State::Closed);
            if open {
                std::mem::swap(present, &mut state);
            }
            open
        });
        state
    }

    /// The real client serves.
    pub(crate) fn ready(&self) {
        if let Some(client) = self.client() {
            self.tell(State::Ready(client));
        }
    }

    /// The real client could not be built.
    pub(crate) fn failed(&self, error: Error) {
        self.tell(State::Failed(error));
    }

    /// It is tried again.
    pub(crate) fn starting(&self) {
        self.tell(State::Starting);
    }

    /// Sets the state and tells the followers, who hear of it whatever comes next.
    fn tell(&self, state: State) {
        let told = Told::new(self, &state);
        self.set(state);
        self.fanout.tell_state(&told);
    }

    /// Asks for another try at a real client that could not be built.
    pub(crate) fn want_client(&self) {
        let failed = self.state.send_if_modified(|state| {
            let failed = matches!(state, State::Failed(_));
            if failed {
                *state = State::Starting;
            }
            failed
        });
        if failed {
            self.wanted.notify_one();
        }
    }

    pub(crate) async fn client_wanted(&self) {
        self.wanted.notified().await;
    }

    /// Whoever calls: a task of this leadership's process and runtime.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let _runtime = self.runtime.enter();
        self.terms.host.spawn(task)
    }

    /// Starts what serves all followers together.
    pub(crate) fn spawn_tasks(self: &Arc<Self>) {
        let leadership = Arc::clone(self);
        self.spawn(async move {
            tokio::select! {
                biased;
                () = leadership.ended() => {}
                () = leadership.fanout.write_pushes() => {}
                () = leadership.fanout.drop_lingering() => {}
                () = leadership.watch() => {}
            }
        });
    }

    /// Looks after the followers, for ever.
    async fn watch(&self) {
        loop {
            tokio::time::sleep(self.terms.heartbeat_interval.min(AT_LEAST_EVERY)).await;
            self.fanout.check(clock::now(), self.terms.follower_silence);
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn load(&self) -> crate::testing::Load {
        let mut load = self.fanout.load();
        load.leaderships = 1;
        (load.running_calls, load.running_bytes) = (self.gate.running(), self.gate.bytes());
        load.publishing = self.turns.len();
        load
    }

    // Calls.

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Lets a call in, unless the leadership is going away or over its bound.
    pub(crate) fn enter(&self) -> Result<Permit<'_>, Refusal> {
        Permit::new(&self.gate, &self.terms.limits)
    }

    /// Lets something in that no bound may hold up. `None`: the leadership goes.
    pub(crate) fn enter_unbounded(&self) -> Option<HeldPermit> {
        HeldPermit::unbounded(&self.gate)
    }

    /// The number of a call that the leadership itself makes.
    fn next_own_call(&self) -> u64 {
        self.terms.own_calls.fetch_add(1, Ordering::Relaxed)
    }

    /// True within a method, or a close, of this very leadership.
    pub(crate) fn is_serving(&self) -> bool {
        SERVING.try_with(|gate| Arc::ptr_eq(gate, &self.gate)).unwrap_or(false)
    }

    /// Marks what `future` does as done on behalf of this leadership.
    pub(crate) fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        SERVING.scope(Arc::clone(&self.gate), future)
    }

    /// The same for what is done at once.
    pub(crate) fn sync_scope<R>(&self, act: impl FnOnce() -> R) -> R {
        SERVING.sync_scope(Arc::clone(&self.gate), act)
    }

    pub(crate) fn context(
        &self,
        call: CallId,
        deadline: Option<Instant>,
        caller: Caller,
    ) -> CallContext {
        let epoch = self.terms.epoch - u64::from(planted(Bug::TellsAnOlderEpoch));
        CallContext::new(call, epoch, deadline, caller)
    }
}

/// For a `close()` of the member with this gate: within one of its own calls, that call is not waited for as long as the
/// guard lives.
pub(crate) fn closing_within(gate: &Gate) -> Option<ClosingWithin<'_>> {
    let within = SERVING.try_with(|serving| std::ptr::eq(&**serving, gate)).unwrap_or(false);
    within.then(|| gate.closing_within())
}
