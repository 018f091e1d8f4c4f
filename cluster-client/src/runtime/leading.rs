//! Being the leader: build the real client, restore what was subscribed and published, serve, hand over.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use cluster_protocol::Failure;

use super::host::Host;
use super::leader::{Leadership, Request, State, Terms};
use super::port::Seat;
use super::standalone::StandIn;
use super::supervisor::{End, Start};
use crate::clock;
use crate::context::{CallId, LeaderContext};
use crate::error::{Error, Outcome};
use crate::failure;
use crate::member::{Factory, Link, Member, Said};
use crate::membership::{ClusterEvent, Role};
use crate::serve::{Answered, CatchPanic, Errors, Reply};
use crate::session::backoff::Backoff;
use crate::session::epoch;
use crate::subscription::CloseReason;

/// After a real client could not be built, at least so long passes before the next try, however many calls want one.
const PAUSE: Duration = Duration::from_millis(100);

/// The leadership that this member would begin now. Called with the port won, so that epochs never meet.
pub(super) fn elect(member: &Member) -> Arc<Leadership> {
    let (host, port) = (&member.options.host, member.options.port);
    let epoch = epoch::next(now_micros(host), host.stored_epoch(port), member.highest_epoch());
    host.store_epoch(port, epoch);
    leadership(member, epoch, false)
}

