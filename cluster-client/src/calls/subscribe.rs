//! `#[subscribe]`: one question to the leader for each key, one handle for each caller.

use std::sync::Arc;

use bytes::Bytes;
use cluster_protocol::EncodeArguments;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::AbortHandle;

use super::attempts::{Attempts, Route, unencodable};
use super::invoke::enter;
use super::{decode, outcome, waker};
use crate::error::{Error, Outcome};
use crate::event::{Delivery, Subscribe};
use crate::key::topic_key;
use crate::member::{Confirmation, Handle, Link, Member, Turn};
use crate::membership::ClusterEvent;
use crate::node::Peer;
use crate::proxy::Target;
use crate::runtime::leader::Request;
use crate::runtime::link::StartError;
use crate::runtime::restoring::subscribe_object;
use crate::serve::Answered;
use crate::service::{Kind, Service};
use crate::session::interests::HandleId;
use crate::subscription::{Inbox, Subscription};

/// Subscribes.
pub(crate) async fn subscribe<S, A, Ev, E>(
    target: &impl Target<S>,
    method: usize,
    args: A,
) -> Result<Subscription<Ev>, E>
where
    S: Service,
    A: EncodeArguments + Send,
    Ev: Subscribe,
    E: From<Error> + Serialize + DeserializeOwned + Send,
{
    let handle = target.handle();
    let member = &handle.member;
    let mut attempts = Attempts::new(member, target.pinned(), method)?.idempotent();
    let info = attempts.info;
    let Kind::Subscribe { key, options } = info.kind else {
        return Err(Error::UnknownMethod { method: info.name.to_owned() }.into());
    };
    let mut data = Vec::new();
    args.encode(member.codec(), &mut data).map_err(|error| unencodable(info, &error))?;
    drop(args);
    let arguments = Bytes::from(data);
    let key = key(&member.call_for_key(info, arguments.clone()))?;
    let key: Arc<str> = topic_key(info.name, &key).into();

    let inbox = Arc::new(Inbox::new(Ev::OPTIONS.delivery, &member.options.limits));
    let id = member.subscriptions.join(
        &key,
        method,
        arguments.clone(),
        options,
        Arc::clone(&inbox) as _,
    );
    let mut reader =
        Reader { handle: Arc::clone(handle), key: Arc::clone(&key), id, stall_watch: None };
    loop {
        let turn = member.subscriptions.turn(&key, id);
        let asking = match tokio::time::timeout_at(attempts.deadline.into(), turn).await {
            Ok(Turn::Done) => break,
            Ok(Turn::Mine(asking)) => asking,
            Err(_) => return Err(attempts.expired(Outcome::NotExecuted).into()),
        };
        let asked = ask::<Ev>(&mut attempts, &key, &arguments).await;
        let (link, answer) = asked.map_err(|error| attempts.verdict(error))?;
        if let Some((false, bytes)) = answer {
            // A Node leader has no answer at all.
            return decode::<Never, E>(Peer::Rust, member.codec(), info.name, false, &bytes)
                .map(|never| match never {});
        }
        match asking.confirm(id, || member.is_linked(&link)) {
            Confirmation::Confirmed => break,
            // By what came before the answer. That it is there again, nobody would take back.
            Confirmation::Ended => {
                unsubscribe(member, &link, &key);
                break;
            }
            Confirmation::LeaderGone => attempts.next_link(link),
        }
    }
    if Ev::OPTIONS.delivery == Delivery::Latest {
        reader.stall_watch = watch_for_stall(member, &key, id);
    }
    Ok(Subscription::from_inbox(inbox, Box::new(reader)))
}

/// A value that never comes is told, once for each key. Only where one can be expected: events of which each counts
/// may be rare.
fn watch_for_stall(member: &Arc<Member>, key: &Arc<str>, id: HandleId) -> Option<AbortHandle> {
    if !member.subscriptions.awaits_first(key) {
        return None;
    }
    let waited = member.options.subscribe_timeout;
    let host = member.options.host.clone();
    let (member, key) = (Arc::downgrade(member), Arc::clone(key));
    Some(host.spawn(async move {
        tokio::time::sleep(waited).await;
        let Some(member) = member.upgrade() else { return };
        if member.subscriptions.take_stall(&key, id) {
            tracing::warn!(channel = %member.channel, %key, ?waited, "no value has come yet");
            member.emit(ClusterEvent::SubscriptionStalled { key: key.to_string(), waited });
        }
    }))
}

/// A subscription has no result but itself.
#[derive(serde::Deserialize)]
enum Never {}

