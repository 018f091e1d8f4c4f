//! The task of one follower's connection: reads its packets in batches, runs its calls, writes the answers.
//!
//! A call is polled once in place; what is ready then is answered with the whole batch in one write, what is not
//! moves into a task of its own. While the follower does not read, its packets are not read either.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use cluster_protocol::{ConnObject, DecodeError, Parse, parse};
use tokio::sync::Semaphore;

use super::Leadership;
use super::follower::Follower;
use super::large::{Begun, Large};
use super::late::GivenUp;
use super::node::{self, NodeConnection};
use super::packets::control_packet;
use super::request::{self, Incoming, take_data};
use crate::clock;
use crate::membership::ClusterEvent;
use crate::runtime::transport::ReadHalf;
use crate::serve::{CatchPanic, Slot};
use crate::service::Served;
use crate::session::rate::RateLimit;
use crate::session::turn::Turn;

/// Answers are written before the batch has grown over this.
const WRITE_AFTER: usize = 128 * 1024;

/// How long the last bytes of an ending connection may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves a follower to the end of its connection.
/// `register`: a Node process waits for the answer to its registration of that id.
pub(super) async fn serve(follower: Arc<Follower>, read: ReadHalf, register: Option<u64>) {
    let leadership = Arc::clone(follower.leadership());
    let caller = follower.caller();
    let (pid, instance) = (caller.pid, caller.instance);
    tracing::debug!(channel = leadership.channel(), pid, %instance, "a follower joined");
    leadership.emit(ClusterEvent::FollowerJoined { pid, instance });

    let mut gone =
        Gone { follower: Arc::clone(&follower), reason: "its connection failed".to_owned() };
    let mut connection = Connection::new(Arc::clone(&follower), read);
    connection.node = register.map(NodeConnection::registering);
    let mut panicked = false;
    gone.reason = tokio::select! {
        // The connection first: it may still have to say that the leader is going away.
        biased;
        reason = CatchPanic(&mut connection) => {
            // The keys of publications and subscriptions are made of arguments that are decoded right here.
            reason.unwrap_or_else(|panic| {
                panicked = true;
                format!("serving it panicked: {panic}")
            })
        }
        () = leadership.ended() => {
            // The end may have come between the look at the connection and the one at the leadership: what the
            // connection was told before that, it still has to say.
            poll_fn(|cx| {
                let _ = Pin::new(&mut CatchPanic(&mut connection)).poll(cx);
                Poll::Ready(())
            })
            .await;
            say_goodbye(&follower).await;
            "the leader has ended".to_owned()
        }
    };
    if connection.node.is_some() && (connection.broke_protocol || panicked) {
        // It would connect again at once and do the same again, without end.
        let reason = &*gone.reason;
        tracing::warn!(
            channel = leadership.channel(),
            reason,
            "a Node process is not listened to any more"
        );
        follower.cancel_all();
        tokio::select! {
            biased;
            () = leadership.ended() => {}
            () = node::admission::hold(&mut connection.read) => {}
        }
    }
}

/// A follower is gone when its connection's task is, even if a panic ends that.
struct Gone {
    follower: Arc<Follower>,
    reason: String,
}

impl Drop for Gone {
    fn drop(&mut self) {
        let follower = &self.follower;
        let leadership = follower.leadership();
        let (pid, instance) = (follower.caller().pid, follower.caller().instance);
        follower.socket().shutdown();
        follower.cancel_all();
        leadership.fanout.remove(follower.id());
        leadership.undo_all(follower.id());
        follower.set_gone();
        let reason = std::mem::take(&mut self.reason);
        tracing::debug!(channel = leadership.channel(), pid, %instance, reason, "a follower left");
        leadership.emit(ClusterEvent::FollowerLeft { pid, instance, reason });
    }
}

