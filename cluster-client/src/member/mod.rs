//! One member of a cluster: what outlives the leaders that come and go.

mod link;
mod subscriptions;
mod waiting;

use std::any::TypeId;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use cluster_protocol::{Codec, FrameLimits};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

#[allow(unreachable_pub, reason = "named by the sealed half of a public trait")]
pub use self::link::Link;
use self::link::PresentLink;
pub(crate) use self::subscriptions::{Confirmation, Said, Subscriptions, Turn};
pub(crate) use self::waiting::{Place, Waiting};
use crate::calls::Oneways;
use crate::context::{CallContext, CallId, Caller, InstanceId};
use crate::error::Error;
use crate::interface::MethodDescription;
use crate::membership::{ClusterEvent, Role, Status};
use crate::node::NodeInterface;
use crate::options::Options;
use crate::runtime::joining::Obstacle;
use crate::runtime::leader::Leadership;
use crate::runtime::turns::Turns;
use crate::serve::{Call, Errors};
use crate::service::{MethodInfo, Served, Service, methods, settling};
use crate::session::payload::Payload;
use crate::session::publications::{PublicationKey, Remembered};
use crate::session::retries::RetryBudget;
use crate::session::topics::SubscriberId;

tokio::task_local! {
    /// The member whose factory is being polled.
    static BUILDING: SubscriberId;
}

pub(crate) struct Member {
    id: SubscriberId,
    /// The generated proxy's type: whose methods these are.
    pub(crate) service: TypeId,
    pub(crate) options: Options,
    pub(crate) channel: Arc<str>,
    pub(crate) methods: Arc<[MethodInfo]>,
    /// For each method, whether its calls publish something or take it back.
    settling: Vec<bool>,
    pub(crate) interface: Arc<[MethodDescription]>,
    /// The methods as Node processes see them, if there may be some.
    pub(crate) node: Option<Arc<NodeInterface>>,
    pub(crate) status: Arc<Status>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) waiting: Waiting,
    pub(crate) oneways: Oneways,
    remembered: Mutex<Remembered>,
    retries: Mutex<RetryBudget>,
    obstacle: Mutex<Option<Obstacle>>,
    leaving: Mutex<Option<Weak<Leadership>>>,
    link: PresentLink,
    /// Counts this member's calls; a call keeps its number however often it is sent.
    sequence: Arc<AtomicU64>,
    /// Counts those that its leaderships make by themselves.
    own_calls: Arc<AtomicU64>,
    /// Of what is remembered, whoever publishes it here: it is numbered in the order in which it is made.
    pub(crate) publishing: Arc<Turns<PublicationKey>>,
    /// How many calls were made, each once.
    calls: AtomicU64,
    highest_epoch: AtomicU64,
    /// Somebody wants a real client that could not be built.
    wanted: Notify,
}

impl SubscriberId {
    /// One that nobody else in this process has.
    pub(crate) fn unique() -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Self(IDS.fetch_add(1, Ordering::Relaxed))
    }
}

impl Member {
    /// # Errors
    ///
    /// [`Error::InvalidOption`], if these methods cannot be shared with Node processes and are to be.
    pub(crate) fn new<S: Service>(options: Options) -> Result<Arc<Self>, Error> {
        let instance = options.host.instance();
        let channel: Arc<str> = options.name.as_str().into();
        let methods = methods::<S>();
        let node = options.node_compat.then(|| NodeInterface::new(&methods)).transpose()?;
        let member = Arc::new(Self {
            id: SubscriberId::unique(),
            service: TypeId::of::<S>(),
            settling: settling(&methods),
            interface: methods.iter().map(MethodInfo::describe).collect(),
            methods,
            status: Arc::new(Status::new(Arc::clone(&channel), options.port, instance)),
            subscriptions: Subscriptions::new(&options.limits),
            waiting: Waiting::new(&options.limits),
            oneways: Oneways::new(&options.limits),
            remembered: Mutex::default(),
            retries: Mutex::new(options.limits.retries()),
            obstacle: Mutex::default(),
            leaving: Mutex::default(),
            link: PresentLink::new(Link::Electing),
            sequence: Arc::new(AtomicU64::new(1)),
            own_calls: Arc::new(AtomicU64::new(1 << 47)),
            publishing: Arc::default(),
            calls: AtomicU64::new(0),
            highest_epoch: AtomicU64::new(0),
            wanted: Notify::new(),
            node: node.map(Arc::new),
            channel,
            options,
        });
        #[cfg(feature = "testing")]
        if let Some(residents) = member.options.host.residents() {
            residents.add_member(&member);
        }
        Ok(member)
    }

    pub(crate) fn id(&self) -> SubscriberId {
        self.id
    }

    pub(crate) fn instance(&self) -> InstanceId {
        self.status.instance()
    }

    pub(crate) fn codec(&self) -> Codec {
        self.options.codec
    }

    pub(crate) fn frame_limits(&self) -> FrameLimits {
        self.options.limits.frame()
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller { pid: self.options.host.pid(), instance: self.instance(), local: true }
    }

    pub(crate) fn sequence(&self) -> &Arc<AtomicU64> {
        &self.sequence
    }

    pub(crate) fn own_calls(&self) -> &Arc<AtomicU64> {
        &self.own_calls
    }

