//! A follower as its leader sees it: what is to be sent to it, which of its calls run.

mod calls;
mod watch;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;
use cluster_protocol::{Codec, ConnObject, PushEvent};
use tokio_util::sync::CancellationToken;

use super::Leadership;
use super::admission::Told;
use super::node::NodeSubscriber;
use super::packets::control_packet;
use super::roster::Route;
use super::running::Running;
use crate::clock;
use crate::context::{Caller, InstanceId};
use crate::event::ItemKey;
use crate::planted::{Bug, planted};
use crate::runtime::transport::{self, WriteHalf};
use crate::session::liveness::Liveness;
use crate::session::outbound::Outbound;
use crate::session::progress::{Arrival, Stall};
use crate::session::push_queue::{Next, PushQueue};
use crate::session::rate::Window;
use crate::session::topics::{SubscriberId, TopicId};
#[cfg(feature = "testing")]
use crate::testing::Load;

/// Pushes are handed to the socket's buffer up to this many bytes; the rest waits where it can be conflated.
const PUSH_AHEAD: usize = 256 * 1024;

/// Who has connected.
pub(super) struct Connected {
    pub(super) caller: Caller,
    pub(super) codec: Codec,
    /// It is a Node process: what it is subscribed to.
    pub(super) node: Option<NodeSubscriber>,
}

pub(crate) struct Follower {
    id: SubscriberId,
    peer: Connected,
    leadership: Arc<Leadership>,
    socket: WriteHalf,
    state: Mutex<State>,
    /// Its connection is not served any more.
    gone: CancellationToken,
}

struct State {
    outbound: Outbound,
    stall: Stall,
    arrival: Arrival,
    pushes: PushQueue,
    /// Where announcements of a topic with pending pushes come from.
    routes: HashMap<TopicId, super::packets::Source>,
    /// Pushes have been added that the leadership's writer knows of.
    dirty: bool,
    running: Running,
    cancels: Window,
    /// A Node process would not survive a push without a value.
    understands_events: bool,
    orders: Orders,
    task: Option<Waker>,
    liveness: Liveness,
}

/// What the connection's task is to do at its next turn.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) go_away: bool,
    pub(super) tell_state: Option<Told>,
    pub(super) end: Option<String>,
    /// Topics that a Node process is subscribed to, and that are to be opened again.
    pub(super) reopen: Vec<Arc<str>>,
}

impl Follower {
    pub(super) fn new(
        leadership: &Arc<Leadership>,
        id: SubscriberId,
        peer: Connected,
        socket: WriteHalf,
    ) -> Arc<Self> {
        let understands_events = peer.node.is_none();
        let limits = &leadership.terms.limits;
        Arc::new(Self {
            id,
            peer,
            leadership: Arc::clone(leadership),
            socket,
            state: Mutex::new(State {
                outbound: Outbound::counted(&leadership.unsent),
                stall: Stall::new(limits.write_stall),
                arrival: Arrival::new(limits),
                pushes: PushQueue::new(limits),
                routes: HashMap::new(),
                dirty: false,
                running: Running::default(),
                cancels: Window::new(limits.cancelled_calls, limits.cancel_window),
                understands_events,
                orders: Orders::default(),
                task: None,
                liveness: Liveness::new(clock::now(), leadership.terms.heartbeat_interval),
            }),
            gone: CancellationToken::new(),
        })
    }

    pub(crate) fn id(&self) -> SubscriberId {
        self.id
    }

    pub(super) fn codec(&self) -> Codec {
        self.peer.codec
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.peer.caller
    }

    pub(super) fn instance(&self) -> InstanceId {
        self.peer.caller.instance
    }

    /// What it is subscribed to, if it is a Node process.
    pub(super) fn node(&self) -> Option<&NodeSubscriber> {
        self.peer.node.as_ref()
    }

    pub(super) fn leadership(&self) -> &Arc<Leadership> {
        &self.leadership
    }