/// Gets rid of the last answers.
async fn say_goodbye(follower: &Follower) {
    let written = poll_fn(|cx| {
        loop {
            follower.flush();
            let outbound = follower.outbound();
            if outbound.unsent == 0 || outbound.broken {
                return Poll::Ready(());
            }
            if ready!(follower.socket().poll_write_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            follower.unblock();
        }
    });
    // Past that time the follower does not read, and nothing is owed to it.
    let _ = tokio::time::timeout(FAREWELL, written).await;
}

/// Ends with the reason.
pub(super) struct Connection {
    pub(super) follower: Arc<Follower>,
    pub(super) leadership: Arc<Leadership>,
    pub(super) read: ReadHalf,
    /// When what is buffered was read: calls are timed from then.
    pub(super) read_at: Instant,
    /// The calls in it that nobody waits for.
    pub(super) given_up: GivenUp,
    pub(super) client: Option<Arc<dyn Served>>,
    /// For each method, the box of its last call's future.
    pub(super) slots: Vec<Slot>,
    pub(super) out: Vec<u8>,
    pub(super) spare_answer: Vec<u8>,
    /// Calls accepted on this connection, which is what "going away" is said by.
    pub(super) accepted: u64,
    /// How many of them, or of the subscriptions, it has said to be over.
    pub(super) ended: u64,
    /// Of packets that bring no work.
    pub(super) control: RateLimit,
    /// Room for publications that are to be taken back.
    pub(super) releases: Arc<Semaphore>,
    pub(super) large: Large,
    /// When the packet began that has not come as a whole.
    begun: Option<Instant>,
    pub(super) going_away: bool,
    /// It ended because of what the follower said.
    broke_protocol: bool,
    /// Of a Node process.
    pub(super) node: Option<NodeConnection>,
}

impl Connection {
    fn new(follower: Arc<Follower>, read: ReadHalf) -> Self {
        let leadership = Arc::clone(follower.leadership());
        let limits = &leadership.terms.limits;
        let control = RateLimit::new(limits.control_packets_per_second, limits.control_burst);
        let releases = limits.publications_per_follower.min(Semaphore::MAX_PERMITS);
        let mut slots = Vec::new();
        slots.resize_with(leadership.terms.methods.len(), Slot::default);
        Self {
            follower,
            leadership,
            read,
            read_at: clock::now(),
            given_up: GivenUp::default(),
            client: None,
            slots,
            out: Vec::new(),
            spare_answer: Vec::new(),
            accepted: 0,
            ended: 0,
            control,
            releases: Arc::new(Semaphore::new(releases)),
            large: Large::default(),
            begun: None,
            going_away: false,
            broke_protocol: false,
            node: None,
        }
    }
}

impl Connection {
    /// Says, once, that no more calls are accepted.
    pub(super) fn go_away(&mut self) {
        let said = std::mem::replace(&mut self.going_away, true);
        // A Node process learns it when its connection ends, and then the port is free.
        if !said && self.node.is_none() {
            let conn = ConnObject::GoingAway { accepted: self.accepted };
            self.out.extend_from_slice(&control_packet(&conn, &self.leadership.frame_limits()));
        }
    }
}

impl Future for Connection {
    type Output = String;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<String> {
        let this = &mut *self;
        let (orders, blocked) = this.follower.begin_turn(cx.waker());
        let told = orders.tell_state;
        if let (Some(told), None) = (&told, &this.node) {
            this.out.extend_from_slice(&told.packet);
        }
        if orders.go_away {
            this.go_away();
        }
        orders.reopen.iter().for_each(|topic| this.node_reopen(topic));
        let failure = told.and_then(|told| told.failure);
        if let Some(node) = &mut this.node
            && let Err(reason) = node.answer(&this.leadership, failure, &mut this.out)
        {
            return Poll::Ready(reason);
        }
        if let Some(reason) = orders.end {
            this.write_answers();
            return Poll::Ready(reason);
        }
        if blocked {
            match this.follower.socket().poll_write_ready(cx) {
                Poll::Ready(Ok(())) => this.follower.unblock(),
                Poll::Ready(Err(error)) => return Poll::Ready(error.to_string()),
                Poll::Pending => {}
            }
        }
        this.write_answers();
        let mut turn = Turn::new(&this.leadership.terms.limits);
        loop {
            let outbound = this.follower.outbound();
            if outbound.broken {
                return Poll::Ready("it closed the connection".to_owned());
            }
            if outbound.blocked {
                // Not to read is the backpressure: it falls on this follower alone.
                match this.follower.socket().poll_write_ready(cx) {
                    Poll::Ready(Ok(())) => {
                        this.follower.unblock();
                        this.write_answers();
                        continue;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(error.to_string()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            let leadership = Arc::clone(&this.leadership);
            match leadership.sync_scope(|| this.handle_batch(&leadership, &mut turn)) {
                Ok(Batch::Whole) => {}
                // The others get their turn.
                Ok(Batch::Part) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(Batch::Waits) => {
                    ready!(this.large.poll_pause(cx));
                    continue;
                }
                Err(error) => return Poll::Ready(error),
            }
            match ready!(this.read.poll_read(cx)) {
                Ok(0) => return Poll::Ready("it closed the connection".to_owned()),
                Ok(read) => {
                    let before = std::mem::replace(&mut this.read_at, clock::now());
                    let (waited, limits) = (this.read_at - before, leadership.frame_limits());
                    let more = this.given_up.after_a_read(waited, &mut this.read, cx, &limits);
                    let read = read + more;
                    this.follower.heard(this.read_at, read);
                    if !turn.read(read) {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                Err(error) => return Poll::Ready(error.to_string()),
            }
        }
    }
}

enum Batch {
    /// All complete packets of the buffer were handled.
    Whole,
    /// As many as one turn, or the follower that has to read the answers, allows.
    Part,
    /// All, and the next one waits for room for its data.
    Waits,
}

impl Connection {
    fn handle_batch(
        &mut self,
        leadership: &Arc<Leadership>,
        turn: &mut Turn,
    ) -> Result<Batch, String> {
        let limits = leadership.frame_limits();
        loop {
            self.pass_over();
            let (header, incoming) = match parse(self.read.buffered(), &limits) {
                Ok(Parse::Incomplete { .. }) => {
                    self.note_arrival();
                    let begun = self.begin(leadership)?;
                    if matches!(begun, Begun::Done) {
                        continue;
                    }
                    let waits = matches!(begun, Begun::Waits);
                    if waits {
                        // It takes no time of its sender's.
                        self.begun = None;
                    }
                    self.write();
                    return Ok(if waits { Batch::Waits } else { Batch::Whole });
                }
                Ok(Parse::Complete(_)) if !turn.packet() => {
                    self.write();
                    return Ok(Batch::Part);
                }
                Ok(Parse::Complete(packet)) => {
                    let node = leadership.terms.node.as_deref().filter(|_| self.node.is_some());
                    (packet.header, request::read(&packet, &leadership.terms.methods, node))
                }
                Err(error) => match self.refuse(error) {
                    Ok(true) => continue,
                    Ok(false) => {
                        self.note_arrival();
                        self.write();
                        return Ok(Batch::Whole);
                    }
                    Err(error) => return Err(self.broke_protocol(&error)),
                },
            };
            self.large.came();
            self.begun = None;
            let data = take_data(&mut self.read, &header);
            let incoming = incoming.map_err(|error| self.broke_protocol(&error))?;
            // What it may be told in return is to register anew, and at once.
            let registers = matches!(incoming, Incoming::NodeRegister);
            if let Err(reason) = self.handle(leadership, &header, incoming, data) {
                self.broke_protocol = !registers;
                return Err(reason);
            }
            if self.out.len() >= WRITE_AFTER {
                self.write();
                // No more answers are made than the follower reads.
                if self.follower.outbound().blocked {
                    return Ok(Batch::Part);
                }
            }
        }
    }

    /// What is buffered, if anything is, is the beginning of a packet.
    fn note_arrival(&mut self) {
        let coming = self.large.passed_over > 0 || !self.read.buffered().is_empty();
        self.begun = coming.then(|| self.begun.unwrap_or_else(clock::now));
    }

    pub(super) fn broke_protocol(&mut self, error: &DecodeError) -> String {
        self.broke_protocol = true;
        format!("it broke the protocol: {error}")
    }

    /// Writes what there is, and pushes as far as there is room.
    fn write(&mut self) {
        self.append(true);
    }

    /// The same without adding pushes: with these the socket of who is sent many might always be full, and what comes from
    /// there would never be read.
    fn write_answers(&mut self) {
        self.append(false);
    }

    fn append(&mut self, pushes: bool) {
        self.follower.append(&self.out, pushes, self.begun);
        self.out.clear();
        self.follower.flush();
    }
}
