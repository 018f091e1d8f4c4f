//! `#[publish]`: a call that is remembered, and made again to the next leader.

use std::sync::Arc;

use bytes::Bytes;
use cluster_protocol::{Codec, EncodeArguments, object_with_call};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::attempts::{Attempts, Route};
use super::invoke::{call_by_bytes, enter};
use super::{decode, outcome, waker};
use crate::context::CallId;
use crate::error::{Error, Outcome};
use crate::failure;
use crate::member::{Link, Member};
use crate::membership::ClusterEvent;
use crate::node::Peer;
use crate::proxy::Target;
use crate::runtime::link::StartError;
use crate::runtime::turns::Turn;
use crate::service::{Kind, MethodInfo, Service};
use crate::session::oneways::Oneway;
use crate::session::publications::PublicationKey;

/// Publishes.
pub async fn publish<S, A, T, E>(target: &impl Target<S>, method: usize, args: A) -> Result<T, E>
where
    S: Service,
    A: EncodeArguments + Send,
    T: DeserializeOwned + Send,
    E: From<Error> + Serialize + DeserializeOwned + Send,
{
    let member = &target.handle().member;
    let codec = member.codec();
    let mut attempts = Attempts::new(member, target.pinned(), method)?;
    let info = attempts.info;
    let mut data = Vec::new();
    args.encode(codec, &mut data).map_err(|error| attempts.unencodable(&error))?;
    drop(args);
    let data = Bytes::from(data);
    let (call, _turn, remembering) = match info.kind {
        Kind::Publish { key, remembered: true, .. } => {
            let key = PublicationKey::new(method, key(&member.call_for_key(info, data.clone()))?);
            let turn = turn(&attempts, &key, data.len()).await?;
            let call = member.next_call();
            let begun = Remembering::begin(member, key, call.sequence, data.clone());
            (call, Some(turn), Some(begun.map_err(|limit| attempts.busy(limit))?))
        }
        _ => (member.next_call(), None, None),
    };
    let made = make::<T>(&mut attempts, call, &data).await;
    let made = made.map_err(|error| attempts.verdict(error))?;
    let is_kept = remembering.filter(|_| made.ok).is_some_and(Remembering::confirm);
    if is_kept && !member.is_linked(&made.link) {
        attempts.next_link(made.link);
        make_again::<T>(attempts.once_more(), call, &data).await;
    }
    decode(made.leader, codec, info.name, made.ok, &made.bytes)
}

/// Waits until this member makes no other publication of the key: they are numbered in the order in which they are made.
async fn turn(
    attempts: &Attempts<'_>,
    key: &PublicationKey,
    bytes: usize,
) -> Result<Turn<PublicationKey>, Error> {
    let mut turn = attempts.member.publishing.ask([key].into_iter());
    if !turn.has_come() {
        let place = attempts.member.waiting.enter(bytes);
        let _place = place.map_err(|limit| attempts.busy(limit))?;
        if !turn.comes_by(Some(attempts.deadline)).await {
            return Err(attempts.expired(Outcome::NotExecuted));
        }
    }
    Ok(turn)
}

/// A publication that was answered.
struct Made {
    link: Link,
    leader: Peer,
    ok: bool,
    bytes: Vec<u8>,
}