    pub(super) fn socket(&self) -> &WriteHalf {
        &self.socket
    }

    // Sending.

    /// Appends packets and leaves the writing to the connection's task.
    pub(super) fn send(&self, packets: &[u8]) {
        let task = {
            let mut state = self.lock();
            state.answer(packets);
            state.task.take()
        };
        wake(task);
    }

    /// Sends what a Node process would not understand to one that does.
    pub(super) fn tell(&self, packet: &[u8]) {
        if self.peer.node.is_none() {
            self.send(packet);
        }
    }

    /// Writes what there is, unless somebody else does.
    pub(super) fn flush(&self) {
        let batch = self.lock().outbound.begin();
        let Some(batch) = batch else { return };
        let has_pushes = Cell::new(false);
        let is_blocked = transport::flush(
            &self.state,
            |state| {
                has_pushes.set(!state.pushes.is_empty());
                &mut state.outbound
            },
            &self.socket,
            batch,
        );
        // The pushes that there was no room for go with the task's next turn.
        if is_blocked || has_pushes.get() {
            let task = self.lock().task.take();
            wake(task);
        }
    }

    // Pushes.

    /// Adds a value. True: the follower has to be put on the writer's list.
    pub(super) fn push(&self, route: Route<'_>, key: ItemKey, packet: Bytes) -> bool {
        let mut state = self.lock();
        if state.pushes.is_empty() && state.has_room_for_pushes() {
            state.outbound.append(&packet);
            if planted(Bug::PushesTwice) {
                state.outbound.append(&packet);
            }
        } else {
            state.routes.entry(route.topic).or_insert_with(|| route.source.clone());
            state.pushes.push(route.topic, key, route.delivery, packet);
        }
        !std::mem::replace(&mut state.dirty, true)
    }

    /// Adds what is not a value. True: as with [`push`](Self::push).
    pub(super) fn announce(&self, route: Route<'_>, event: PushEvent) -> bool {
        let mut state = self.lock();
        let Route { topic, delivery, source } = route;
        match event {
            PushEvent::Missed { count } => state.pushes.missed(topic, delivery, count),
            PushEvent::Resynced => state.pushes.resynced(topic, delivery),
            PushEvent::Ended => state.pushes.end(topic, delivery, source.announcement(event)),
        }
        state.routes.entry(topic).or_insert_with(|| source.clone());
        !std::mem::replace(&mut state.dirty, true)
    }

    /// Writes what has been pushed, as far as the follower reads it.
    pub(super) fn flush_pushes(&self) {
        {
            let mut state = self.lock();
            state.dirty = false;
            state.hand_over_pushes();
        }
        self.flush();
    }

    /// What is pending of a key is of a subscription that is over.
    pub(super) fn drop_pushes(&self, key: &str) {
        self.lock().drop_pushes(key);
    }

    /// The same, and its process is told which pushes those were: all before this.
    pub(super) fn unsubscribed(&self, key: &str) {
        let conn = ConnObject::Unsubscribed { key: key.into() };
        let packet = control_packet(&conn, &self.leadership.frame_limits());
        let mut state = self.lock();
        state.drop_pushes(key);
        // Not with the batch of answers: what is pushed to the next subscription may be written before these.
        state.answer(&packet);
    }

    // Orders to the connection's task.

    pub(super) fn go_away(&self) {
        self.order(|orders| orders.go_away = true);
    }

    pub(super) fn tell_state(&self, told: Told) {
        self.order(|orders| orders.tell_state = Some(told));
    }

    pub(super) fn end(&self, reason: String) {
        self.order(|orders| orders.end = Some(reason));
    }

    /// Its process has registered anew. What it had sent before that, and what has not been read of it, is not started any
    /// more: what it does from now on would come too early.
    pub(super) async fn superseded(&self) {
        self.end("its process has registered anew".to_owned());
        self.gone.cancelled().await;
    }

    pub(super) fn set_gone(&self) {
        self.gone.cancel();
    }