    pub(crate) fn next_call(&self) -> CallId {
        CallId {
            instance: self.instance(),
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed),
        }
    }

    pub(crate) fn emit(&self, event: ClusterEvent) {
        self.status.emit(event);
    }

    pub(crate) fn method(&self, name: &str) -> Option<usize> {
        self.methods.iter().position(|method| method.name == name)
    }

    /// How long a call of the method may take.
    pub(crate) fn timeout(&self, info: &MethodInfo) -> Duration {
        info.timeout.unwrap_or(self.options.response_timeout)
    }

    // The link to the leader.

    pub(crate) fn link(&self) -> Link {
        self.link.get()
    }

    /// Resolves at the next change of the link after this.
    pub(crate) fn relinked(&self) -> Notified<'_> {
        self.link.changed()
    }

    /// Sets the link. Once closed, a member stays closed.
    pub(crate) fn set_link(&self, link: Link) {
        self.link.replace(link, |present| !matches!(present, Link::Closed));
    }

    /// Whether the present link is this one.
    pub(crate) fn is_linked(&self, link: &Link) -> bool {
        self.link.is(link)
    }

    /// Asks for a real client that could not be built to be tried again. The calls that follow wait for it.
    pub(crate) fn want_client(&self) {
        if self.link.replace(Link::Electing, |present| matches!(present, Link::Failed(_))) {
            self.wanted.notify_one();
        }
    }

    pub(crate) async fn client_wanted(&self) {
        self.wanted.notified().await;
    }

    // Epochs.

    pub(crate) fn highest_epoch(&self) -> u64 {
        self.highest_epoch.load(Ordering::Acquire)
    }

    pub(crate) fn saw_epoch(&self, epoch: u64) {
        self.highest_epoch.fetch_max(epoch, Ordering::AcqRel);
    }

    /// The publications to be made again to the next leader.
    pub(crate) fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Making calls.

    /// Whether calls of this method publish something or take it back.
    pub(crate) fn settles(&self, method: usize) -> bool {
        self.settling.get(method).is_some_and(|settles| *settles)
    }

    /// A call begins.
    pub(crate) fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a call that a busy leader has turned away may be sent again.
    pub(crate) fn may_retry(&self) -> bool {
        let calls = self.calls.load(Ordering::Relaxed);
        self.retries.lock().unwrap_or_else(PoisonError::into_inner).take(calls)
    }

    /// A call of this member, as its own leader runs it.
    pub(crate) fn call(&self, info: &MethodInfo, data: Bytes, context: CallContext) -> Call {
        Call {
            data: Payload::from(data),
            codec: self.codec(),
            context,
            method: info.name,
            answer: Vec::new(),
            limits: self.frame_limits(),
            errors: Errors::Typed,
        }
    }

    /// A call that is only asked for its key.
    pub(crate) fn call_for_key(&self, info: &MethodInfo, data: Bytes) -> Call {
        let call_id = CallId { instance: self.instance(), sequence: 0 };
        self.call(info, data, CallContext::new(call_id, 0, None, self.caller()))
    }

    /// Why there is no leader, as far as is known.
    pub(crate) fn set_obstacle(&self, obstacle: Obstacle) {
        *self.obstacle.lock().unwrap_or_else(PoisonError::into_inner) = Some(obstacle);
    }

    pub(crate) fn clear_obstacle(&self) {
        *self.obstacle.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What a call, or `start`, fails with that has waited for a leader.
    pub(crate) fn no_leader(&self, waited: Duration) -> Error {
        let obstacle = self.obstacle.lock().unwrap_or_else(PoisonError::into_inner).clone();
        obstacle.unwrap_or(Obstacle::Starting).into_error(&self.channel, self.options.port, waited)
    }

    /// The leadership is on its way out: calls wait for the next one, or fail if there will be none.
    pub(crate) fn leaving(&self, leadership: &Arc<Leadership>, closed: bool) {
        *self.leaving.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Arc::downgrade(leadership));
        self.set_link(if closed { Link::Closed } else { Link::Electing });
        if !closed {
            self.status.set_role(Role::Electing, None);
        }
    }

    /// Within a method of a leadership that waits for that method to end.
    pub(crate) fn is_leaving_from_within(&self) -> bool {
        let leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        leaving.as_ref().and_then(Weak::upgrade).is_some_and(|leadership| leadership.is_serving())
    }

    // The factory.

    /// Marks what the factory does, so that a call of its own proxy is an error rather than a deadlock.
    pub(crate) async fn building<F: Future>(&self, factory: F) -> F::Output {
        BUILDING.scope(self.id, factory).await
    }

    pub(crate) fn is_building(&self) -> bool {
        BUILDING.try_with(|id| *id == self.id).unwrap_or(false)
    }
}

/// What proxies and subscriptions hold: the last one to go closes the member.
pub struct Handle {
    pub(crate) member: Arc<Member>,
    pub(crate) membership: crate::Membership,
}

impl Handle {
    pub(crate) fn new(member: Arc<Member>) -> Arc<Self> {
        Arc::new(Self { membership: crate::Membership::new(Arc::clone(&member.status)), member })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.member.status.request_close();
    }
}

/// Builds the real client, its type erased.
pub(crate) type Factory = Arc<
    dyn Fn(
            crate::LeaderContext,
        ) -> crate::service::BoxFuture<'static, Result<Arc<dyn Served>, String>>
        + Send
        + Sync,
>;
