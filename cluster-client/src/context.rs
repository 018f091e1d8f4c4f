//! Who calls, for how long, and under which leadership: what a real client may want to know.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock;

/// The identity of one member of a cluster, drawn at random when it starts. Process ids are reused; these are not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub(crate) u128);

impl InstanceId {
    /// A new identity.
    pub(crate) fn random() -> Self {
        // A `RandomState` is keyed by the operating system's randomness.
        let random = RandomState::new();
        let half = |n: u8| u128::from(random.hash_one(n));
        Self(half(0) << 64 | half(1))
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The identity of one call, the same each time the library sends it again to another leader: what a
/// backend can recognise a repeated call by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId {
    /// The member that called.
    pub instance: InstanceId,
    /// Counts the calls of that member. Those that its leadership makes by itself, such as an `undo`, are counted apart.
    pub sequence: u64,
}

/// The instance, a dash and the number of the call.
impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.instance, self.sequence)
    }
}

/// Who made a call. An `undo` is called by the leader itself, in place of the process that published and is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// The process, as it calls itself: in another pid namespace the number means another process. 0 for a Node process,
    /// which does not say.
    pub pid: u32,
    /// The member of the cluster. Of a Node process, its connection.
    pub instance: InstanceId,
    /// Whether it called without a connection: the leader itself, who stands alone, and in single mode any member.
    pub local: bool,
}

/// What is known of a call while it runs on the real client.
///
/// A method of an annotated impl may take it as its first argument after `&self`; everywhere below the
/// method [`CallContext::current`] gives it too.
///
/// It has no constructor. To test a method that takes one, call it through a proxy in
/// [single mode](crate::Builder::single_mode).
#[derive(Clone, Debug)]
pub struct CallContext {
    call_id: CallId,
    epoch: u64,
    deadline: Option<Instant>,
    caller: Caller,
}

tokio::task_local! {
    /// The call whose method is being polled.
    pub(crate) static CURRENT: CallContext;
}

impl CallContext {
    pub(crate) fn new(
        call_id: CallId,
        epoch: u64,
        deadline: Option<Instant>,
        caller: Caller,
    ) -> Self {
        Self { call_id, epoch, deadline, caller }
    }

    /// The call that the current task is running, or `None` outside of one. A task that the method
    /// spawned is outside.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// The identity of the call, stable across retries. Of a subscription it is that of one attempt to open it.
    #[must_use]
    pub fn call_id(&self) -> CallId {
        self.call_id
    }

    /// The epoch of the leadership that runs the call, see [`LeaderContext::epoch`].
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When the caller stops waiting; `None` if it waits for ever.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The time left until [`deadline`](Self::deadline), zero once it has passed.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(clock::now()))
    }

    /// Who made the call.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
}

/// Given to the factory that builds the real client, in the process that leads. Only the library makes one; to test a
/// factory, start it in [single mode](crate::Builder::single_mode).
#[derive(Clone, Debug)]
pub struct LeaderContext {
    epoch: u64,
    channel: Arc<str>,
    instance: InstanceId,
    standalone: bool,
}

impl LeaderContext {
    pub(crate) fn new(
        epoch: u64,
        channel: Arc<str>,
        instance: InstanceId,
        standalone: bool,
    ) -> Self {
        Self { epoch, channel, instance, standalone }
    }

    /// The number of this leadership, greater than that of every one before it on this port. A backend
    /// that refuses what carries a lower number than it has seen is safe from a leader that does not yet
    /// know that it was replaced (fencing).
    ///
    /// It is the largest of the clock in microseconds, the [stored](crate#state-on-disk) epoch + 1 and the highest epoch
    /// this member has heard of + 1. So it fails to increase only if the stored one is lost *and* the clock steps back.
    /// In single mode nothing is stored.
    ///
    /// A member that [stands alone](Self::is_standalone) has the epoch of the leader that it stands in for, or 0 if that is not
    /// known: it replaces nobody.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The name of the channel.
    #[must_use]
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// This member.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.instance
    }

    /// Whether this member does not lead, but serves itself while its leader is silent; see
    /// [`Builder::standalone_after`](crate::Builder::standalone_after). The leader's real client may live, too.
    #[must_use]
    pub fn is_standalone(&self) -> bool {
        self.standalone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(deadline: Option<Instant>) -> CallContext {
        let instance = InstanceId(0xab);
        CallContext::new(
            CallId { instance, sequence: 7 },
            3,
            deadline,
            Caller { pid: 1, instance, local: false },
        )
    }

    #[test]
    fn identities_are_distinct_and_print_in_full() {
        assert_ne!(InstanceId::random(), InstanceId::random());
        let call = context(None).call_id();
        assert_eq!(call.to_string(), "000000000000000000000000000000ab-7");
    }

    #[test]
    fn a_deadline_that_has_passed_leaves_nothing() {
        assert_eq!(context(None).remaining(), None);
        assert_eq!(context(Some(Instant::now())).remaining(), Some(Duration::ZERO));
        assert!(
            context(Some(Instant::now() + Duration::from_secs(60))).remaining()
                > Some(Duration::from_secs(1))
        );
    }

    #[tokio::test]
    async fn the_current_call_is_known_inside_it_only() {
        assert!(CallContext::current().is_none());
        CURRENT
            .scope(context(None), async {
                assert_eq!(CallContext::current().map(|cx| cx.epoch()), Some(3));
                assert!(tokio::spawn(async { CallContext::current().is_none() }).await.unwrap());
            })
            .await;
        assert!(CallContext::current().is_none());
    }
}
