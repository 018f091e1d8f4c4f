//! A follower's connection to its leader.
//!
//! One mutex guards all that is known about the connection, and under it there is no system call, no foreign code
//! and no wake-up. Whoever calls encodes its packet, appends it under the lock and, unless somebody else is about
//! to, writes it into the socket itself; it decodes its answer itself, too. Two tasks serve the connection: `task`
//! reads, hands out what has come, and writes what callers have left; `clock` expires calls and sends heartbeats.
//!
//! - `state`: what the mutex guards
//! - `call`: the future of one call
//! - `task`, `inbound`: the connection's task, and what it makes of the bytes it has read
//! - `clock`: deadlines and heartbeats
//! - `leaving`: the last calls of a process that closes
//! - `catching_up`: the leader was given up and is back
//! - `scratch`: where packets are encoded

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cluster_protocol::{
    CANCEL, EncodeError, FrameLimits, Kind, PushEvent, Welcome, set_id, timeout_millis,
    write_packet,
};
use tokio::sync::{Notify, watch};

use self::scratch::Scratch;
use self::state::{Phase, State};
use super::host::Host;
use super::transport::{self, ReadHalf, WriteHalf};
use crate::limits::Limits;
use crate::node::Peer;
use crate::session::{
    calls::{CallTraits, Calls, NewCall},
    ids::Ids,
    liveness::Liveness,
    oneways::{Lost, Oneway, Unconfirmed},
    outbound::{Batch, Outbound},
    progress::Arrival,
};

mod call;
mod catching_up;
mod clock;
mod inbound;
mod leaving;
mod scratch;
mod state;
mod task;
#[cfg(test)]
mod tests;

pub(crate) use self::call::{Answer, PendingCall};

/// What a link is told when it starts.
#[derive(Debug, Clone)]
pub(crate) struct LinkSettings {
    /// Bounds on what is sent.
    pub(crate) frame: FrameLimits,
    /// Bounds on what the leader may send.
    pub(crate) inbound: FrameLimits,
    /// After so much silence the leader is asked for a sign of life; see [`Liveness`].
    pub(crate) heartbeat_interval: Duration,
    /// After so much silence others will do for the leader; `None`: never.
    pub(crate) patience: Option<Duration>,
    /// Those of them that are not about the size of a packet.
    pub(crate) limits: Limits,
    /// Who leads.
    pub(crate) leader: Peer,
    /// Where the link's tasks run.
    pub(crate) host: Host,
}

/// What a leader says without having been asked, and how it is. Called by the tasks of the connection, in the order
/// in which it came.
pub(crate) trait LinkEvents: Send + Sync + 'static {
    fn pushed(&self, push: Push<'_>);
    /// The leader knows of an end of the key's subscription: what it pushed before was for that one.
    fn unsubscribed(&self, key: &str);
    /// Another process has published the key, or it was undone: this process must not publish again what it published
    /// by `call` or before.
    fn publication_taken(&self, method: &str, key: &str, call: u64);
    fn channel_state(&self, welcome: Welcome, data: &[u8]);
    /// The leader takes no more calls. Those that it did not accept have been told so.
    fn going_away(&self);
    fn unresponsive(&self, silent: Duration);
    /// It has been silent for longer than the link has patience. Until it is responsive again no call is taken.
    fn given_up(&self);
    fn responsive(&self);
}

/// A message of a subscription.
#[derive(Debug)]
pub(crate) struct Push<'a> {
    pub(crate) key: &'a str,
    pub(crate) item: Option<&'a str>,
    /// Something other than a value.
    pub(crate) event: Option<PushEvent>,
    pub(crate) data: Bytes,
}

/// Why a call was not sent. It did not run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StartError {
    Encode(EncodeError),
    Closed,
    /// The leader is going away, or silent.
    GoingAway,
    /// Too many calls wait, or too many bytes.
    Busy,
}

/// How a link has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkEnd {
    pub(crate) reason: String,
    /// The leader had said before that it was going away.
    pub(crate) going_away: bool,
}

