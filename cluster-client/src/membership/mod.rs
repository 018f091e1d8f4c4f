//! What a member of a cluster can tell about itself: its role, its leader, and what happens to both.

mod display;
mod listener;
mod status;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_core::Stream;

use self::listener::Listener;
pub(crate) use self::status::Status;
use crate::runtime::leader::closing_within;
use crate::{Error, InstanceId};

/// What a member is right now. It displays as one lower-case word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It holds the port and the real client.
    Leader,
    /// It sends its calls to the leader.
    Follower,
    /// The leader is silent, and it serves itself by a real client of its own meanwhile. See
    /// [`Builder::standalone_after`](crate::Builder::standalone_after). It is neither leader nor follower: `as_leader()` and
    /// `as_follower()` of its proxy are `None`.
    Standalone,
    /// There is no leader yet, or no longer; the members compete. Calls wait within their deadlines.
    Electing,
    /// It was closed. It stays so.
    Closed,
}

/// Which role a member may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RolePreference {
    /// Whichever the competition for the port gives it.
    #[default]
    Any,
    /// Only leader: `start` fails with [`Error::PortOccupied`] if another process holds the port.
    Leader,
    /// Only follower: it never builds a real client, and waits for a leader within `max_wait_time`.
    Follower,
}

/// Who leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaderInfo {
    /// The leader's process. 0 for a Node process, which does not say.
    pub pid: u32,
    /// The leader's identity. Of a Node process, this connection to it.
    pub instance: InstanceId,
    /// The number of this leadership, see [`LeaderContext::epoch`](crate::LeaderContext::epoch). 0 for a Node process, which
    /// has none.
    pub epoch: u64,
    /// When it won the port, by the clock of the machine. Where a Node process leads, when this one joined it.
    pub since: SystemTime,
}

/// Something that happened to a member, for logs, metrics and tests. See [`Membership::events`]. It displays as
/// one line.
///
/// Each is seen in the process that it is said of below, and in no other.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants say what their fields hold")]
pub enum ClusterEvent {
    /// This member leads now: the real client is built, and what this member had subscribed and published is
    /// restored.
    BecameLeader { epoch: u64 },
    /// This member follows this leader now, on a new connection or because the leader's real client is there at last.
    BecameFollower { leader: LeaderInfo },
    /// This member serves itself, as its leader is silent: its own real client is built, and what it had subscribed and published
    /// is restored there. `epoch` is that of the leader it stands in for, as far as it is known. Until
    /// [`BecameFollower`](Self::BecameFollower) or [`BecameLeader`](Self::BecameLeader).
    Standalone { epoch: u64 },
    /// In a follower: the connection to the leader broke, or the leader said that it is going away.
    LeaderLost { reason: String },
    /// In a follower: the leader holds the port and has not sent a byte for this long, three heartbeat intervals or
    /// more. It is stopped or overloaded. Nobody can take over as long as it lives.
    LeaderUnresponsive { silent_for: Duration },
    /// In a follower: the leader answers again.
    LeaderResponsive,
    /// In the leader: a follower joined.
    FollowerJoined { pid: u32, instance: InstanceId },
    /// In the leader: a follower left, or was dropped because it was silent or broke the rules.
    FollowerLeft { pid: u32, instance: InstanceId, reason: String },
    /// The real client could not be built (in the leader or who stands alone, for each attempt, and in the leader's
    /// followers), or its `#[close]` failed, panicked, or took longer than [`Limits::drain`](crate::Limits::drain) and was cut off (in the leader).
    RealClient(Error),
    /// One-way calls of a method failed after they had been accepted, mostly one. In the caller if it never left it: no leader
    /// came in time, or none that had room for it, which is told at its deadline, or the member closed. In the leader if it
    /// failed there, whoever called; its caller is not told. And in the caller if the connection ended before it was known
    /// that the leader had read them: then they are those of that connection together, and may have run
    /// ([`Outcome::Unknown`](crate::Outcome::Unknown)).
    OnewayFailed { method: String, calls: u64, error: Error },
    /// In the member that published: it could not be published again on a new leader; or it was not to be, and the connection
    /// to a Node leader, which answers none, ended too soon; or it was taken back while the member stood alone, and the leader
    /// cannot be told since there are too many of them. In the leader: an `undo` failed, or was cut off or not even begun
    /// ([`Error::GoingAway`](crate::Error::GoingAway)) when the leader went: then it is up to the service what becomes of it.
    PublicationFailed { method: String, error: Error },
    /// In the subscriber: a subscription whose delivery is "latest" has had no value within `subscribe_timeout` (told
    /// once for a key), or a new leader has not restored a subscription of any kind within that time. It stays, and the
    /// leader is asked until it answers.
    SubscriptionStalled { key: String, waited: Duration },
    /// In the leader: the real client refused to restore a subscription, which is tried again, or an event cannot be
    /// encoded, which followers miss. In the subscriber: a new leader could not restore the subscription; if its method
    /// differs there, or if the leader has no room for it, it closes, with
    /// [`CloseReason::Failed`](crate::CloseReason::Failed).
    SubscriptionFailed { key: String, error: Error },
    /// In the leader: it could not accept a connection. It goes on accepting.
    AcceptFailed { message: String },
    /// This listener read too slowly: so many events before the next one are lost to it.
    Missed(u64),
    /// This member was closed; the stream ends.
    Closed,
}

