//! Election by port competition: who listens leads.
//!
//! `listen()` on the literal 127.0.0.1 is the atomic step. `SO_REUSEADDR` lets a successor listen although sockets of
//! the one before it linger; `SO_REUSEPORT` is never set, it would allow two leaders. A process listens once on a
//! port, whatever number of channels it leads there: that is the table in this file.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::host::{Host, Listener, Stream, address};
use super::leader::{Leadership, admission};
use crate::error::Error;
use crate::limits::Limits;
use crate::membership::ClusterEvent;

/// The ports that a process listens on.
#[derive(Default)]
pub(crate) struct Ports(Vec<Arc<PortOwner>>);

/// This process listens on a port.
pub(crate) struct PortOwner {
    host: Host,
    port: u16,
    channels: Mutex<Channels>,
    /// Ends the accept loop.
    stop: CancellationToken,
    /// True once the port is free again.
    freed: watch::Sender<bool>,
    /// Changes when a channel has appeared.
    appeared: watch::Sender<()>,
    /// Places for Node processes that have registered and are not followers, or not yet.
    waiting_room: Arc<Semaphore>,
}

#[derive(Default)]
struct Channels {
    by_name: HashMap<String, Arc<Leadership>>,
    /// The port is being handed over: no channel may join.
    closing: bool,
}

/// The right to lead one channel. Dropping it gives the channel up, the last one the port.
pub(crate) struct Seat {
    owner: Arc<PortOwner>,
    leadership: Arc<Leadership>,
}

/// Tries to become the leader of a channel. `None`: somebody else has the port or, in this process, the channel.
/// `elect` makes the leadership, once the port is won.
pub(crate) fn claim(
    host: &Host,
    port: u16,
    channel: &str,
    limits: &Limits,
    elect: impl FnOnce() -> Arc<Leadership>,
) -> Result<Option<(Seat, Arc<Leadership>)>, Error> {
    let mut ports = lock(host.ports());
    let present = ports.0.iter().find(|owner| owner.port == port).cloned();
    let (owner, listener) = match present {
        Some(owner) => (owner, None),
        None => {
            let listener = host.listen(port).map_err(|error| bind_error(port, &error))?;
            let Some(listener) = listener else { return Ok(None) };
            let owner = Arc::new(PortOwner {
                host: host.clone(),
                port,
                channels: Mutex::default(),
                stop: CancellationToken::new(),
                freed: watch::Sender::new(false),
                appeared: watch::Sender::new(()),
                waiting_room: Arc::new(Semaphore::new(
                    limits.followers.min(Semaphore::MAX_PERMITS),
                )),
            });
            (owner, Some(listener))
        }
    };
    let mut channels = lock(&owner.channels);
    if channels.closing || channels.by_name.contains_key(channel) {
        return Ok(None);
    }
    let leadership = elect();
    channels.by_name.insert(channel.to_owned(), Arc::clone(&leadership));
    drop(channels);
    owner.appeared.send_replace(());
    if listener.is_some() {
        ports.0.push(Arc::clone(&owner));
    }
    // A runtime that is ending drops the task at once, and that looks at the ports.
    drop(ports);
    if let Some(listener) = listener {
        let listening = Listening { owner: Arc::clone(&owner), listener: Some(listener) };
        host.spawn(accept(listening, limits.clone()));
    }
    let seat = Seat { owner, leadership: Arc::clone(&leadership) };
    Ok(Some((seat, leadership)))
}

fn bind_error(port: u16, error: &io::Error) -> Error {
    Error::Bind {
        endpoint: address(port).to_string(),
        kind: format!("{:?}", error.kind()),
        message: error.to_string(),
    }
}

impl PortOwner {
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn channel(&self, name: &str) -> Option<Arc<Leadership>> {
        lock(&self.channels).by_name.get(name).cloned()
    }

    pub(super) fn channel_names(&self) -> Vec<String> {
        let mut names: Vec<String> = lock(&self.channels).by_name.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Changes when a channel has appeared from now on.
    pub(super) fn appearing(&self) -> watch::Receiver<()> {
        self.appeared.subscribe()
    }

    /// A place to wait in, of which there are as many as a leader may have followers.
    pub(super) fn place_to_wait(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.waiting_room).try_acquire_owned().ok()
    }

    fn leave(&self, leadership: &Arc<Leadership>) {
        let mut channels = lock(&self.channels);
        if channels
            .by_name
            .get(leadership.channel())
            .is_some_and(|held| Arc::ptr_eq(held, leadership))
        {
            channels.by_name.remove(leadership.channel());
        }
        if channels.by_name.is_empty() {
            channels.closing = true;
            self.stop.cancel();
        }
    }

    /// Resolves when the port is given up.
    pub(super) async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    async fn freed(&self) {
        let mut freed = self.freed.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = freed.wait_for(|freed| *freed).await;
    }
}

impl Seat {
    /// The channel is about to close. Followers of it need the port, so every channel of this process goes with it;
    /// without followers the other channels stay.
    pub(crate) fn hand_over(&self) {
        let mut channels = lock(&self.owner.channels);
        if !self.leadership.fanout.close_to_followers() {
            return;
        }
        channels.closing = true;
        for other in channels.by_name.values().filter(|other| !Arc::ptr_eq(other, &self.leadership))
        {
            other.step_down();
        }
    }

