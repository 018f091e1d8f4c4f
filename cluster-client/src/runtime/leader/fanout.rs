//! The leader's subscriptions: one upstream each, every subscriber told.
//!
//! Lock order: `topics`, then `roster`, then a connection's own. A subscriber joins and is given the retained values
//! under one `topics` lock, so that it misses nothing and sees nothing twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cluster_protocol::{Failure, PushEvent};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::Leadership;
use super::follower::Follower;
use super::packets::{Packets, Source};
use super::publications::Arguments;
use super::roster::{NotAdmitted, Roster, Route, Subscriber};
use super::upstream::{self, OpenFailure, Opening, OpeningState, Request};
use crate::error::Error;
use crate::event::{EventOptions, Item};
use crate::limits::Limits;
use crate::member::Member;
use crate::membership::ClusterEvent;
use crate::serve::{Answered, Reply};
use crate::session::publications::Owners;
use crate::session::topics::{Join, SubscriberId, TopicId, Topics};
use crate::subscription::UpstreamEvent;

pub(crate) struct Fanout {
    topics: Mutex<Table>,
    owners: Mutex<Owners<Arguments>>,
    roster: Mutex<Roster>,
    /// Followers with something new to be written, and the one task that writes it.
    dirty: Mutex<Vec<Arc<Follower>>>,
    flush: Notify,
    max_followers: usize,
}

struct Table {
    topics: Topics,
    entries: HashMap<TopicId, Entry>,
}

struct Entry {
    source: Source,
    options: EventOptions,
    opening: watch::Sender<Opening>,
    /// Opens the upstream subscription and reads it to its end.
    task: AbortHandle,
    sequence: u64,
}

impl Entry {
    fn route(&self, topic: TopicId) -> Route<'_> {
        Route { topic, delivery: self.options.delivery, source: &self.source }
    }
}