/// Publishes, as often as it takes.
async fn make<T: DeserializeOwned>(
    attempts: &mut Attempts<'_>,
    call: CallId,
    data: &Bytes,
) -> Result<Made, Error> {
    let (method, info, codec) = (attempts.method, attempts.info, attempts.member.codec());
    loop {
        match attempts.route(|| data.len()).await? {
            Route::Here(leadership) => {
                if enter(attempts, &leadership).await?.is_none() {
                    continue;
                }
                if let Some((ok, bytes)) =
                    call_by_bytes(attempts, &leadership, call, data.to_vec()).await?
                {
                    let link = Link::Leading(leadership);
                    return Ok(Made { link, leader: Peer::Rust, ok, bytes });
                }
            }
            Route::There(session) => {
                let append = &mut |out: &mut Vec<u8>| {
                    out.extend_from_slice(data);
                    Ok(())
                };
                let by_node = session.node.as_ref().and_then(|node| node.publish_object(method));
                if let Some(conn) = by_node {
                    if codec.decode::<T>(&undefined()).is_err() {
                        return Err(unanswered(info));
                    }
                    // One that is remembered is made again.
                    let call = (!is_remembered(info)).then(|| Oneway {
                        method,
                        data: data.clone(),
                        deadline: attempts.deadline,
                    });
                    let timeout = attempts.timeout_millis();
                    match session.link.send_oneway(conn, timeout, call.as_ref(), append) {
                        Ok(()) => {
                            let link = Link::Following(session);
                            let bytes = undefined();
                            return Ok(Made { link, leader: Peer::Node, ok: true, bytes });
                        }
                        Err(StartError::Encode(error)) => {
                            return Err(attempts.unencodable(&error));
                        }
                        Err(StartError::Busy) => {
                            attempts.back_off(attempts.busy("limits.outbound_bytes")).await?;
                        }
                        Err(StartError::Closed | StartError::GoingAway) => {
                            attempts.next_link(Link::Following(Arc::clone(&session)));
                        }
                    }
                    continue;
                }
                let conn = object_with_call(info.conn, call.sequence);
                let waker = waker().await;
                let started = attempts.start(&session.link, conn.as_bytes(), waker, append);
                if let Some(answer) = attempts.answer(&session, started).await? {
                    return Ok(Made {
                        leader: session.leader(),
                        ok: outcome(attempts, answer.kind, &answer.payload)?,
                        bytes: answer.payload.to_vec(),
                        link: Link::Following(session),
                    });
                }
            }
        }
    }
}

/// The next leader may have been asked already for what there was before. Should there be none in time, it will be asked for
/// this.
async fn make_again<T: DeserializeOwned>(mut attempts: Attempts<'_>, call: CallId, data: &Bytes) {
    let method = attempts.info.name.to_owned();
    let error = match make::<T>(&mut attempts, call, data).await {
        Ok(made) if made.ok => return,
        Ok(_) => failure::method_failed(&method, "an error of its own".to_owned()),
        Err(error) => attempts.verdict(error),
    };
    let member = attempts.member;
    if let Link::Leading(_) | Link::Following(_) = member.link() {
        member.emit(ClusterEvent::PublicationFailed { method, error });
    }
}

fn is_remembered(info: &MethodInfo) -> bool {
    matches!(info.kind, Kind::Publish { remembered: true, .. })
}

/// What a Node leader would answer, which it does not: it has no answer to a publication.
fn undefined() -> Vec<u8> {
    let mut bytes = Vec::new();
    // Never fails: undefined is a few bytes.
    let _ = Codec::SerializeJson.encode(&(), &mut bytes);
    bytes
}

/// What such a publication fails with if it has a result.
fn unanswered(info: &MethodInfo) -> Error {
    Error::InterfaceMismatch {
        method: info.name.to_owned(),
        leader: "no answer to it, as a Node process".to_owned(),
        follower: format!("`{}`: return `()` or an `Option`", info.signature),
    }
}

/// A publication that is under way; it is remembered once it is confirmed.
struct Remembering<'a> {
    member: &'a Member,
    key: PublicationKey,
    sequence: u64,
    confirmed: bool,
}

impl<'a> Remembering<'a> {
    fn begin(
        member: &'a Member,
        key: PublicationKey,
        sequence: u64,
        arguments: Bytes,
    ) -> Result<Self, &'static str> {
        let bounds = member.options.limits.publications();
        member.remembered().begin(key.clone(), sequence, arguments, bounds)?;
        Ok(Self { member, key, sequence, confirmed: false })
    }

    /// Whether it is still there, as far as is known.
    fn confirm(mut self) -> bool {
        self.confirmed = true;
        self.member.remembered().confirm(&self.key, self.sequence)
    }
}

impl Drop for Remembering<'_> {
    fn drop(&mut self) {
        if !self.confirmed {
            self.member.remembered().fail(&self.key, self.sequence);
        }
    }
}
