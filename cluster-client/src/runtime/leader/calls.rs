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
use super::{Leadership, Permit};
use crate::context::CallId;
use crate::error::Error;
use crate::event::EventOptions;
use crate::failure;
use crate::key::topic_key;
use crate::membership::ClusterEvent;
use crate::serve::{Answered, Call, Reply};
use crate::service::{Kind, MethodInfo, Served};
use crate::session::payload::Payload;

impl Connection {
    pub(super) fn handle(
        &mut self,
        header: &Header,
        incoming: Incoming,
        data: Payload,
    ) -> Result<(), String> {
        match incoming {
            // After "going away" has been said, the follower knows that no more calls are accepted.
            _ if self.going_away && incoming.is_call() => Ok(()),
            Incoming::Invoke { method, oneway, call } => {
                self.accepted += 1;
                self.invoke(header, method, oneway, call, data)
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
                if let Some(topic) =
                    self.leadership.fanout.leave(&self.leadership, &key, self.follower.id())
                {
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
        header: &Header,
        method: usize,
        oneway: bool,
        call: Option<u64>,
        data: Payload,
    ) -> Result<(), String> {
        let leadership = Arc::clone(&self.leadership);
        let Some(info) = leadership.terms.methods.get(method) else { return Ok(()) };
        let started = self.start(header, method, info, call, data);
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
            if let Poll::Ready(reply) = leadership.sync_scope(|| slot.poll_once(&mut cx)) {
                self.answer(header.id, info, oneway, reply);
                return Ok(());
            }
        }
        match slot.take() {
            // Nobody waits for it, so nobody's going away cuts it off.
            Some(served) if oneway => {
                tokio::spawn(async move {
                    let reply = leadership.scope(served).await;
                    report_oneway(&leadership, method, &reply);
                    drop(permit);
                });
                Ok(())
            }
            Some(served) => self.run(header.id, Some(permit), move |follower| async move {
                let reply = leadership.scope(served).await;
                leadership.settle(settlement, reply.answered, follower.id());
                reply
            }),
            None => {
                self.answer(
                    header.id,
                    info,
                    oneway,
                    Reply::failed(Failure::UnknownMethod, "the method cannot be invoked"),
                );
                Ok(())
            }
        }
    }

    /// Makes the call's future, if the call may run: within the bounds, and not after its time.
    fn start(
        &mut self,
        header: &Header,
        method: usize,
        info: &MethodInfo,
        call: Option<u64>,
        data: Payload,
    ) -> Result<(Settlement, Permit), (Failure, Cow<'static, str>)> {
        let leadership = &self.leadership;
        if self.follower.running_calls() >= leadership.terms.limits.in_flight_per_follower {
            return Err((Failure::Busy, "limits.in_flight_per_follower".into()));
        }
        let permit = leadership.enter().map_err(|failure| match failure {
            Failure::Busy => (failure, "limits.in_flight".into()),
            _ => (failure, "the leader is going away".into()),
        })?;
        let client =
            self.client().ok_or((Failure::NotReady, "the real client is not there".into()))?;
        let call = self.call(header, info, call, data)?;
        let settlement = self.leadership.settlement(method, &call);
        let settlement =
            settlement.map_err(|error| (Failure::BadArguments, error.to_string().into()))?;
        if let Some(slot) = self.slots.get_mut(method) {
            slot.prepare(call.context());
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

    /// Runs a call in a task of its own. A leadership that is going away waits for the permit, and so for the answer.
    fn run<F>(
        &self,
        id: u64,
        permit: Option<Permit>,
        call: impl FnOnce(Arc<Follower>) -> F,
    ) -> Result<(), String>
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let follower = Arc::clone(&self.follower);
        if !follower.running(id) {
            return Err(format!("two running calls have the id {id}"));
        }
        let running = Running { follower: Arc::clone(&follower), id, _permit: permit };
        let call = call(Arc::clone(&follower));
        let task = tokio::spawn(async move {
            let reply = call.await;
            running.follower.respond(running.id, &reply);
            drop(running);
        });
        follower.running_as(id, task.abort_handle());
        Ok(())
    }

    fn client(&mut self) -> Option<Arc<dyn Served>> {
        if self.client.is_none() {
            self.client = self.leadership.client();
        }
        self.client.clone()
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
            Ok((options, request)) => {
                let leadership = Arc::clone(&self.leadership);
                self.run(header.id, None, move |follower| async move {
                    leadership.fanout.subscribe(&leadership, follower.id(), options, request).await
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
    ) -> Result<(EventOptions, Request), (Failure, Cow<'static, str>)> {
        let leadership = Arc::clone(&self.leadership);
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
        Ok((options, Request { method, key: key.into(), codec, arguments, context, restore }))
    }
}

/// A call's place in the table of running ones, given back however its task ends.
struct Running {
    follower: Arc<Follower>,
    id: u64,
    _permit: Option<Permit>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.follower.ran(self.id);
    }
}

fn report_oneway(leadership: &Leadership, method: usize, reply: &Reply) {
    if let Some(info) = leadership.terms.methods.get(method) {
        report(leadership, info, reply);
    }
}

/// Nobody waits for a one-way call: what becomes of it is an event of the leader.
fn report(leadership: &Leadership, info: &MethodInfo, reply: &Reply) {
    let error = match reply.answered {
        Answered::Ok => return,
        Answered::Err => Error::RealClient {
            channel: leadership.channel().to_owned(),
            message: format!("{} returned an error", info.name),
        },
        Answered::Failed(failure) => failure::error(info.name, failure, &reply.answer),
    };
    leadership.emit(ClusterEvent::OnewayFailed { method: info.name.to_owned(), error });
}
