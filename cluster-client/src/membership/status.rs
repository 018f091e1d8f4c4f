//! The state behind [`Membership`](super::Membership): written by the run time, read by anyone.

use std::iter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use tokio::sync::watch;

use super::listener::Listener;
use super::{ClusterEvent, LeaderInfo, Role};
use crate::InstanceId;
use crate::runtime::leader::Gate;

/// A reader of roles needs the newest one only.
const ROLES: usize = 1;
/// What [`Membership::events`](super::Membership::events) promises.
const EVENTS: usize = 256;

/// What a member is and how far its closing has come. No method but the two that say so ever waits.
#[derive(Debug)]
pub(crate) struct Status {
    channel: Arc<str>,
    port: u16,
    instance: InstanceId,
    state: Mutex<State>,
    closing: watch::Sender<Closing>,
    /// Of the leadership in this process, whose calls may be what closes it.
    gate: Mutex<Option<Arc<Gate>>>,
}

#[derive(Debug)]
struct State {
    role: Role,
    leader: Option<LeaderInfo>,
    roles: Listeners<Role>,
    events: Listeners<ClusterEvent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closing {
    No,
    Requested,
    Finished,
}

impl Status {
    pub(crate) fn new(channel: Arc<str>, port: u16, instance: InstanceId) -> Self {
        let state = State {
            role: Role::Electing,
            leader: None,
            roles: Listeners::new(),
            events: Listeners::new(),
        };
        Self {
            channel,
            port,
            instance,
            state: Mutex::new(state),
            closing: watch::Sender::new(Closing::No),
            gate: Mutex::default(),
        }
    }

    pub(crate) fn channel(&self) -> &str {
        &self.channel
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn instance(&self) -> InstanceId {
        self.instance
    }

    pub(crate) fn role(&self) -> Role {
        self.lock().role
    }

    pub(crate) fn leader(&self) -> Option<LeaderInfo> {
        self.lock().leader
    }

    /// Sets the role and who leads. Ignored once closed.
    pub(crate) fn set_role(&self, role: Role, leader: Option<LeaderInfo>) {
        let wakers = self.lock().set_role(role, leader);
        wake(wakers);
    }

    /// Tells every listener. Ignored once closed.
    pub(crate) fn emit(&self, event: ClusterEvent) {
        let wakers = self.lock().events.push(event);
        wake(wakers);
    }

    pub(crate) fn set_gate(&self, gate: &Arc<Gate>) {
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(gate));
    }

    pub(crate) fn gate(&self) -> Option<Arc<Gate>> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the run time to close this member. Asking again changes nothing.
    pub(crate) fn request_close(&self) {
        self.advance(Closing::Requested);
    }

    /// Resolves once somebody has asked to close this member.
    pub(crate) async fn close_requested(&self) {
        self.reached(Closing::Requested).await;
    }

    /// Says that this member is closed: the last role, the last event, the end of all streams.
    pub(crate) fn finish_close(&self) {
        let wakers = {
            let mut state = self.lock();
            let mut wakers = state.set_role(Role::Closed, None);
            wakers.extend(state.events.push(ClusterEvent::Closed));
            wakers.extend(state.roles.end());
            wakers.extend(state.events.end());
            wakers
        };
        wake(wakers);
        self.advance(Closing::Finished);
    }

    /// Resolves once this member is closed.
    pub(crate) async fn closed(&self) {
        self.reached(Closing::Finished).await;
    }

    pub(super) fn listen_to_roles(&self) -> Arc<Listener<Role>> {
        let mut state = self.lock();
        let listener = state.roles.add(ROLES);
        // Nobody waits on a listener that nobody has yet: there is no waker.
        listener.push(state.role);
        listener
    }

    pub(super) fn listen_to_events(&self) -> Arc<Listener<ClusterEvent>> {
        self.lock().events.add(EVENTS)
    }

    fn advance(&self, to: Closing) {
        self.closing.send_if_modified(|closing| {
            let forward = *closing < to;
            if forward {
                *closing = to;
            }
            forward
        });
    }

    async fn reached(&self, goal: Closing) {
        // An error means that the sender is gone, and `self` holds it.
        let _ = self.closing.subscribe().wait_for(|closing| *closing >= goal).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Streams outlive the member they listen to; they must not wait for ever if it is gone without having been closed.
impl Drop for Status {
    fn drop(&mut self) {
        self.finish_close();
    }
}

impl State {
    fn set_role(&mut self, role: Role, leader: Option<LeaderInfo>) -> Vec<Waker> {
        if self.role == Role::Closed {
            return Vec::new();
        }
        self.leader = leader;
        if self.role == role {
            return Vec::new();
        }
        self.role = role;
        self.roles.push(role)
    }
}

/// Everybody who listens to `T`.
#[derive(Debug)]
struct Listeners<T> {
    all: Vec<Weak<Listener<T>>>,
    ended: bool,
}

impl<T: Clone> Listeners<T> {
    fn new() -> Self {
        Self { all: Vec::new(), ended: false }
    }

    fn add(&mut self, capacity: usize) -> Arc<Listener<T>> {
        let listener = Arc::new(Listener::new(capacity));
        if self.ended {
            listener.end();
        } else {
            self.all.retain(|listener| listener.strong_count() > 0);
            self.all.push(Arc::downgrade(&listener));
        }
        listener
    }

    fn push(&self, item: T) -> Vec<Waker> {
        let copies = iter::repeat(item);
        self.present().zip(copies).filter_map(|(listener, item)| listener.push(item)).collect()
    }

    fn end(&mut self) -> Vec<Waker> {
        self.ended = true;
        let wakers = self.present().filter_map(|listener| listener.end()).collect();
        self.all.clear();
        wakers
    }

    fn present(&self) -> impl Iterator<Item = Arc<Listener<T>>> {
        self.all.iter().filter_map(Weak::upgrade)
    }
}

/// Waking runs the code of whatever executor polls the stream, so no lock is held here.
fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}