/// Microseconds of Unix time.
pub(super) fn now_micros(host: &Host) -> u64 {
    let now = host.wall_clock().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

/// A leadership without a port. `standalone`: while somebody else, who is silent, has it.
pub(super) fn leadership(member: &Member, epoch: u64, standalone: bool) -> Arc<Leadership> {
    member.saw_epoch(epoch);
    let options = &member.options;
    let terms = Terms {
        channel: Arc::clone(&member.channel),
        instance: member.instance(),
        epoch,
        standalone,
        limits: options.limits.clone(),
        codec: member.codec(),
        methods: Arc::clone(&member.methods),
        interface: interface(member),
        response_timeout: options.response_timeout,
        heartbeat_interval: options.heartbeat_interval,
        follower_silence: options.check_heartbeat.then(|| options.drop_after()),
        node: member.node.clone(),
        own_calls: Arc::clone(member.own_calls()),
        host: options.host.clone(),
    };
    Leadership::new(terms, Arc::clone(&member.status))
}

fn interface(member: &Member) -> Arc<[u8]> {
    serde_json::json!({ "success": true, "interface": *member.interface })
        .to_string()
        .into_bytes()
        .into()
}

/// Leads until this member closes or has to step down.
pub(super) async fn lead(
    member: &Arc<Member>,
    factory: &Factory,
    seat: Seat,
    leadership: Arc<Leadership>,
    start: &Start,
    stand_in: &mut StandIn,
) -> End {
    // Even if this task does not come to its end, no follower stays with a leader that is none.
    let _ended = EndLeadership(Arc::clone(&leadership));
    stand_in.end().await;
    leadership.fanout.add_local(Arc::clone(member));
    member.status.set_gate(leadership.gate());
    leadership.spawn_tasks();
    let end = tokio::select! {
        // First, so that a member that is to be closed runs its factory no more.
        biased;
        () = member.status.close_requested() => End::Closed,
        () = leadership.stepping_down() => {
            if leadership.was_outdone() { End::HandedOver } else { End::Yielded }
        }
        never = serve(member, factory, &leadership, start) => match never {},
    };
    seat.hand_over();
    member.leaving(&leadership, matches!(end, End::Closed));
    // A member that goes on makes its publications again at the next leader.
    leadership.drain(matches!(end, End::Closed).then(|| member.id())).await;
    seat.release(member.options.limits.drain * 2).await;
    member.saw_epoch(leadership.highest_epoch());
    end
}

pub(super) struct EndLeadership(pub(super) Arc<Leadership>);

impl Drop for EndLeadership {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Builds the real client, again and again if need be, and stays.
pub(super) async fn serve(
    member: &Arc<Member>,
    factory: &Factory,
    leadership: &Arc<Leadership>,
    start: &Start,
) -> Infallible {
    build(member, factory, leadership, start).await;
    let began = clock::now();
    let restored = restore(member, leadership).await;
    leadership.ready();
    member.clear_obstacle();
    let (epoch, standalone) = (leadership.terms.epoch, leadership.terms.standalone);
    let (role, leader, event) = if standalone {
        (Role::Standalone, None, ClusterEvent::Standalone { epoch })
    } else {
        (Role::Leader, Some(leadership.info()), ClusterEvent::BecameLeader { epoch })
    };
    member.status.set_role(role, leader);
    member.set_link(Link::Leading(Arc::clone(leadership)));
    member.send_queued();
    leave_abandoned(member, leadership, &restored);
    member.emit(event);
    start.succeeded();
    tracing::info!(channel = %member.channel, epoch, %role, restored_in = ?(clock::now() - began), "serving");
    std::future::pending().await
}

/// Runs the factory until it succeeds; the first failure is that of `start`.
pub(super) async fn build(
    member: &Arc<Member>,
    factory: &Factory,
    leadership: &Arc<Leadership>,
    start: &Start,
) {
    let mut backoff = Backoff::slow();
    loop {
        let context = LeaderContext::new(
            leadership.terms.epoch,
            Arc::clone(&member.channel),
            member.instance(),
            leadership.terms.standalone,
        );
        let message = match member.building(CatchPanic(factory(context))).await {
            Ok(Ok(client)) => {
                leadership.set(State::Restoring(client));
                return;
            }
            Ok(Err(message)) => message,
            Err(panic) => format!("the factory panicked: {panic}"),
        };
        let error = Error::RealClient { channel: member.channel.to_string(), message };
        tracing::warn!(channel = %member.channel, %error, "the real client could not be built");
        leadership.failed(error.clone());
        member.set_link(Link::Failed(error.clone()));
        member.emit(ClusterEvent::RealClient(error.clone()));
        start.fail(error).await;
        let delay = backoff.next_delay(fastrand::u64(..));
        tokio::time::sleep(PAUSE).await;
        tokio::select! {
            biased;
            () = leadership.client_wanted() => {}
            () = member.client_wanted() => {}
            () = tokio::time::sleep(delay.saturating_sub(PAUSE)) => {}
        }
        leadership.starting();
        // The calls that follow wait for what comes of it.
        member.set_link(Link::Electing);
    }
}

/// Restored keys that nobody reads any more: while they were restored there was no leader to be told.
pub(super) fn leave_abandoned(member: &Member, leadership: &Leadership, restored: &[Arc<str>]) {
    for key in restored {
        if let Some(_asking) = member.subscriptions.abandon(key) {
            leadership.fanout.leave(key, member.id());
        }
    }
}

/// Subscribes and publishes what this member had with the leader before. Bounded by `subscribe_timeout`; what fails
/// is told by events. Returns the keys.
pub(super) async fn restore(member: &Arc<Member>, leadership: &Arc<Leadership>) -> Vec<Arc<str>> {
    let wanted = member.subscriptions.wanted();
    let keys = wanted.iter().map(|wanted| Arc::clone(&wanted.key)).collect();
    member.subscriptions.resynced_all();
    let waited = member.options.subscribe_timeout;
    let deadline = clock::now() + waited;
    let mut tasks = tokio::task::JoinSet::new();
    for wanted in wanted {
        let (member, leadership) = (Arc::clone(member), Arc::clone(leadership));
        let host = member.options.host.clone();
        tasks.spawn(host.gate(async move {
            let request = Request {
                method: wanted.method,
                key: Arc::clone(&wanted.key),
                codec: member.codec(),
                arguments: wanted.arguments,
                context: leadership.context(member.next_call(), None, member.caller()),
                restore: true,
            };
            let opened =
                leadership.fanout.subscribe(&leadership, member.id(), wanted.options, request);
            let key = wanted.key.to_string();
            match tokio::time::timeout_at(deadline.into(), opened).await {
                // Any other failure is told by whoever tries to open it, and goes on to.
                Ok(Reply { answered: Answered::Failed(Failure::TooManySubscriptions), answer }) => {
                    let failure = Failure::TooManySubscriptions;
                    let error = failure::error("subscribe", waited, failure, &answer);
                    let reason = CloseReason::Failed(error.clone());
                    member.subscriptions.tell(&key, Said::Ended(reason));
                    member.emit(ClusterEvent::SubscriptionFailed { key, error });
                }
                Ok(_) => {}
                Err(_) => member.emit(ClusterEvent::SubscriptionStalled { key, waited }),
            }
        }));
    }
    let mut published = BTreeMap::new();
    loop {
        for (key, sequence, arguments) in member.remembered().all() {
            let (member, leadership, method) =
                (Arc::clone(member), Arc::clone(leadership), key.method);
            if published.insert(key, sequence) == Some(sequence) {
                continue;
            }
            let host = member.options.host.clone();
            tasks.spawn(host.gate(async move {
                publish_again(&member, &leadership, method, sequence, arguments, deadline).await;
            }));
        }
        if tasks.is_empty() {
            return keys;
        }
        while tasks.join_next().await.is_some() {}
        // Once more, for what the leader before has answered since.
    }
}

async fn publish_again(
    member: &Member,
    leadership: &Arc<Leadership>,
    method: usize,
    sequence: u64,
    arguments: bytes::Bytes,
    deadline: Instant,
) {
    let Some(info) = member.methods.get(method) else { return };
    let call_id = CallId { instance: member.instance(), sequence };
    let context = leadership.context(call_id, Some(deadline), member.caller());
    let mut call = member.call(info, arguments, context);
    call.errors = Errors::Text;
    let Ok(admitted) = leadership.admit_restoring() else { return };
    let replied = leadership.call_admitted(admitted, method, call, member.id());
    let timeout = member.options.subscribe_timeout;
    let result = match tokio::time::timeout_at(deadline.into(), replied).await {
        Ok(reply) => failure::check(info.name, timeout, &reply),
        Err(_) => {
            let method = info.name.to_owned();
            Err(Error::DeadlineExceeded { method, timeout, outcome: Outcome::Unknown })
        }
    };
    if let Err(error) = result {
        member.emit(ClusterEvent::PublicationFailed { method: info.name.to_owned(), error });
    }
}
