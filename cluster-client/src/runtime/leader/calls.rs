//! A follower's calls: started within the bounds, run in place or in a task, answered.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cluster_protocol::{Codec, EncodeArguments, Failure, Header};

use super::follower::Follower;
use super::publications::Settlement;
use super::request::Attempt;
use super::serving::Connection;
use super::settling::Settling;
use super::upstream::Request;
use super::{HeldPermit, Leadership, Permit, refusal};
use crate::clock;
use crate::context::CallId;
use crate::event::EventOptions;
use crate::failure;
use crate::key::topic_key;
use crate::membership::ClusterEvent;
use crate::serve::{Call, Errors, Reply};
use crate::service::{Kind, MethodInfo};
use crate::session::ids::INDEX_BITS;
use crate::session::payload::Payload;

/// What becomes of a call that runs when nobody waits for it any more.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    MayBeCutOff,
    RunsOn,
    /// The same, and it is not answered: nobody waits for it, so nobody's going away ends it.
    Oneway,
}

impl Connection {
    pub(super) fn fail(&mut self, id: u64, method: &str, failure: Failure, message: &str) {
        let reply = Reply::failed(failure, message);
        self.follower.write_response(&mut self.out, id, method, &reply);
    }

    pub(super) fn invoke(
        &mut self,
        leadership: &Arc<Leadership>,
        header: &Header,
        method: usize,
        oneway: bool,
        attempt: Attempt,
        data: Payload,
    ) -> Result<(), String> {
        let Some(info) = leadership.terms.methods.get(method) else { return Ok(()) };
        let started = self.start(leadership, header, method, info, (oneway, attempt), data);
        let (settlement, permit) = match started {
            Ok(started) => started,
            // The follower is told which it has accepted before it is told of anything that came later.
            Err((Failure::GoingAway, _)) if self.node.is_none() => {
                self.accepted -= 1;
                self.go_away();
                return Ok(());
            }
            Err((failure, message)) => {
                let reply = Reply::failed(failure, &message);
                self.answer(header.id, info, oneway, reply);
                return Ok(());
            }
        };
        let Some(slot) = self.slots.get_mut(method) else { return Ok(()) };
        let settling = Settling::new(leadership, self.follower.id(), settlement);
        // In place, so that calls begin in the order in which they came: nobody waits for a Node publication to send the
        // next one.
        if !info.spawn && settling.may_run() && !settling.is_outdone(leadership) {
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(reply) = slot.poll_once(&mut cx) {
                settling.settle(leadership, reply.answered);
                self.answer(header.id, info, oneway, reply);
                return Ok(());
            }
        }
        let Some(served) = slot.take() else {
            let reply = Reply::failed(Failure::UnknownMethod, "the method cannot be invoked");
            self.answer(header.id, info, oneway, reply);
            return Ok(());
        };
        let permit = permit.hold(header.data_len as usize);
        let (leadership, caller) = (Arc::clone(leadership), self.follower.id());
        // A Node process does not say that it has given up waiting.
        let deadline = self.deadline(header);
        let until = deadline.filter(|_| self.node.is_some() && !oneway);
        let fate = match (oneway, settling.is_owed()) {
            (true, _) => Fate::Oneway,
            (false, true) => Fate::RunsOn,
            (false, false) => Fate::MayBeCutOff,
        };
        self.run(header, method, fate, permit, async move {
            let wanted = || oneway || leadership.fanout.is_attached(caller);
            let Some(until) = until else {
                return settling.run(&leadership, served, deadline, wanted).await;
            };
            let served = async {
                let late =
                    |_| Reply::failed(Failure::TimedOut, "it took longer than its caller waits");
                tokio::time::timeout_at(until.into(), served).await.unwrap_or_else(late)
            };
            settling.run(&leadership, served, deadline, wanted).await
        })
    }