impl Fanout {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            topics: Mutex::new(Table { topics: Topics::new(limits), entries: HashMap::new() }),
            owners: Mutex::default(),
            roster: Mutex::default(),
            dirty: Mutex::default(),
            flush: Notify::new(),
            max_followers: limits.followers,
        }
    }

    // Who is there.

    pub(crate) fn add_local(&self, member: Arc<Member>) {
        lock(&self.roster).add_local(member);
    }

    pub(crate) fn add_follower(&self, follower: &Arc<Follower>) -> Result<(), NotAdmitted> {
        lock(&self.roster).add_follower(follower, self.max_followers)
    }

    pub(super) fn subscriber(&self, id: SubscriberId) -> Option<Subscriber> {
        lock(&self.roster).get(id)
    }

    /// A follower or local member has gone, with its subscriptions.
    pub(crate) fn remove(&self, leadership: &Arc<Leadership>, id: SubscriberId) {
        lock(&self.roster).remove(id);
        let mut table = lock(&self.topics);
        table.topics.leave_all(Instant::now(), id);
        linger(leadership, &table);
    }

    pub(crate) fn close_to_followers(&self) -> bool {
        lock(&self.roster).close()
    }

    /// Tells the followers that no more calls are accepted.
    pub(crate) fn go_away(&self) {
        let mut roster = lock(&self.roster);
        roster.close();
        roster.followers().for_each(|follower| follower.go_away());
    }

    pub(crate) fn tell_state(&self, packet: &Arc<[u8]>) {
        lock(&self.roster).followers().for_each(|follower| follower.tell_state(packet));
    }

    /// Closes the followers that have been silent for too long, or excuses them all.
    pub(crate) fn check_silence(&self, now: Instant, allowed: Duration, excused: bool) {
        for follower in lock(&self.roster).followers() {
            if excused {
                follower.heard(now);
            } else {
                follower.check_silence(now, allowed);
            }
        }
    }

    /// Stops reading the real client's subscriptions. Their subscribers are not told: the next leader goes on.
    pub(crate) fn close_upstreams(&self) {
        lock(&self.topics).entries.drain().for_each(|(_, entry)| entry.task.abort());
    }

    pub(crate) fn end(&self) {
        self.close_upstreams();
        lock(&self.roster).clear();
    }

    // Subscribing.

    /// Subscribes `who`, and answers when the real client has.
    pub(crate) async fn subscribe(
        &self,
        leadership: &Arc<Leadership>,
        who: SubscriberId,
        options: EventOptions,
        request: Request,
    ) -> Reply {
        loop {
            let mut opening = match self.join(leadership, who, options, &request) {
                Ok(None) => return Reply::ok(),
                Ok(Some(opening)) => opening,
                Err(error) => {
                    return Reply::failed(Failure::TooManySubscriptions, &error.to_string());
                }
            };
            let settled =
                opening.wait_for(|opening| !matches!(opening.state, OpeningState::Pending)).await;
            match settled.map(|opening| opening.state.clone()) {
                Ok(OpeningState::Failed(failure))
                    if request.restore || speaks(&request, &failure) =>
                {
                    return failure.into_reply();
                }
                // The answer is for somebody of another codec: ask again in one's own.
                Ok(OpeningState::Failed(_)) => {}
                Ok(OpeningState::Open | OpeningState::Pending) => return Reply::ok(),
                Err(_) => return Reply::failed(Failure::GoingAway, "the leader is going away"),
            }
        }
    }

    /// `None`: joined. Otherwise the topic is being opened, and this is how far that is.
    fn join(
        &self,
        leadership: &Arc<Leadership>,
        who: SubscriberId,
        options: EventOptions,
        request: &Request,
    ) -> Result<Option<watch::Receiver<Opening>>, Error> {
        let mut table = lock(&self.topics);
        let Table { topics, entries } = &mut *table;
        match topics.join(&request.key, options, who)? {
            Join::Joined { topic, missed, snapshot } => {
                if let Some(entry) = entries.get(&topic) {
                    let roster = lock(&self.roster);
                    let mut dirty = lock(&self.dirty);
                    if missed > 0 {
                        dirty.extend(roster.announce(
                            entry.route(topic),
                            who,
                            PushEvent::Missed { count: missed },
                        ));
                    }
                    for item in &snapshot {
                        // The one place where the user's `Serialize` runs under a lock: joining must be atomic.
                        let mut packets = Packets::new(entry.source.clone(), entry.sequence, item);
                        dirty.extend(roster.deliver(entry.route(topic), who, &mut packets, item));
                    }
                    self.flush.notify_one();
                }
                drop(table);
                Ok(None)
            }
            Join::Wait(topic) => Ok(entries.get(&topic).map(|entry| {
                entry.opening.send_modify(|opening| opening.persist(request.restore));
                entry.opening.subscribe()
            })),
            Join::Open(topic) => {
                let (opening, outcome) = watch::channel(Opening::started(request.restore));
                let task =
                    tokio::spawn(upstream::run(Arc::clone(leadership), topic, request.clone()));
                let source = Source {
                    key: Arc::clone(&request.key),
                    epoch: leadership.terms.epoch,
                    limits: leadership.frame_limits(),
                };
                let entry =
                    Entry { source, options, opening, task: task.abort_handle(), sequence: 0 };
                entries.insert(topic, entry);
                Ok(Some(outcome))
            }
        }
    }

    pub(crate) fn leave(
        &self,
        leadership: &Arc<Leadership>,
        key: &str,
        who: SubscriberId,
    ) -> Option<TopicId> {
        let mut table = lock(&self.topics);
        let topic = table.topics.leave(Instant::now(), key, who);
        linger(leadership, &table);
        topic
    }

    fn expire(&self) {
        let mut table = lock(&self.topics);
        let expired = table.topics.expire(Instant::now());
        for (topic, _) in &expired {
            if let Some(entry) = table.entries.remove(topic) {
                entry.task.abort();
            }
        }
        drop(table);
        drop(expired);
    }

    // What the upstream task reports.

    /// The upstream subscription is there. False: nobody wants it any more.
    pub(super) fn opened(&self, topic: TopicId) -> bool {
        let mut table = lock(&self.topics);
        table.topics.opened(topic);
        let Some(entry) = table.entries.get(&topic) else { return false };
        entry.opening.send_modify(|opening| opening.state = OpeningState::Open);
        true
    }

    /// It could not be opened. True: somebody was restored and waits for the next try.
    pub(super) fn failed(&self, topic: TopicId, failure: OpenFailure) -> bool {
        let mut table = lock(&self.topics);
        let Some(entry) = table.entries.get(&topic) else { return false };
        let mut again = false;
        entry.opening.send_modify(|opening| again = opening.fail(failure));
        if !again {
            table.topics.failed(topic);
            table.entries.remove(&topic);
        }
        again
    }

    pub(super) fn publish(&self, leadership: &Leadership, topic: TopicId, event: UpstreamEvent) {
        match event {
            UpstreamEvent::Value(item) => self.publish_value(leadership, topic, &item),
            UpstreamEvent::Missed(count) => self.announce(topic, PushEvent::Missed { count }),
            UpstreamEvent::Resynced => self.announce(topic, PushEvent::Resynced),
        }
        self.flush.notify_one();
    }

    fn publish_value(&self, leadership: &Leadership, topic: TopicId, item: &Item) {
        let (source, sequence) = {
            let mut table = lock(&self.topics);
            let Some(entry) = table.entries.get_mut(&topic) else { return };
            entry.sequence += 1;
            (entry.source.clone(), entry.sequence)
        };
        // Encoded without a lock: it is the user's code. One task publishes a topic, so nothing comes between.
        let mut packets = Packets::new(source, sequence, item);
        let codecs = lock(&self.roster).codecs();
        for codec in codecs {
            if let Err(error) = packets.get(codec) {
                let key = packets.key().to_owned();
                let error = Error::Encode {
                    what: format!("an event of {key}"),
                    message: error.to_string(),
                };
                tracing::warn!(channel = leadership.channel(), %error, "followers miss an event");
                leadership.emit(ClusterEvent::SubscriptionFailed { key, error });
            }
        }
        let mut table = lock(&self.topics);
        let Table { topics, entries } = &mut *table;
        let Some(entry) = entries.get(&topic) else { return };
        let affected = topics.publish(topic, item, |n| fastrand::usize(..n));
        {
            let roster = lock(&self.roster);
            let mut dirty = lock(&self.dirty);
            for who in &affected.subscribers {
                dirty.extend(roster.deliver(entry.route(topic), *who, &mut packets, item));
            }
        }
        drop(table);
        drop(affected.released);
    }

    fn announce(&self, topic: TopicId, event: PushEvent) {
        let table = lock(&self.topics);
        if let Some(entry) = table.entries.get(&topic) {
            self.announce_to(table.topics.subscribers(topic), entry.route(topic), event);
        }
    }

    fn announce_to<'a>(
        &self,
        subscribers: impl IntoIterator<Item = &'a SubscriberId>,
        route: Route<'_>,
        event: PushEvent,
    ) {
        let (roster, mut dirty) = (lock(&self.roster), lock(&self.dirty));
        let told = subscribers.into_iter().filter_map(|who| roster.announce(route, *who, event));
        dirty.extend(told);
    }

    /// The upstream subscription has ended: so do those of all subscribers.
    pub(super) fn ended(&self, topic: TopicId) {
        let mut table = lock(&self.topics);
        // Under one lock: whoever hears of the end and subscribes anew must not find what has ended.
        if let Some(entry) = table.entries.remove(&topic) {
            let subscribers = table.topics.subscribers(topic);
            self.announce_to(subscribers, entry.route(topic), PushEvent::Ended);
        }
        let affected = table.topics.ended(topic);
        drop(table);
        drop(affected);
        self.flush.notify_one();
    }

    /// Writes what has been pushed, for all followers, for ever.
    pub(super) async fn write_pushes(&self) {
        loop {
            self.flush.notified().await;
            let dirty = std::mem::take(&mut *lock(&self.dirty));
            dirty.iter().for_each(|follower| follower.flush_pushes());
        }
    }

    // Publications.

    pub(super) fn owners(&self) -> MutexGuard<'_, Owners<Arguments>> {
        lock(&self.owners)
    }
}

/// Has the topics whose last subscriber has left dropped after their linger.
fn linger(leadership: &Arc<Leadership>, table: &Table) {
    let Some(deadline) = table.topics.next_deadline() else { return };
    let leadership = Arc::clone(leadership);
    tokio::spawn(async move {
        tokio::select! {
            () = leadership.ended() => {}
            () = tokio::time::sleep_until(deadline.into()) => leadership.fanout.expire(),
        }
    });
}

fn speaks(request: &Request, failure: &OpenFailure) -> bool {
    request.codec == failure.codec || matches!(failure.answered, Answered::Failed(_))
}

/// A panic while one of these locks is held leaves nothing half done that another one would trip over.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