    /// A subscription of a Node process is to be opened again.
    pub(super) fn reopen(&self, topic: Arc<str>) {
        self.order(|orders| orders.reopen.push(topic));
    }

    fn order(&self, order: impl FnOnce(&mut Orders)) {
        let task = {
            let mut state = self.lock();
            order(&mut state.orders);
            state.task.take()
        };
        wake(task);
    }

    // The connection's task.

    /// Begins a turn: returns the orders, and whether the socket must become writable first.
    pub(super) fn begin_turn(&self, waker: &Waker) -> (Orders, bool) {
        let mut state = self.lock();
        if !state.task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            state.task = Some(waker.clone());
        }
        state.outbound.begin_turn();
        (std::mem::take(&mut state.orders), state.outbound.is_blocked())
    }

    pub(super) fn unblock(&self) {
        let mut state = self.lock();
        state.outbound.unblock();
        // It was not read either.
        state.arrival.was_not_read();
    }

    /// So many bytes have come from it.
    pub(super) fn heard(&self, now: Instant, bytes: usize) {
        let mut state = self.lock();
        state.liveness.heard(now);
        state.arrival.read(bytes);
    }

    /// Appends a batch of answers, and whatever `pushes` there is room for. `begun`: since when a packet is coming in.
    pub(super) fn append(&self, packets: &[u8], pushes: bool, begun: Option<Instant>) {
        let mut state = self.lock();
        state.arrival.begun(begun);
        if !packets.is_empty() {
            state.answer(packets);
        }
        if pushes {
            state.hand_over_pushes();
        }
    }

    pub(super) fn outbound(&self) -> OutboundState {
        let state = self.lock();
        OutboundState {
            unsent: state.outbound.pending(),
            blocked: state.outbound.is_blocked(),
            broken: state.outbound.is_broken(),
        }
    }

    #[cfg(feature = "testing")]
    pub(super) fn load(&self) -> Load {
        let state = self.lock();
        let (followers_calls, followers_bytes) = state.running.held();
        let unsent_bytes = state.outbound.pending() + state.pushes.bytes();
        Load { unsent_bytes, followers_calls, followers_bytes, ..Load::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        transport::lock(&self.state)
    }
}

/// How far the writing has come.
pub(super) struct OutboundState {
    /// Bytes not yet taken by the socket, but for pushes that may still be conflated.
    pub(super) unsent: usize,
    pub(super) blocked: bool,
    pub(super) broken: bool,
}

impl State {
    fn answer(&mut self, packets: &[u8]) {
        let until = self.outbound.append(packets);
        self.stall.owe(until);
    }

    fn drop_pushes(&mut self, key: &str) {
        let pushes = &mut self.pushes;
        // A topic that has ended meanwhile is among them, and only here.
        self.routes.retain(|topic, source| {
            let stays = *source.key != *key;
            if !stays {
                pushes.drop_topic(*topic);
            }
            stays
        });
    }

    /// Not while the socket is full: what the task has to write before it reads again is not to grow.
    fn has_room_for_pushes(&self) -> bool {
        !self.outbound.is_blocked() && self.outbound.pending() < PUSH_AHEAD
    }

    fn hand_over_pushes(&mut self) {
        let understands_events = self.understands_events;
        while self.has_room_for_pushes() {
            let (topic, event) = match self.pushes.pop() {
                Some(Next::Packet(packet)) => {
                    self.outbound.append(&packet);
                    continue;
                }
                Some(Next::Missed { topic, count }) => (topic, PushEvent::Missed { count }),
                Some(Next::Resynced { topic }) => (topic, PushEvent::Resynced),
                None => return self.routes.clear(),
            };
            if let Some(source) = self.routes.get(&topic).filter(|_| understands_events) {
                let packet = source.announcement(event);
                self.outbound.append(&packet);
            }
        }
    }
}

/// Outside of every lock: waking runs code of the runtime.
fn wake(task: Option<Waker>) {
    if let Some(task) = task {
        task.wake();
    }
}
