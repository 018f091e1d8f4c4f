//! One process leading one channel: the real client, who may call it, and the way out.
//!
//! ```text
//!            built                    closed, handed over, or outdone by a higher epoch
//! Starting ─────────► Ready(client) ─────────────────────────► Draining ──► Closed
//!     ▲ │ failed                                                   ▲
//!     │ └───────────► Failed(error) ───────────────────────────────┘
//!     └──────────────────┘ somebody calls, or some time has passed
//! ```

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use cluster_protocol::{Codec, Failure, FrameLimits};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::fanout::Fanout;
use crate::context::{CallContext, CallId, Caller, InstanceId};
use crate::error::Error;
use crate::limits::Limits;
use crate::membership::{ClusterEvent, LeaderInfo, Status};
use crate::payload::Payload;
use crate::serve::{Call, Outcome, Reply, Slot};
use crate::service::{Kind, MethodInfo, Served};
use crate::session::publications::PublicationKey;
use crate::session::topics::SubscriberId;

/// What the leadership of a channel is made of.
pub(crate) struct Terms {
    pub(crate) channel: Arc<str>,
    pub(crate) instance: InstanceId,
    pub(crate) epoch: u64,
    pub(crate) codec: Codec,
    pub(crate) limits: Limits,
    pub(crate) methods: Arc<[MethodInfo]>,
    /// The methods' descriptions, as followers are told them.
    pub(crate) interface: Arc<[u8]>,
    /// How long a follower may be silent; `None`: for ever.
    pub(crate) follower_silence: Option<Duration>,
}

pub(crate) struct Leadership {
    pub(crate) terms: Terms,
    pub(crate) fanout: Fanout,
    id: u64,
    since: SystemTime,
    status: Arc<Status>,
    state: watch::Sender<State>,
    /// Somebody wants a real client that could not be built to be tried again.
    wanted: Notify,
    step_down: CancellationToken,
    /// Ends every task of this leadership.
    ended: CancellationToken,
    gate: Gate,
}

#[derive(Clone)]
pub(crate) enum State {
    Starting,
    Ready(Arc<dyn Served>),
    Failed(Error),
    Draining,
    Closed,
}

tokio::task_local! {
    /// The leadership whose method is being polled.
    static SERVING: u64;
}

