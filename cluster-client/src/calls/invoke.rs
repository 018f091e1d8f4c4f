//! `#[invoke]`: on the leader a plain call of the real client, elsewhere a packet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use cluster_protocol::{Codec, EncodeArguments, object_with_call};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::attempts::{Attempts, Route};
use super::{decode, outcome, waker};
use crate::context::{CURRENT, CallContext, CallId};
use crate::error::{Error, Outcome};
use crate::member::Link;
use crate::node::Peer;
use crate::planted::{Bug, planted};
use crate::proxy::Target;
use crate::runtime::leader::{Leadership, Permit, Refusal};
use crate::serve::{Answered, CatchPanic, panic_message, span};
use crate::service::{Bound, BoxFuture, Service};

/// Calls a method on the real client itself.
type OnLeader<'a, S, A, T, E> =
    fn(Arc<<S as Service>::Client>, CallContext, A) -> BoxFuture<'a, Result<T, E>>;

/// Calls a method. `local` calls it on the real client of this process.
pub async fn invoke<'a, S, A, T, E>(
    target: &'a impl Target<S>,
    method: usize,
    args: A,
    local: OnLeader<'a, S, A, T, E>,
) -> Result<T, E>
where
    S: Service,
    A: EncodeArguments + Send + 'a,
    T: DeserializeOwned + Send,
    E: From<Error> + Serialize + DeserializeOwned + Send,
{
    let mut attempts = Attempts::new(&target.handle().member, target.pinned(), method)?;
    match make::<S, A, T, E>(&mut attempts, args, local).await {
        Ok(result) => result,
        Err(error) => Err(attempts.verdict(error).into()),
    }
}

/// Makes the call, as often as it takes. The outer error is the cluster's, the inner one the method's.
async fn make<'a, S, A, T, E>(
    attempts: &mut Attempts<'_>,
    args: A,
    local: OnLeader<'a, S, A, T, E>,
) -> Result<Result<T, E>, Error>
where
    S: Service,
    A: EncodeArguments + Send + 'a,
    T: DeserializeOwned + Send,
    E: From<Error> + Serialize + DeserializeOwned + Send,
{
    let (member, info) = (attempts.member, attempts.info);
    let codec = member.codec();
    let mut call: Option<CallId> = None;
    loop {
        match attempts.route(|| size(codec, &args)).await? {
            Route::Here(leadership) => {
                let call = *call.get_or_insert_with(|| member.next_call());
                let direct = !member.options.strict_parity && !leadership.settles(attempts.method);
                match enter(attempts, &leadership).await? {
                    None => {}
                    Some(permit) if direct => {
                        let Some(client) = client::<S>(&leadership) else {
                            // It has begun to go away since.
                            attempts.next_link(Link::Leading(Arc::clone(&leadership)));
                            continue;
                        };
                        let running = |context| local(client, context, args);
                        let result = call_directly(attempts, &leadership, call, running).await;
                        drop(permit);
                        return result;
                    }
                    Some(permit) => {
                        drop(permit);
                        let mut data = Vec::new();
                        args.encode(codec, &mut data)
                            .map_err(|error| attempts.unencodable(&error))?;
                        if let Some((ok, bytes)) =
                            call_by_bytes(attempts, &leadership, call, data).await?
                        {
                            return Ok(decode(Peer::Rust, codec, info.name, ok, &bytes));
                        }
                    }
                }
            }
            Route::There(session) => {
                let again = call.filter(|_| !planted(Bug::RenumbersRetriedCalls));
                let again = again.map(|call| object_with_call(info.conn, call.sequence));
                let conn = again.as_ref().map_or(info.conn, String::as_str);
                let append = &mut |out: &mut Vec<u8>| args.encode(codec, out);
                let waker = waker().await;
                let started = attempts.start(&session.link, conn.as_bytes(), waker, append);
                if let Ok(started) = &started {
                    // Should it be sent again, it keeps its number: the real client can tell.
                    let sequence = started.sequence();
                    call.get_or_insert(CallId { instance: member.instance(), sequence });
                }
                let sent = attempts.answer(&session, started).await?;
                if let Some(answer) = sent {
                    let ok = outcome(attempts, answer.kind, &answer.payload)?;
                    if let Some(call) = call.filter(|_| ok && session.node.is_some()) {
                        let data = || encoded(codec, &args);
                        member.forget_undone(attempts.method, call.sequence, data);
                    }
                    return Ok(decode(session.leader(), codec, info.name, ok, &answer.payload));
                }
            }
        }
    }
}

/// How many bytes a call that waits holds on to.
fn size(codec: Codec, args: &impl EncodeArguments) -> usize {
    // An error here comes again when the call is sent, and is told then.
    encoded(codec, args).map_or(0, |data| data.len())
}

fn encoded(codec: Codec, args: &impl EncodeArguments) -> Option<Bytes> {
    let mut out = Vec::new();
    args.encode(codec, &mut out).ok()?;
    Some(out.into())
}