/// Asks a leader for the key. The answer is `None`, or the real client's error.
async fn ask<Ev: Subscribe>(
    attempts: &mut Attempts<'_>,
    key: &Arc<str>,
    arguments: &Bytes,
) -> Result<(Link, Option<(bool, Vec<u8>)>), Error> {
    let (member, info) = (attempts.member, attempts.info);
    loop {
        match attempts.route(|| arguments.len()).await? {
            Route::Here(leadership) => {
                let Some(_permit) = enter(attempts, &leadership).await? else { continue };
                let context = leadership.context(
                    member.next_call(),
                    Some(attempts.deadline),
                    member.caller(),
                );
                let request = Request {
                    method: attempts.method,
                    key: Arc::clone(key),
                    codec: member.codec(),
                    arguments: arguments.clone(),
                    context,
                    restore: false,
                };
                let asked =
                    leadership.fanout.subscribe(&leadership, member.id(), Ev::OPTIONS, request);
                let Ok(reply) = tokio::time::timeout_at(attempts.deadline.into(), asked).await
                else {
                    return Err(attempts.expired(Outcome::Unknown));
                };
                match reply.answered {
                    Answered::Ok => return Ok((Link::Leading(Arc::clone(&leadership)), None)),
                    Answered::Err => {
                        return Ok((
                            Link::Leading(Arc::clone(&leadership)),
                            Some((false, reply.answer)),
                        ));
                    }
                    Answered::Failed(cluster_protocol::Failure::GoingAway)
                        if !leadership.is_serving() =>
                    {
                        attempts.next_link(Link::Leading(Arc::clone(&leadership)));
                    }
                    Answered::Failed(cluster_protocol::Failure::Busy) => {
                        let limit = String::from_utf8_lossy(&reply.answer).into_owned();
                        attempts.turned_away(attempts.busy(&limit)).await?;
                    }
                    Answered::Failed(failure) => {
                        return Err(attempts.failed(failure, &reply.answer));
                    }
                    Answered::CutOff => {
                        attempts.cut_off()?;
                        attempts.next_link(Link::Leading(Arc::clone(&leadership)));
                    }
                }
            }
            Route::There(session) => {
                if let Some(node) = &session.node {
                    let conn = node.keys().subscribe(key, arguments)?;
                    match session.link.send_oneway(&conn, 0, None, &mut |_| Ok(())) {
                        // A Node leader does not say what comes of it.
                        Ok(()) => return Ok((Link::Following(session), None)),
                        Err(StartError::Encode(error)) => return Err(unencodable(info, &error)),
                        Err(StartError::Busy) => {
                            attempts.back_off(attempts.busy("limits.outbound_bytes")).await?;
                            continue;
                        }
                        Err(StartError::Closed | StartError::GoingAway) => {
                            attempts.next_link(Link::Following(session));
                            continue;
                        }
                    }
                }
                // Only a leader that says nothing of what it was told makes it so many.
                let limit = member.options.limits.subscriptions_per_follower;
                if session.unconfirmed_unsubscribes() > limit {
                    attempts.back_off(attempts.busy("limits.subscriptions_per_follower")).await?;
                    continue;
                }
                let conn = subscribe_object(key, info.name, false);
                let append = &mut |out: &mut Vec<u8>| {
                    out.extend_from_slice(arguments);
                    Ok(())
                };
                let waker = waker().await;
                let started = attempts.start(&session.link, &conn, waker, append);
                if let Some(answer) = attempts.answer(&session, started).await? {
                    let ok = outcome(attempts, answer.kind, &answer.payload)?;
                    return Ok((
                        Link::Following(session),
                        (!ok).then(|| (false, answer.payload.to_vec())),
                    ));
                }
            }
        }
    }
}

/// Somebody reads a key; dropping it says that they do so no longer. It keeps the member alive.
struct Reader {
    handle: Arc<Handle>,
    key: Arc<str>,
    id: HandleId,
    stall_watch: Option<AbortHandle>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(watch) = &self.stall_watch {
            watch.abort();
        }
        let member = &self.handle.member;
        let Some(_asking) = member.subscriptions.leave(&self.key, self.id) else { return };
        unsubscribe(member, &member.link(), &self.key);
    }
}

/// Tells the leader, if there is one, that nobody here reads the key.
fn unsubscribe(member: &Member, link: &Link, key: &str) {
    match link {
        Link::Leading(leadership) => {
            leadership.fanout.leave(key, member.id());
        }
        Link::Following(session) => session.unsubscribe(key),
        Link::Electing | Link::Failed(_) | Link::Closed => {}
    }
}