/// A member's view of its cluster. A clone is the same view; holding one does not keep the member alive.
#[derive(Clone)]
pub struct Membership {
    status: Arc<Status>,
}

impl Membership {
    pub(crate) fn new(status: Arc<Status>) -> Self {
        Self { status }
    }

    /// The name of the channel.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.status.channel()
    }

    /// The port the members compete for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.status.port()
    }

    /// The identity of this member.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.status.instance()
    }

    /// The role right now.
    #[must_use]
    pub fn role(&self) -> Role {
        self.status.role()
    }

    /// The roles from now on, the present one first. The stream ends after [`Role::Closed`].
    ///
    /// A reader that is slower than the changes is given the newest only, which can be the one it was
    /// given before.
    #[must_use]
    pub fn role_changes(&self) -> RoleChanges {
        RoleChanges { listener: self.status.listen_to_roles() }
    }

    /// Who leads, as far as this member knows: itself if it leads, `None` while it is electing, stands alone or
    /// is closed, and `None` for a leader that does not say.
    #[must_use]
    pub fn leader(&self) -> Option<LeaderInfo> {
        self.status.leader()
    }

    /// What happens from now on. The stream ends after [`ClusterEvent::Closed`]. There is no stream before `start` has
    /// resolved, so the role that a member began with is not among its events: [`role`](Self::role) tells it.
    ///
    /// Each stream holds up to 256 events that were not read yet; what overflows is said by
    /// [`ClusterEvent::Missed`].
    #[must_use]
    pub fn events(&self) -> Events {
        Events { listener: self.status.listen_to_events() }
    }

    /// Leaves the cluster, and resolves when that is done. A leader finishes the calls it has accepted,
    /// closes the real client and hands over the port; a follower waits for the answers of the calls it has sent. Calls
    /// that come later fail with [`Error::Closed`](crate::Error::Closed). Closing again waits for the same.
    ///
    /// Calls that outlast [`Limits::drain`](crate::Limits::drain) are cut off before the real client is closed: their callers get
    /// [`Outcome::Unknown`](crate::Outcome::Unknown), or, in other processes, are sent to the next leader if they are
    /// idempotent. One-way calls are told by [`ClusterEvent::OnewayFailed`], publications that could not be taken back by
    /// [`ClusterEvent::PublicationFailed`]. A `#[close]` is not waited for longer than that either.
    ///
    /// Called within a method of the real client, it does not wait for that method.
    ///
    /// Cancel safe: once polled, closing goes on without the future.
    pub async fn close(&self) {
        self.status.request_close();
        let gate = self.status.gate();
        let _within = gate.as_deref().and_then(closing_within);
        self.status.closed().await;
    }
}

impl fmt::Debug for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership")
            .field("channel", &self.channel())
            .field("port", &self.port())
            .field("instance", &self.instance())
            .field("role", &self.role())
            .finish()
    }
}

/// The stream of [`Membership::role_changes`].
#[derive(Debug)]
pub struct RoleChanges {
    listener: Arc<Listener<Role>>,
}

impl RoleChanges {
    /// The next role, or `None` after [`Role::Closed`]. Cancel safe.
    pub async fn next(&mut self) -> Option<Role> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for RoleChanges {
    type Item = Role;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Role>> {
        self.listener.poll_next(cx)
    }
}

/// The stream of [`Membership::events`].
#[derive(Debug)]
pub struct Events {
    listener: Arc<Listener<ClusterEvent>>,
}

impl Events {
    /// The next event, or `None` after [`ClusterEvent::Closed`]. Cancel safe.
    pub async fn next(&mut self) -> Option<ClusterEvent> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Events {
    type Item = ClusterEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ClusterEvent>> {
        if let Some(missed) = self.listener.take_missed() {
            return Poll::Ready(Some(ClusterEvent::Missed(missed)));
        }
        self.listener.poll_next(cx)
    }
}

#[cfg(test)]
mod tests;