    /// Gives the channel up and, where the port goes too, returns when it is free. At most `patience` is spent
    /// waiting for the process's other channels.
    pub(crate) async fn release(self, patience: Duration) {
        let owner = Arc::clone(&self.owner);
        drop(self);
        let closing = lock(&owner.channels).closing;
        if closing && tokio::time::timeout(patience, owner.freed()).await.is_err() {
            tracing::warn!(port = owner.port, "other channels of this process still hold the port");
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.owner.leave(&self.leadership);
    }
}

/// Frees the table's entry however the accept loop ends, even with its runtime and before its first turn.
struct Listening {
    owner: Arc<PortOwner>,
    listener: Option<Listener>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        // The socket goes first: whoever sees the entry gone must be able to listen.
        self.listener = None;
        lock(self.owner.host.ports()).0.retain(|owner| !Arc::ptr_eq(owner, &self.owner));
        let mut channels = lock(&self.owner.channels);
        channels.closing = true;
        // Only left if the runtime of this task has ended: whoever leads on another one must not go on without the port.
        channels.by_name.values().for_each(|leadership| leadership.step_down());
        drop(channels);
        self.owner.freed.send_replace(true);
    }
}

/// After the first connection in a row that could not be accepted.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

async fn accept(listening: Listening, limits: Limits) {
    let owner = Arc::clone(&listening.owner);
    let mut pending = VecDeque::new();
    let mut pause = Duration::ZERO;
    while let Some(listener) = &listening.listener {
        let accepted = tokio::select! {
            biased;
            () = owner.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(stream) => {
                pause = Duration::ZERO;
                admit(&mut pending, stream, &owner, &limits);
            }
            // The peer has gone before we came to it: its affair.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // Out of descriptors or memory: never a reason to stop leading.
            Err(error) => {
                pause = longer(pause, limits.accept_pause);
                owner.report(&error);
                tokio::select! {
                    biased;
                    () = owner.stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
}

fn longer(pause: Duration, longest: Duration) -> Duration {
    (pause * 2).max(FIRST_PAUSE).min(longest)
}

/// Starts a handshake, at the cost of the oldest one if too many are pending.
fn admit(
    pending: &mut VecDeque<AbortHandle>,
    stream: Stream,
    owner: &Arc<PortOwner>,
    limits: &Limits,
) {
    pending.retain(|handshake| !handshake.is_finished());
    if pending.len() >= limits.pending_handshakes
        && let Some(oldest) = pending.pop_front()
    {
        tracing::warn!(
            port = owner.port,
            limit = limits.pending_handshakes,
            "too many unfinished handshakes, the oldest is dropped"
        );
        oldest.abort();
    }
    let handshake = admission::admit(stream, Arc::clone(owner), limits.clone());
    pending.push_back(owner.host.spawn(handshake));
}

impl PortOwner {
    fn report(&self, error: &io::Error) {
        tracing::warn!(port = self.port, %error, "accepting a connection failed");
        for leadership in lock(&self.channels).by_name.values() {
            leadership.emit(ClusterEvent::AcceptFailed { message: error.to_string() });
        }
    }
}

/// A panic while one of these locks is held leaves nothing half done: they guard single map operations.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use cluster_protocol::Codec;

    use super::*;
    use crate::context::InstanceId;
    use crate::membership::Status;
    use crate::runtime::leader::Terms;

    fn leadership() -> Arc<Leadership> {
        let (channel, instance) = (Arc::from("Registry"), InstanceId(1));
        let status = Arc::new(Status::new(Arc::clone(&channel), 1, instance));
        let terms = Terms {
            channel,
            instance,
            epoch: 1,
            standalone: false,
            limits: Limits::default(),
            codec: Codec::default(),
            methods: Arc::default(),
            interface: Arc::default(),
            response_timeout: Duration::from_secs(1),
            heartbeat_interval: Duration::from_secs(1),
            follower_silence: None,
            node: None,
            own_calls: Arc::default(),
            host: Host::Here,
        };
        Leadership::new(terms, status)
    }

    /// Wins the port on a runtime that ends before the accept loop has had a turn.
    fn win(port: u16) -> Option<(Seat, Arc<Leadership>)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let limits = Limits::default();
        runtime
            .block_on(async { claim(&Host::Here, port, "Registry", &limits, leadership) })
            .unwrap()
    }

    #[test]
    fn a_runtime_that_ends_before_it_accepts_frees_the_port() {
        let free = TcpListener::bind((address(0).ip(), 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let first = win(port).expect("nobody has the port");
        // The seat may outlive the runtime.
        assert!(win(port).is_some(), "the port is still held by {}", first.1.channel());
    }

    #[test]
    fn who_cannot_accept_pauses_longer_and_longer_but_not_for_ever() {
        let millis = |longest| {
            let mut pause = Duration::ZERO;
            let mut next = || {
                pause = longer(pause, Duration::from_millis(longest));
                pause.as_millis()
            };
            [(); 4].map(|()| next())
        };
        assert_eq!(millis(1000), [10, 20, 40, 80]);
        assert_eq!(millis(25), [10, 20, 25, 25]);
        assert_eq!(millis(3), [3, 3, 3, 3]);
    }
}