impl Leadership {
    pub(crate) fn new(terms: Terms, status: Arc<Status>) -> Arc<Self> {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            fanout: Fanout::new(&terms.limits),
            terms,
            id: IDS.fetch_add(1, Ordering::Relaxed),
            since: SystemTime::now(),
            status,
            state: watch::Sender::new(State::Starting),
            wanted: Notify::new(),
            step_down: CancellationToken::new(),
            ended: CancellationToken::new(),
            gate: Gate::default(),
        })
    }

    pub(crate) fn channel(&self) -> &str {
        &self.terms.channel
    }

    pub(crate) fn info(&self) -> LeaderInfo {
        LeaderInfo {
            pid: std::process::id(),
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

    pub(crate) fn method(&self, name: &str) -> Option<usize> {
        self.terms.methods.iter().position(|method| method.name == name)
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
            State::Ready(client) => Some(Arc::clone(client)),
            _ => None,
        }
    }

    pub(crate) fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Asks for another try at a real client that could not be built.
    pub(crate) fn want_client(&self) {
        self.wanted.notify_one();
    }

    pub(crate) async fn client_wanted(&self) {
        self.wanted.notified().await;
    }

    // Going.

    pub(crate) fn step_down(&self) {
        self.step_down.cancel();
    }

    pub(crate) async fn stepping_down(&self) {
        self.step_down.cancelled().await;
    }

    /// From now on no follower is admitted. True if there are any.
    pub(crate) fn close_to_followers(&self) -> bool {
        self.fanout.close_to_followers()
    }

    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Refuses new calls, lets those that were accepted finish within `limits.drain`, takes back this process's own
    /// publications and closes the real client.
    pub(crate) async fn drain(&self, own: SubscriberId) {
        let client = self.client();
        self.gate.close();
        self.set(State::Draining);
        self.fanout.going_away();
        if tokio::time::timeout(self.terms.limits.drain, self.gate.drained()).await.is_err() {
            tracing::warn!(channel = %self.terms.channel, running = self.gate.running(), "calls outlast the drain time and are cut off");
        }
        if let Some(client) = client {
            for (key, arguments) in self.fanout.gone(own) {
                self.undo(&client, &key, arguments).await;
            }
            self.fanout.close_upstreams();
            let closing = crate::serve::CatchPanic(client.close());
            match tokio::time::timeout(self.terms.limits.drain, SERVING.scope(self.id, closing)).await {
                Ok(Ok(())) => {}
                Ok(Err(panic)) => {
                    let method = "#[close]".to_owned();
                    self.emit(ClusterEvent::RealClient(Error::Panicked { method, message: panic }));
                }
                Err(_) => tracing::warn!(channel = %self.terms.channel, "the real client is still closing; not waiting for it"),
            }
        }
    }

    /// Ends all connections and tasks. The port is free by now.
    pub(crate) fn end(&self) {
        self.gate.close();
        self.set(State::Closed);
        self.ended.cancel();
        self.fanout.end();
    }

    // Calls.

    /// Lets a call in, unless the leadership is going away or over its bound.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Permit, Failure> {
        self.gate.enter(self.terms.limits.in_flight)?;
        Ok(Permit { leadership: Arc::clone(self) })
    }

    /// True within a method, or a close, of this very leadership.
    pub(crate) fn is_serving(&self) -> bool {
        SERVING.try_with(|id| *id == self.id).unwrap_or(false)
    }

    /// Marks what `future` does as done on behalf of this leadership.
    pub(crate) fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        SERVING.scope(self.id, future)
    }

    /// The same for one poll.
    pub(crate) fn sync_scope<R>(&self, poll: impl FnOnce() -> R) -> R {
        SERVING.sync_scope(self.id, poll)
    }

    pub(crate) fn context(&self, call: CallId, deadline: Option<Instant>, caller: &Arc<Caller>) -> CallContext {
        CallContext::new(call, self.terms.epoch, deadline, Arc::clone(caller))
    }

    /// Runs a call of this process by way of its bytes.
    pub(crate) async fn call_bytes(self: &Arc<Self>, method: usize, call: Call, caller: SubscriberId) -> Reply {
        let Some(client) = self.client() else {
            return Reply::failed(Failure::GoingAway, "the leader is going away");
        };
        let permit = match self.enter() {
            Ok(permit) => permit,
            Err(failure) => return Reply::failed(failure, "the leader takes no more calls"),
        };
        let settlement = match self.settlement(method, &call) {
            Ok(settlement) => settlement,
            Err(error) => return Reply::failed(Failure::BadArguments, &error.to_string()),
        };
        let mut slot = Slot::default();
        slot.prepare(call.context());
        client.serve(method, call, &mut slot);
        let reply = match slot.take() {
            Some(served) => self.scope(served).await,
            None => Reply::failed(Failure::UnknownMethod, "the method cannot be called"),
        };
        self.settle(settlement, reply.outcome, caller);
        drop(permit);
        reply
    }

    // Publications.

    /// What a publication, or taking one back, will change once it has succeeded.
    pub(crate) fn settlement(&self, method: usize, call: &Call) -> Result<Settlement, Error> {
        let mut settlement = Settlement::default();
        let methods = &self.terms.methods;
        if let Some(MethodInfo { kind: Kind::Publish { key, remembered: true, undo }, .. }) = methods.get(method) {
            let key = PublicationKey { method, key: key(call)? };
            let arguments = undo.map(|_| Arguments { codec: call.codec, data: call.data.to_owned_payload() });
            settlement.published = Some((key, arguments));
        }
        for (publish, info) in methods.iter().enumerate() {
            if let Kind::Publish { key, undo: Some(undo), .. } = info.kind
                && undo == method
            {
                settlement.undone.push(PublicationKey { method: publish, key: key(call)? });
            }
        }
        Ok(settlement)
    }

    pub(crate) fn settle(&self, settlement: Settlement, outcome: Outcome, caller: SubscriberId) {
        if outcome != Outcome::Ok {
            return;
        }
        if let Some((key, arguments)) = settlement.published {
            self.fanout.published(self, key, caller, arguments);
        }
        for key in settlement.undone {
            self.fanout.undone(self, &key, caller);
        }
    }

    /// A follower has gone: its publications are taken back, in the background.
    pub(crate) fn undo_all(self: &Arc<Self>, gone: SubscriberId) {
        let (Some(client), Ok(permit)) = (self.client(), self.enter()) else { return };
        let publications = self.fanout.gone(gone);
        if publications.is_empty() {
            return;
        }
        let leadership = Arc::clone(self);
        tokio::spawn(async move {
            for (key, arguments) in publications {
                leadership.undo(&client, &key, arguments).await;
            }
            drop(permit);
        });
    }

    async fn undo(&self, client: &Arc<dyn Served>, key: &PublicationKey, arguments: Arguments) {
        let methods = &self.terms.methods;
        let Some(MethodInfo { kind: Kind::Publish { undo: Some(undo), .. }, .. }) = methods.get(key.method) else { return };
        let Some(info) = methods.get(*undo) else { return };
        let own = Arc::new(Caller::local(self.terms.instance));
        let call_id = CallId { instance: self.terms.instance, sequence: 0 };
        let timeout = info.timeout.unwrap_or(self.terms.limits.drain);
        let call = Call {
            data: arguments.data,
            codec: arguments.codec,
            context: self.context(call_id, Some(Instant::now() + timeout), &own),
            method: info.name,
            answer: Vec::new(),
            limits: self.frame_limits(),
        };
        let mut slot = Slot::default();
        slot.prepare(call.context());
        client.serve(*undo, call, &mut slot);
        let Some(served) = slot.take() else { return };
        let method = info.name.to_owned();
        let error = match tokio::time::timeout(timeout, self.scope(served)).await {
            Ok(Reply { outcome: Outcome::Ok, .. }) => return,
            Ok(reply) => Error::RealClient {
                channel: self.terms.channel.to_string(),
                message: format!("taking back publication {} failed: {:?}", key.key, reply.outcome),
            },
            Err(_) => Error::DeadlineExceeded { method: method.clone(), timeout, outcome: crate::Outcome::Unknown },
        };
        self.emit(ClusterEvent::PublicationFailed { method, error });
    }
}

