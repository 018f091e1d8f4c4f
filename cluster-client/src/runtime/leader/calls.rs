//! A follower's calls: started within the bounds, run in place or in a task, answered.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cluster_protocol::{Failure, Header};

use super::follower::Follower;
use super::publications::Settlement;
use super::request::{self, Incoming};
use super::serving::Connection;
use super::upstream::Request;
use super::{HeldPermit, Leadership, Permit, refusal};
use crate::context::CallId;
use crate::event::EventOptions;
use crate::failure;
use crate::key::topic_key;
use crate::membership::ClusterEvent;
use crate::serve::{Call, Reply};
use crate::service::{Kind, MethodInfo};
use crate::session::payload::Payload;

impl Connection {
    pub(super) fn handle(
        &mut self,
        leadership: &Arc<Leadership>,
        header: &Header,
        incoming: Incoming,
        data: Payload,
    ) -> Result<(), String> {
        match incoming {
            // Nobody else can tell of a one-way call that comes too late.
            Incoming::Invoke { method, oneway: true, .. } if self.going_away => {
                let late = Reply::failed(Failure::GoingAway, "the leader is going away");
                report_oneway(&self.leadership, method, &late);
                Ok(())
            }
            // After "going away" has been said, the follower knows that no more calls are accepted.
            _ if self.going_away && incoming.is_call() => Ok(()),
            Incoming::Invoke { method, oneway, call } => {
                self.accepted += 1;
                self.invoke(leadership, header, method, oneway, call, data)
            }
            Incoming::UnknownMethod { oneway } => {
                self.accepted += 1;
                if !oneway {
                    self.fail(header.id, Failure::UnknownMethod, "the leader has no such method");
                }
                Ok(())
            }
            Incoming::Subscribe { method, key, restore } => {
                self.accepted += 1;
                self.subscribe(header, method, &key, restore, &data)
            }
            Incoming::Unsubscribe { key } => {
                if let Some(topic) = self.leadership.fanout.leave(&key, self.follower.id()) {
                    self.follower.drop_pushes(topic);
                }
                Ok(())
            }
            Incoming::Cancel => {
                self.follower.cancel(header.id);
                Ok(())
            }
            Incoming::Heartbeat => {
                self.out.extend_from_slice(&request::heartbeat_answer(header.id));
                Ok(())
            }
            Incoming::Ignored => Ok(()),
        }
    }

    fn fail(&mut self, id: u64, failure: Failure, message: &str) {
        self.follower.write_response(&mut self.out, id, &Reply::failed(failure, message));
    }

