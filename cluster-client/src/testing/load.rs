//! What a simulated process holds on to.

use std::ops::AddAssign;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::member::{Link, Member};
use crate::runtime::leader::Leadership;

/// What the members of a [`Process`](super::Process) hold on to at a moment, so that a test can show that nothing is kept
/// for ever: what is in flight goes back to zero when all is quiet, and everything when the members are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Members of which something is left: a proxy, a subscription, or their own tasks.
    pub members: usize,
    /// Leaderships of which something is left.
    pub leaderships: usize,
    /// Calls that wait: for a leader, or for its answer.
    pub waiting_calls: usize,
    /// Bytes of arguments of the calls that wait for a leader.
    pub waiting_bytes: usize,
    /// Calls that run in a leader.
    pub running_calls: usize,
    /// Bytes of arguments that these hold on to.
    pub running_bytes: usize,
    /// Calls of followers that a leader runs, by the count that each follower's bound is held against.
    pub followers_calls: usize,
    /// Bytes of arguments that these hold on to, by the same count.
    pub followers_bytes: usize,
    /// One-way calls that were sent and of which it is not known yet that the leader has read them.
    pub unconfirmed_oneways: usize,
    /// Bytes that are to be written to a peer.
    pub unsent_bytes: usize,
    /// Followers of a leader.
    pub followers: usize,
    /// Keys that members read.
    pub subscriptions: usize,
    /// Keys that a follower has unsubscribed from and whose leader has yet to say that it knows.
    pub unconfirmed_unsubscribes: usize,
    /// Keys that a leader is subscribed to at its real client.
    pub upstreams: usize,
    /// Values that a leader retains for late subscribers.
    pub retained_values: usize,
    /// Publications that members would make again.
    pub publications: usize,
    /// Publications of which a leader knows the owner.
    pub owned_publications: usize,
    /// Keys that are being published or taken back.
    pub publishing: usize,
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        // All of them, or it does not compile.
        let Self {
            members,
            leaderships,
            waiting_calls,
            waiting_bytes,
            running_calls,
            running_bytes,
            followers_calls,
            followers_bytes,
            unconfirmed_oneways,
            unsent_bytes,
            followers,
            subscriptions,
            unconfirmed_unsubscribes,
            upstreams,
            retained_values,
            publications,
            owned_publications,
            publishing,
        } = other;
        self.members += members;
        self.leaderships += leaderships;
        self.waiting_calls += waiting_calls;
        self.waiting_bytes += waiting_bytes;
        self.running_calls += running_calls;
        self.running_bytes += running_bytes;
        self.followers_calls += followers_calls;
        self.followers_bytes += followers_bytes;
        self.unconfirmed_oneways += unconfirmed_oneways;
        self.unsent_bytes += unsent_bytes;
        self.followers += followers;
        self.subscriptions += subscriptions;
        self.unconfirmed_unsubscribes += unconfirmed_unsubscribes;
        self.upstreams += upstreams;
        self.retained_values += retained_values;
        self.publications += publications;
        self.owned_publications += owned_publications;
        self.publishing += publishing;
    }
}

/// The members and leaderships of a process, to be looked at, not to be kept.
#[derive(Default)]
pub(crate) struct Residents(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    members: Vec<Weak<Member>>,
    leaderships: Vec<Weak<Leadership>>,
}

impl Residents {
    pub(crate) fn add_member(&self, member: &Arc<Member>) {
        self.lock().members.push(Arc::downgrade(member));
    }

    pub(crate) fn add_leadership(&self, leadership: &Arc<Leadership>) {
        self.lock().leaderships.push(Arc::downgrade(leadership));
    }

    pub(crate) fn load(&self) -> Load {
        let (members, leaderships) = {
            let inner = self.lock();
            let members: Vec<_> = inner.members.iter().filter_map(Weak::upgrade).collect();
            let leaderships: Vec<_> = inner.leaderships.iter().filter_map(Weak::upgrade).collect();
            (members, leaderships)
        };
        let mut load = Load::default();
        members.iter().for_each(|member| load += of_member(member));
        leaderships.iter().for_each(|leadership| load += leadership.load());
        load
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_member(member: &Member) -> Load {
    let (calls, bytes) = member.waiting.held();
    let (oneways, oneway_bytes) = member.oneways.held();
    let mut load = Load {
        members: 1,
        waiting_calls: calls + oneways,
        waiting_bytes: bytes + oneway_bytes,
        subscriptions: member.subscriptions.len(),
        publications: member.remembered().len(),
        publishing: member.publishing.len(),
        ..Load::default()
    };
    if let Link::Following(session) = member.link() {
        load += session.link.load();
        load.unconfirmed_unsubscribes += session.unconfirmed_unsubscribes();
    }
    load
}