/// Lets a call into a leadership of this process. `None`: not this one, try the next.
pub(super) async fn enter<'a>(
    attempts: &mut Attempts<'_>,
    leadership: &'a Arc<Leadership>,
) -> Result<Option<Permit<'a>>, Error> {
    match leadership.enter() {
        Ok(permit) => Ok(Some(permit)),
        Err(Refusal::Full(limit)) => {
            attempts.turned_away(attempts.busy(limit)).await.map(|()| None)
        }
        Err(Refusal::Closed) if leadership.is_serving() => {
            Err(Error::GoingAway { method: attempts.info.name.to_owned() })
        }
        Err(Refusal::Closed) => {
            attempts.next_link(Link::Leading(Arc::clone(leadership)));
            Ok(None)
        }
    }
}

/// The real client of a leadership of this process, unless that goes away.
fn client<S: Service>(leadership: &Leadership) -> Option<Arc<S::Client>> {
    let client = leadership.client()?;
    client.as_any().downcast_ref::<Bound<S>>().map(|bound| Arc::clone(&bound.client))
}

async fn call_directly<'a, T, E>(
    attempts: &Attempts<'_>,
    leadership: &Arc<Leadership>,
    call: CallId,
    local: impl FnOnce(CallContext) -> BoxFuture<'a, Result<T, E>>,
) -> Result<Result<T, E>, Error>
where
    T: Send,
    E: From<Error> + Serialize + DeserializeOwned + Send,
{
    let method = || attempts.info.name.to_owned();
    let context = leadership.context(call, Some(attempts.deadline), attempts.member.caller());
    let running = CatchPanic(local(context.clone()));
    let span = span(attempts.info.name, &context);
    let running = CURRENT.scope(context, leadership.scope(running)).instrument(span);
    let running = leadership.unless_cut_off(running);
    match tokio::time::timeout_at(attempts.deadline.into(), running).await {
        Ok(Some(Ok(Ok(value)))) => Ok(Ok(value)),
        Ok(Some(Ok(Err(error)))) => {
            // It runs the `Serialize` of the user's error.
            let passed_on = || passed_on(attempts.member.codec(), attempts.info.name, error);
            catch_unwind(AssertUnwindSafe(passed_on)).map(Err).map_err(|panic| Error::Panicked {
                method: method(),
                message: panic_message(&*panic).to_owned(),
            })
        }
        Ok(Some(Err(message))) => Err(Error::Panicked { method: method(), message }),
        Ok(None) => Err(attempts.disconnected()),
        Err(_) => Err(attempts.expired(Outcome::Unknown)),
    }
}

/// An error of the real client as a follower would get it. So it is the same in every role, and an [`Error`] of
/// another cluster client inside it, which the real client passes on, does not read as this call's own.
fn passed_on<E>(codec: Codec, method: &str, error: E) -> E
where
    E: From<Error> + Serialize + DeserializeOwned,
{
    let mut bytes = Vec::new();
    match codec.encode(&error, &mut bytes) {
        Ok(()) => decode::<(), E>(Peer::Rust, codec, method, false, &bytes).err().unwrap_or(error),
        Err(unencodable) => {
            Error::BadResult { method: method.to_owned(), message: unencodable.to_string() }.into()
        }
    }
}

/// Runs a call on a leadership of this process the way a follower's call runs. `None`: try the next leader.
pub(super) async fn call_by_bytes(
    attempts: &mut Attempts<'_>,
    leadership: &Arc<Leadership>,
    call: CallId,
    data: Vec<u8>,
) -> Result<Option<(bool, Vec<u8>)>, Error> {
    let member = attempts.member;
    let context = leadership.context(call, Some(attempts.deadline), member.caller());
    let running = leadership.call_bytes(
        attempts.method,
        member.call(attempts.info, data.into(), context),
        member.id(),
    );
    let Ok(reply) = tokio::time::timeout_at(attempts.deadline.into(), running).await else {
        return Err(attempts.expired(Outcome::Unknown));
    };
    match reply.answered {
        Answered::Ok => Ok(Some((true, reply.answer))),
        Answered::Err => Ok(Some((false, reply.answer))),
        Answered::Failed(cluster_protocol::Failure::Busy) => {
            let limit = String::from_utf8_lossy(&reply.answer).into_owned();
            attempts.turned_away(attempts.busy(&limit)).await.map(|()| None)
        }
        Answered::Failed(cluster_protocol::Failure::GoingAway) if !leadership.is_serving() => {
            attempts.next_link(Link::Leading(Arc::clone(leadership)));
            Ok(None)
        }
        Answered::Failed(failure) => Err(attempts.failed(failure, &reply.answer)),
        Answered::CutOff => {
            attempts.cut_off()?;
            attempts.next_link(Link::Leading(Arc::clone(leadership)));
            Ok(None)
        }
    }
}