    fn invoke(
        &mut self,
        leadership: &Arc<Leadership>,
        header: &Header,
        method: usize,
        oneway: bool,
        call: Option<u64>,
        data: Payload,
    ) -> Result<(), String> {
        let Some(info) = leadership.terms.methods.get(method) else { return Ok(()) };
        let started = self.start(leadership, header, method, info, call, data);
        let (settlement, permit) = match started {
            Ok(started) => started,
            Err((failure, message)) => {
                let reply = Reply::failed(failure, &message);
                self.answer(header.id, info, oneway, reply);
                return Ok(());
            }
        };
        let Some(slot) = self.slots.get_mut(method) else { return Ok(()) };
        if !info.spawn && !leadership.settles(method) {
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(reply) = slot.poll_once(&mut cx) {
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
        self.run(header, oneway.then_some(method), permit, async move {
            let reply = leadership.scope(served).await;
            leadership.settle(settlement, reply.answered, caller);
            reply
        })
    }

    /// Makes the call's future, if the call may run: within the bounds, and not after its time.
    fn start<'a>(
        &mut self,
        leadership: &'a Arc<Leadership>,
        header: &Header,
        method: usize,
        info: &MethodInfo,
        call: Option<u64>,
        data: Payload,
    ) -> Result<(Settlement, Permit<'a>), (Failure, Cow<'static, str>)> {
        let permit = self.admit(leadership)?;
        let call = self.call(header, info, call, data)?;
        let settlement = leadership.settlement(method, &call);
        let settlement =
            settlement.map_err(|error| (Failure::BadArguments, error.to_string().into()))?;
        if self.client.is_none() {
            self.client = leadership.client();
        }
        let Some(client) = &self.client else {
            return Err((Failure::NotReady, "the real client is not there".into()));
        };
        if let Some(slot) = self.slots.get_mut(method) {
            slot.prepare(&call);
            client.serve(method, call, slot);
        }
        Ok((settlement, permit))
    }

    fn answer(&mut self, id: u64, info: &MethodInfo, oneway: bool, reply: Reply) {
        if oneway {
            report(&self.leadership, info, &reply);
        } else {
            self.follower.write_response(&mut self.out, id, &reply);
        }
        self.spare_answer = reply.answer;
    }

    /// Whether one more call may run: within the follower's bounds and within those of all.
    fn admit<'a>(
        &self,
        leadership: &'a Leadership,
    ) -> Result<Permit<'a>, (Failure, Cow<'static, str>)> {
        self.follower.has_room().map_err(|limit| (Failure::Busy, limit.into()))?;
        leadership.enter().map_err(|refused| {
            let (failure, message) = refusal(refused);
            (failure, message.into())
        })
    }

    /// Runs a call in a task of its own. A one-way call is not answered and not cut off: nobody waits for it, so
    /// nobody's going away ends it.
    fn run(
        &self,
        header: &Header,
        oneway: Option<usize>,
        permit: HeldPermit,
        call: impl Future<Output = Reply> + Send + 'static,
    ) -> Result<(), String> {
        let (id, bytes) = (header.id, header.data_len as usize);
        let follower = Arc::clone(&self.follower);
        if !follower.running(id, bytes) {
            return Err(format!("two running calls have the id {id}"));
        }
        let running = Running { follower: Arc::clone(&follower), id, bytes, _permit: permit };
        let task = tokio::spawn(async move {
            let reply = call.await;
            match oneway {
                None => running.follower.respond(id, &reply),
                Some(method) => report_oneway(running.follower.leadership(), method, &reply),
            }
        });
        if oneway.is_none() {
            follower.running_as(id, task.abort_handle());
        }
        Ok(())
    }

    fn call(
        &mut self,
        header: &Header,
        info: &MethodInfo,
        call: Option<u64>,
        data: Payload,
    ) -> Result<Call, (Failure, Cow<'static, str>)> {
        let deadline = match header.timeout {
            0 => None,
            millis => Some(self.read_at + Duration::from_millis(millis.into())),
        };
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err((
                Failure::Expired,
                "the deadline passed before the call could start".into(),
            ));
        }
        let call_id = CallId {
            instance: self.follower.instance(),
            sequence: call.unwrap_or(header.id >> 16),
        };
        Ok(Call {
            data,
            codec: self.follower.codec(),
            context: self.leadership.context(call_id, deadline, self.follower.caller().clone()),
            method: info.name,
            answer: std::mem::take(&mut self.spare_answer),
            limits: self.leadership.frame_limits(),
            untyped: matches!(info.kind, Kind::Oneway),
        })
    }

    fn subscribe(
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
                self.run(header, None, permit, async move {
                    leadership.fanout.subscribe(&leadership, who, options, request).await
                })
            }
            Err((failure, message)) => {
                self.fail(header.id, failure, &message);
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
        let permit = self.admit(&leadership)?;
        let info = leadership.terms.methods.get(method);
        let Some((info, Kind::Subscribe { key: key_of, options })) =
            info.map(|info| (info, info.kind))
        else {
            return Err((Failure::UnknownMethod, "the method is no subscription".into()));
        };
        let arguments = Bytes::copy_from_slice(data);
        let call = self.call(header, info, None, Payload::from(arguments.clone()))?;
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
            permit.hold(data.len()),
        ))
    }
}

/// A call's place in the table of running ones, given back however its task ends.
struct Running {
    follower: Arc<Follower>,
    id: u64,
    bytes: usize,
    /// Given back after the answer is on its way: a leadership that goes waits for it.
    _permit: HeldPermit,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.follower.ran(self.id, self.bytes);
    }
}

fn report_oneway(leadership: &Leadership, method: usize, reply: &Reply) {
    if let Some(info) = leadership.terms.methods.get(method) {
        report(leadership, info, reply);
    }
}

/// Nobody waits for a one-way call: what becomes of it is an event of the leader.
fn report(leadership: &Leadership, info: &MethodInfo, reply: &Reply) {
    let timeout = info.timeout.unwrap_or(leadership.terms.response_timeout);
    if let Err(error) = failure::check(info.name, timeout, reply) {
        leadership.emit(ClusterEvent::OnewayFailed { method: info.name.to_owned(), error });
    }
}