    /// Makes the call's future, if the call may run: within the bounds, and not after its time.
    fn start<'a>(
        &mut self,
        leadership: &'a Arc<Leadership>,
        header: &Header,
        method: usize,
        info: &MethodInfo,
        (oneway, attempt): (bool, Attempt),
        data: Payload,
    ) -> Result<(Settlement, Permit<'a>), (Failure, Cow<'static, str>)> {
        if self.client.is_none() {
            self.client = leadership.client();
        }
        // After the look for the client: a leadership that goes takes it away when it lets nobody in any more.
        let permit = self.admit(leadership, header, oneway)?;
        let errors = match self.node {
            _ if oneway => Errors::Text,
            Some(_) => Errors::Thrown,
            None => Errors::Typed,
        };
        let call = self.call(header, info, attempt.call, data, errors)?;
        let settlement = leadership.settlement(method, &call, attempt.restores);
        let settlement =
            settlement.map_err(|error| (Failure::BadArguments, error.to_string().into()))?;
        let may = leadership.may_settle(&settlement, self.follower.id());
        may.map_err(|limit| (Failure::Busy, limit.into()))?;
        let Some(client) = &self.client else {
            return Err((Failure::NotReady, "the real client is not there".into()));
        };
        if let Some(slot) = self.slots.get_mut(method) {
            slot.prepare(&call);
            client.serve(method, call, slot);
        }
        Ok((settlement, permit))
    }

    pub(super) fn answer(&mut self, id: u64, info: &MethodInfo, oneway: bool, reply: Reply) {
        if oneway {
            report(&self.leadership, info, &reply);
        } else {
            self.follower.write_response(&mut self.out, id, info.name, &reply);
        }
        self.spare_answer = reply.answer;
    }

    /// Whether one more call may run: somebody waits for it, and it is within the follower's bounds and those of all.
    fn admit<'a>(
        &self,
        leadership: &'a Leadership,
        header: &Header,
        oneway: bool,
    ) -> Result<Permit<'a>, (Failure, Cow<'static, str>)> {
        if !oneway && self.given_up.contains(header.id) {
            return Err((Failure::Expired, "its caller has given up waiting".into()));
        }
        self.follower.has_room().map_err(|limit| (Failure::Busy, limit.into()))?;
        leadership.enter().map_err(|refused| {
            let (failure, message) = refusal(refused);
            (failure, message.into())
        })
    }

    /// Runs a call in a task of its own.
    fn run(
        &self,
        header: &Header,
        method: usize,
        fate: Fate,
        permit: HeldPermit,
        call: impl Future<Output = Reply> + Send + 'static,
    ) -> Result<(), String> {
        let (id, bytes, oneway) = (header.id, header.data_len as usize, fate == Fate::Oneway);
        let follower = Arc::clone(&self.follower);
        if !follower.running(id, bytes, oneway) {
            return Err(format!("two running calls have the id {id}"));
        }
        let running =
            Running { follower: Arc::clone(&follower), id, bytes, oneway, _permit: permit };
        let task = self.leadership.spawn(async move {
            let reply = call.await;
            let leadership = running.follower.leadership();
            match leadership.terms.methods.get(method) {
                Some(info) if oneway => report(leadership, info, &reply),
                Some(info) => running.follower.respond(id, info.name, &reply),
                None => {}
            }
        });
        if fate == Fate::MayBeCutOff {
            follower.running_as(id, task);
        }
        Ok(())
    }

    /// Until when the caller waits.
    fn deadline(&self, header: &Header) -> Option<Instant> {
        let millis = Duration::from_millis(header.timeout.into());
        (header.timeout > 0).then(|| self.read_at + millis)
    }

    fn call(
        &mut self,
        header: &Header,
        info: &MethodInfo,
        call: Option<u64>,
        data: Payload,
        errors: Errors,
    ) -> Result<Call, (Failure, Cow<'static, str>)> {
        let deadline = self.deadline(header);
        if deadline.is_some_and(|deadline| deadline <= clock::now()) {
            return Err((
                Failure::Expired,
                "the deadline passed before the call could start".into(),
            ));
        }
        let call_id = CallId {
            instance: self.follower.instance(),
            sequence: call.unwrap_or(if self.node.is_some() {
                header.id
            } else {
                header.id >> INDEX_BITS
            }),
        };
        Ok(Call {
            data,
            codec: self.follower.codec(),
            context: self.leadership.context(call_id, deadline, self.follower.caller().clone()),
            method: info.name,
            answer: std::mem::take(&mut self.spare_answer),
            limits: self.leadership.frame_limits(),
            errors,
        })
    }

    pub(super) fn subscribe(
        &mut self,
        header: &Header,
        method: usize,
        key: &str,
        restore: bool,
        data: &Payload,
    ) -> Result<(), String> {
        match self.subscription(header, method, key, restore, data) {
            Ok((options, request, permit)) => {
                let (leadership, who) = (Arc::clone(&self.leadership), self.follower.id());
                // In place: it may be followed by its end.
                let joined = leadership.fanout.join(&leadership, who, options, &request);
                self.run(header, method, Fate::MayBeCutOff, permit, async move {
                    leadership.fanout.joined(&leadership, who, options, request, joined).await
                })
            }
            Err((failure, message)) => {
                self.fail(header.id, "subscribe", failure, &message);
                Ok(())
            }
        }
    }

    fn subscription(
        &mut self,
        header: &Header,
        method: usize,
        key: &str,
        restore: bool,
        data: &Payload,
    ) -> Result<(EventOptions, Request, HeldPermit), (Failure, Cow<'static, str>)> {
        let leadership = Arc::clone(&self.leadership);
        let permit = self.admit(&leadership, header, false)?;
        let info = leadership.terms.methods.get(method);
        let Some((info, Kind::Subscribe { key: key_of, options })) =
            info.map(|info| (info, info.kind))
        else {
            return Err((Failure::UnknownMethod, "the method is no subscription".into()));
        };
        let arguments = Bytes::copy_from_slice(data);
        let data = Payload::from(arguments.clone());
        let call = self.call(header, info, None, data, Errors::Typed)?;
        let computed =
            key_of(&call).map_err(|error| (Failure::BadArguments, error.to_string().into()))?;
        if topic_key(info.name, &computed) != key {
            return Err((Failure::BadArguments, "the key is not that of the arguments".into()));
        }
        let context = call.context();
        let codec = self.follower.codec();
        Ok((
            options,
            Request { method, key: key.into(), codec, arguments, context, restore },
            permit.hold(header.data_len as usize),
        ))
    }
}

