//! Subscribing and publishing again at a new leader in another process.

mod request;
mod window;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::request::{Asked, Made, Request, publications, subscriptions};
use self::window::make_all;
use super::following::Session;
use super::link::StartError;
use crate::clock;
use crate::member::Member;
use crate::session::backoff::Backoff;

pub(crate) use self::request::subscribe_object;

/// So many subscriptions and publications are restored at once, well under what a leader lets one follower do.
const RESTORED_AT_ONCE: usize = 256;

/// So many of those that the leader has not answered in time.
const STALLED_AT_ONCE: usize = 16;

/// What a leader is to be asked for.
pub(super) struct Restoration {
    requests: Vec<Request>,
    published: Asked,
}

impl Restoration {
    /// What this leader does not have is over, and said so.
    pub(super) fn new(member: &Member, session: &Session) -> Self {
        let mut published = Asked::new();
        let mut requests = subscriptions(member, session);
        requests.extend(publications(member, session, &mut published));
        member.subscriptions.resynced_all();
        Self { requests, published }
    }

    /// The keys of the subscriptions.
    pub(super) fn keys(&self) -> Vec<Arc<str>> {
        self.requests.iter().filter_map(|request| request.key().cloned()).collect()
    }

    /// Subscribes and publishes again. Bounded by `subscribe_timeout`; what fails is told by events. Returns the
    /// subscriptions of which the leader has not said anything by then.
    pub(super) async fn make(mut self, member: &Member, session: &Session) -> Stalled {
        let deadline = clock::now() + member.options.subscribe_timeout;
        let mut stalled = Vec::new();
        while !self.requests.is_empty() {
            let requests = std::mem::take(&mut self.requests);
            make(requests, member, session, deadline, &mut stalled).await;
            // What the leader before has answered since. Whoever was answered may have given up waiting for this one.
            self.requests = publications(member, session, &mut self.published);
        }
        for request in &stalled {
            request.report(member, Made::Unanswered);
        }
        Stalled { requests: stalled }
    }
}

async fn make(
    requests: Vec<Request>,
    member: &Member,
    session: &Session,
    deadline: Instant,
    stalled: &mut Vec<Request>,
) {
    let (mut asked, told): (Vec<_>, Vec<_>) =
        requests.into_iter().partition(|request| request.is_answered);
    for request in told {
        if let Err(error) = tell(&request, session, deadline).await {
            let outcome = match request.outcome(member, Err(error.into())) {
                Made::Busy(error) => Made::Refused(error),
                outcome => outcome,
            };
            request.report(member, outcome);
        }
    }
    let mut room = Room::new(deadline);
    while !asked.is_empty() {
        let mut refused = Vec::new();
        let answers = make_all(session, &asked, RESTORED_AT_ONCE, deadline).await;
        for (request, answer) in asked.into_iter().zip(answers) {
            match request.outcome(member, answer) {
                Made::Busy(error) => refused.push((request, error)),
                Made::Unanswered => stalled.push(request),
                outcome => request.report(member, outcome),
            }
        }
        if !refused.is_empty() && !room.wait().await {
            for (request, error) in refused.drain(..) {
                match request.key() {
                    Some(_) => stalled.push(request),
                    None => request.report(member, Made::Failed(error)),
                }
            }
        }
        asked = refused.into_iter().map(|(request, _)| request).collect();
    }
}

/// Subscriptions of which the leader has said nothing in time. It may have taken them on or not: with a call that nobody
/// waits for any more it does not begin.
pub(super) struct Stalled {
    requests: Vec<Request>,
}

impl Stalled {
    /// Asks for them again, in the background, until the leader has answered or its connection ends.
    pub(super) fn ask_again(self, member: &Arc<Member>, session: &Arc<Session>) {
        if self.requests.is_empty() {
            return;
        }
        let (member, session) = (Arc::clone(member), Arc::clone(session));
        let host = member.options.host.clone();
        host.spawn(async move {
            tokio::select! {
                biased;
                // A member that closes waits for no answer of theirs.
                () = member.status.close_requested() => {}
                () = self.run(&member, &session) => {}
            }
        });
    }

    async fn run(mut self, member: &Member, session: &Session) {
        let mut backoff = Backoff::default();
        loop {
            self.requests.retain(|request| request.is_wanted(member));
            if self.requests.is_empty() {
                return;
            }
            tokio::time::sleep(backoff.next_delay(fastrand::u64(..)).max(MOMENT)).await;
            let deadline = clock::now() + member.options.subscribe_timeout;
            let answers = make_all(session, &self.requests, STALLED_AT_ONCE, deadline).await;
            let mut unanswered = Vec::new();
            for (request, answer) in self.requests.into_iter().zip(answers) {
                // Nobody reads it any more, and that was said before it was asked for once more.
                if let Some(key) = request.key()
                    && let Some(_asking) = member.subscriptions.abandon(key)
                {
                    session.unsubscribe(key);
                }
                // It may be asked for anew by now, and that is answered for itself.
                if !request.is_wanted(member) {
                    continue;
                }
                match request.outcome(member, answer) {
                    Made::Busy(_) | Made::Unanswered => unanswered.push(request),
                    // On the next one everything will be restored.
                    Made::LinkGone => return,
                    outcome => request.report(member, outcome),
                }
            }
            self.requests = unanswered;
        }
    }
}

const MOMENT: Duration = Duration::from_millis(1);

/// Waits until more can be written.
struct Room {
    backoff: Backoff,
    deadline: Instant,
}

impl Room {
    fn new(deadline: Instant) -> Self {
        Self { backoff: Backoff::default(), deadline }
    }

    /// Waits a moment; `false`: there is no time left.
    async fn wait(&mut self) -> bool {
        let delay = self.backoff.next_delay(fastrand::u64(..)).max(MOMENT);
        let in_time = clock::now() + delay < self.deadline;
        if in_time {
            tokio::time::sleep(delay).await;
        }
        in_time
    }
}

/// Makes a request that has no answer, once there is room for it.
async fn tell(request: &Request, session: &Session, deadline: Instant) -> Result<(), StartError> {
    let mut room = Room::new(deadline);
    loop {
        match request.write(session, deadline) {
            Err(StartError::Busy) if room.wait().await => {}
            told => return told,
        }
    }
}