/// The arguments of a publication, kept for the method that takes it back.
pub(crate) struct Arguments {
    codec: Codec,
    data: Payload,
}

/// See [`Leadership::settlement`].
#[derive(Default)]
pub(crate) struct Settlement {
    published: Option<(PublicationKey, Option<Arguments>)>,
    undone: Vec<PublicationKey>,
}

/// A call is running; dropping it says that it has ended.
pub(crate) struct Permit {
    leadership: Arc<Leadership>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.leadership.gate.leave();
    }
}

/// Counts the calls that run and shuts them out once the leadership goes.
#[derive(Default)]
struct Gate {
    /// The number of calls, and [`CLOSED`].
    running: AtomicUsize,
    /// How many of them wait in `close()` for all others to end.
    closing: AtomicUsize,
    changed: Notify,
}

const CLOSED: usize = 1 << (usize::BITS - 1);

impl Gate {
    fn enter(&self, limit: usize) -> Result<(), Failure> {
        let before = self.running.fetch_add(1, Ordering::AcqRel);
        let refused = if before & CLOSED != 0 {
            Failure::GoingAway
        } else if before >= limit {
            Failure::Busy
        } else {
            return Ok(());
        };
        self.leave();
        Err(refused)
    }

    fn leave(&self) {
        let before = self.running.fetch_sub(1, Ordering::AcqRel);
        if before & CLOSED != 0 {
            self.changed.notify_waiters();
        }
    }

    fn close(&self) {
        self.running.fetch_or(CLOSED, Ordering::AcqRel);
    }

    fn running(&self) -> usize {
        self.running.load(Ordering::Acquire) & !CLOSED
    }

    async fn drained(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.running() <= self.closing.load(Ordering::Acquire) {
                return;
            }
            changed.await;
        }
    }
}

/// A method of this leadership waits for the leadership to close; dropping it says it does so no longer.
pub(crate) struct ClosingWithin<'a>(&'a Gate);

impl Leadership {
    /// `close()` has been called within one of this leadership's own calls: do not wait for that call.
    pub(crate) fn closing_within(&self) -> Option<ClosingWithin<'_>> {
        self.is_serving().then(|| {
            self.gate.closing.fetch_add(1, Ordering::AcqRel);
            self.gate.changed.notify_waiters();
            ClosingWithin(&self.gate)
        })
    }
}

impl Drop for ClosingWithin<'_> {
    fn drop(&mut self) {
        self.0.closing.fetch_sub(1, Ordering::AcqRel);
    }
}