/// A connection to a leader that has registered this process. It lives until either side closes it:
/// to drop the handle is not enough.
#[derive(Debug)]
pub(crate) struct LeaderLink {
    state: Mutex<State>,
    socket: WriteHalf,
    settings: LinkSettings,
    sequence: Arc<AtomicU64>,
    /// Rung when the clock task has to look earlier than it meant to.
    bell: Notify,
    /// Rung when no call waits any more and none is taken, or when the leader has caught up.
    quiet: Notify,
    end: watch::Sender<Option<LinkEnd>>,
}

impl LeaderLink {
    /// Takes over a connection after its handshake. `sequence` numbers the calls of the member, over all its links.
    pub(crate) fn spawn(
        read: ReadHalf,
        write: WriteHalf,
        settings: LinkSettings,
        sequence: Arc<AtomicU64>,
        events: Arc<dyn LinkEvents>,
    ) -> Arc<Self> {
        let now = crate::clock::now();
        let liveness =
            Liveness::new(now, settings.heartbeat_interval).with_patience(settings.patience);
        let (ids, liveness) = match settings.leader {
            Peer::Rust => (Ids::default(), liveness),
            Peer::Node => (Ids::sequential(), liveness.never_mute()),
        };
        let state = State {
            phase: Phase::Open,
            is_behind: false,
            outbound: Outbound::default(),
            calls: Calls::with_ids(ids),
            oneways: Unconfirmed::new(settings.limits.waiting_calls, settings.limits.waiting_bytes),
            ping: None,
            ordinal: 0,
            liveness,
            arrival: Arrival::new(&settings.limits),
            task: None,
            clock_looks_at: now,
        };
        let link = Arc::new(Self {
            state: Mutex::new(state),
            socket: write,
            settings,
            sequence,
            bell: Notify::new(),
            quiet: Notify::new(),
            end: watch::Sender::new(None),
        });
        let host = &link.settings.host;
        host.spawn(task::Task::new(link.clone(), read, events.clone()));
        host.spawn(clock::run(link.clone(), events));
        link
    }

    /// Sends a call; `data` appends its arguments. One that is idempotent does not wait for a leader that is given up.
    /// The future that is returned is to be polled in the same turn of the same task whose `waker` this is: it relies on
    /// being woken, and so returns `Pending` the first time.
    pub(crate) fn start(
        &self,
        conn: &[u8],
        deadline: Instant,
        traits: CallTraits,
        waker: Waker,
        data: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<PendingCall<'_>, StartError> {
        let timeout = timeout_millis(deadline.saturating_duration_since(crate::clock::now()));
        let mut packet = self.encode(timeout, conn, data)?;
        let sequence = self.next_sequence();

        let mut state = self.lock();
        state.admit(&packet, &self.settings)?;
        let ordinal = state.ordinal + 1;
        let begin = state.outbound.queued();
        let call = NewCall {
            sequence,
            deadline,
            packet: begin..begin + packet.len() as u64,
            ordinal,
            traits,
            waker,
        };
        let id = state.calls.insert(call).ok_or(StartError::Busy)?;
        state.ordinal = ordinal;
        set_id(&mut packet, id);
        let batch = state.send(&packet);
        let early = deadline < state.clock_looks_at;
        drop(state);

        self.flush(batch);
        if early {
            self.bell.notify_one();
        }
        Ok(PendingCall::new(self, id, sequence))
    }

    /// Sends a call that has no answer. `timeout` as in the packet's header; `call`: what is [lost](Self::take_lost) if the
    /// leader does not read it.
    pub(crate) fn send_oneway(
        &self,
        conn: &[u8],
        timeout: u32,
        call: Option<&Oneway>,
        data: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), StartError> {
        let mut packet = self.encode(timeout, conn, data)?;
        let sequence = self.next_sequence();
        let mut state = self.lock();
        state.admit(&packet, &self.settings)?;
        state.ordinal += 1;
        if let Some(call) = call {
            state.sends_oneway(&packet, call);
        }
        set_id(&mut packet, state.calls.next_id(sequence));
        let batch = state.send(&packet);
        drop(state);
        self.flush(batch);
        Ok(())
    }