/// Arguments with as many undefined ones behind them.
pub(super) fn with_undefined(arguments: &Payload, absent: u32) -> Payload {
    let mut all = arguments.to_vec();
    for _ in 0..absent {
        // Never fails: undefined is a few bytes.
        let _ = ((),).encode(Codec::SerializeJson, &mut all);
    }
    Payload::from(Bytes::from(all))
}

/// A call's place in the table of running ones, given back however its task ends.
struct Running {
    follower: Arc<Follower>,
    id: u64,
    bytes: usize,
    oneway: bool,
    /// Given back after the answer is on its way: a leadership that goes waits for it.
    _permit: HeldPermit,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.follower.ran(self.id, self.bytes, self.oneway);
    }
}

pub(super) fn report_oneway(leadership: &Leadership, method: usize, reply: &Reply) {
    if let Some(info) = leadership.terms.methods.get(method) {
        report(leadership, info, reply);
    }
}

/// Nobody waits for a one-way call: what becomes of it is an event of the leader.
fn report(leadership: &Leadership, info: &MethodInfo, reply: &Reply) {
    let timeout = info.timeout.unwrap_or(leadership.terms.response_timeout);
    if let Err(error) = failure::check(info.name, timeout, reply) {
        let method = info.name.to_owned();
        leadership.emit(ClusterEvent::OnewayFailed { method, calls: 1, error });
    }
}