    /// Sends a request that is not a call and has no data, such as `unSubscribe`.
    pub(crate) fn send_control(&self, conn: &[u8]) -> Result<(), StartError> {
        let mut packet = self.encode(0, conn, &mut no_data)?;
        let sequence = self.next_sequence();
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return Err(StartError::Closed);
        }
        set_id(&mut packet, state.calls.next_id(sequence));
        let batch = state.send(&packet);
        drop(state);
        self.flush(batch);
        Ok(())
    }

    /// Ends the connection. What waits to be written is written, as far as the socket takes it at once.
    pub(crate) fn close(&self) {
        let batch = self.lock().outbound.begin();
        self.flush(batch);
        self.end("closed by this process");
    }

    /// The one-way calls that were lost since the last time: before the connection has ended, those that the leader did not
    /// accept or was not given.
    pub(crate) fn take_lost(&self) -> Lost {
        self.lock().oneways.take_lost()
    }

    /// Waits until the connection has ended.
    pub(crate) async fn closed(&self) -> LinkEnd {
        let mut end = self.end.subscribe();
        loop {
            if let Some(end) = end.borrow_and_update().clone() {
                return end;
            }
            // Cannot fail: the other end of this channel is in `self`.
            let _ = end.changed().await;
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn load(&self) -> crate::testing::Load {
        let state = self.lock();
        crate::testing::Load {
            waiting_calls: state.calls.live(),
            unsent_bytes: state.outbound.pending(),
            unconfirmed_oneways: state.oneways.len(),
            ..Default::default()
        }
    }

    /// Whether calls can be sent.
    #[cfg(test)]
    fn is_usable(&self) -> bool {
        self.lock().phase == Phase::Open
    }

    /// Nobody waits for the call any more.
    fn abandon(&self, id: u64) {
        let cancel = self.encode(0, CANCEL.as_bytes(), &mut no_data);
        let mut state = self.lock();
        let waker = state.calls.remove(id);
        let quiet = state.is_quiet();
        let batch = match (&waker, cancel) {
            (Some(_), Ok(mut cancel)) if self.settings.leader.can_cancel() => {
                set_id(&mut cancel, id);
                state.send(&cancel)
            }
            _ => None,
        };
        drop(state);
        self.flush(batch);
        self.ring_if(quiet);
    }

    /// The connection has ended. The first reason counts.
    fn end(&self, reason: &str) {
        let mut lost = Vec::new();
        let mut state = self.lock();
        if state.phase == Phase::Closed {
            return;
        }
        let going_away = state.phase == Phase::GoingAway;
        state.phase = Phase::Closed;
        state.lose_all(&mut lost);
        lost.extend(state.task.take());
        drop(state);

        self.socket.shutdown();
        self.end.send_replace(Some(LinkEnd { reason: reason.to_owned(), going_away }));
        lost.into_iter().for_each(Waker::wake);
        self.bell.notify_one();
        self.quiet.notify_one();
    }

    /// A packet whose id is still to be set.
    fn encode(
        &self,
        timeout: u32,
        conn: &[u8],
        data: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<Scratch, StartError> {
        let mut packet = Scratch::take();
        write_packet(&mut packet, Kind::Request, 0, timeout, conn, &self.settings.frame, data)
            .map_err(StartError::Encode)?;
        Ok(packet)
    }

    fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    fn flush(&self, batch: Option<Batch>) {
        let Some(batch) = batch else { return };
        if transport::flush(&self.state, |state| &mut state.outbound, &self.socket, batch) {
            let task = self.lock().task.clone();
            task.iter().for_each(Waker::wake_by_ref);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        transport::lock(&self.state)
    }
}

/// The data of a packet that has none.
fn no_data(_: &mut Vec<u8>) -> Result<(), EncodeError> {
    Ok(())
}
