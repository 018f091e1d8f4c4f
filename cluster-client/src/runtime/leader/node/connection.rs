//! The messages that a Node process writes differently: subscribing without a method, registering until it is answered.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use cluster_protocol::{Codec, EncodeArguments, Header};
use serde_json::value::RawValue;

use crate::context::CallId;
use crate::error::Error;
use crate::failure;
use crate::key::topic_key;
use crate::membership::ClusterEvent;
use crate::node::answer;
use crate::node::errors::Thrown;
use crate::runtime::leader::follower::Follower;
use crate::runtime::leader::serving::Connection;
use crate::runtime::leader::upstream::Request;
use crate::runtime::leader::{Leadership, State};
use crate::serve::{Call, Errors};
use crate::service::Kind;
use crate::session::payload::Payload;

/// After that time the real client is asked again for what has ended.
const REOPEN_AFTER: Duration = Duration::from_secs(1);

/// What the task of a Node process's connection keeps.
#[derive(Default)]
pub(in crate::runtime::leader) struct NodeConnection {
    /// The registration that is still to be answered.
    register: Option<u64>,
    /// It was told that there is no real client, and stays without one until its connection ends.
    was_told_of_failure: bool,
    subscriptions: HashMap<String, Subscribed>,
}

struct Subscribed {
    topic: Arc<str>,
    /// The one argument, in JSON, as an argument list.
    arguments: Bytes,
}

impl NodeConnection {
    pub(in crate::runtime::leader) fn registering(id: u64) -> Self {
        Self { register: Some(id), ..Self::default() }
    }

    /// It has registered again: the time for the answer to the earlier try has passed.
    pub(in crate::runtime::leader) fn register(&mut self, id: u64) {
        self.register = Some(id);
    }

    /// Answers the registration, once it is known how. An error ends the connection, with that reason.
    /// `failure`: what it was told, though the leadership may have come to its end since.
    pub(in crate::runtime::leader) fn answer(
        &mut self,
        leadership: &Leadership,
        failure: Option<Error>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        match failure.map_or_else(|| leadership.state(), State::Failed) {
            State::Ready(_) if self.was_told_of_failure => {
                return Err("the real client is there now: it has to register anew".to_owned());
            }
            State::Ready(_) => {
                out.extend(self.register.take().map(answer::welcome).unwrap_or_default());
            }
            State::Failed(error) => {
                if let Some(id) = self.register.take() {
                    let message = match &error {
                        Error::RealClient { message, .. } => message.clone(),
                        error => error.to_string(),
                    };
                    self.was_told_of_failure = true;
                    out.extend(answer::refusal(id, Thrown::at_joining("REAL_CLIENT", &message)));
                }
            }
            State::Starting | State::Restoring(_) | State::Draining | State::Closed => {}
        }
        Ok(())
    }
}

impl Connection {
    /// Subscribes a Node process, which gets no answer: what fails is told by events, and tried again.
    pub(in crate::runtime::leader) fn node_subscribe(
        &mut self,
        header: &Header,
        key: &str,
        reg: Option<&RawValue>,
    ) {
        if let Err(error) = self.try_node_subscribe(header, key, reg) {
            self.leadership.emit(ClusterEvent::SubscriptionFailed { key: key.to_owned(), error });
        }
    }

    fn try_node_subscribe(
        &mut self,
        header: &Header,
        key: &str,
        reg: Option<&RawValue>,
    ) -> Result<(), Error> {
        let leadership = Arc::clone(&self.leadership);
        let limit = leadership.terms.limits.subscriptions_per_follower;
        let method = leadership.terms.node.as_ref().and_then(|node| node.subscribe());
        let info = method.and_then(|method| leadership.terms.methods.get(method));
        let (Some(method), Some(info)) = (method, info) else {
            return Err(Error::UnknownMethod { method: "subscribe".to_owned() });
        };
        let Kind::Subscribe { key: key_of, .. } = info.kind else {
            return Err(Error::UnknownMethod { method: info.name.to_owned() });
        };
        let arguments = match leadership.terms.node.as_ref().map(|node| node.absent(method, 0)) {
            Some(1..) => argument(reg)?,
            _ => Bytes::new(),
        };
        let call = self.node_call(header.id, info.name, arguments.clone());
        let topic: Arc<str> = topic_key(info.name, &key_of(&call)?).into();
        let Some(node) = &mut self.node else { return Ok(()) };
        if node.subscriptions.len() >= limit {
            return Err(Error::TooManySubscriptions { limit });
        }
        if let Some(subscriber) = self.follower.node() {
            subscriber.add(&topic, key);
        }
        let subscribed = Subscribed { topic: Arc::clone(&topic), arguments: arguments.clone() };
        node.subscriptions.insert(key.to_owned(), subscribed);
        let joined = join(&leadership, &self.follower, method, topic, arguments, &call);
        if joined.is_err() {
            self.node_unsubscribe(key);
        }
        joined
    }

    pub(in crate::runtime::leader) fn node_unsubscribe(&mut self, key: &str) {
        let Some(node) = &mut self.node else { return };
        let Some(subscribed) = node.subscriptions.remove(key) else { return };
        let last = self.follower.node().is_some_and(|node| node.remove(&subscribed.topic, key));
        if last
            && let Some(topic) = self.leadership.fanout.leave(&subscribed.topic, self.follower.id())
        {
            self.follower.drop_pushes(topic);
        }
    }

    /// The real client has ended a subscription. A Node process expects that not to happen, so it is asked again, after
    /// a while.
    pub(in crate::runtime::leader) fn node_reopen(&mut self, topic: Arc<str>) {
        let Some(node) = &self.node else { return };
        let Some(arguments) = node
            .subscriptions
            .values()
            .find(|subscribed| subscribed.topic == topic)
            .map(|subscribed| subscribed.arguments.clone())
        else {
            return;
        };
        let (leadership, follower) = (Arc::clone(&self.leadership), Arc::clone(&self.follower));
        let Some(method) = leadership.terms.node.as_ref().and_then(|node| node.subscribe()) else {
            return;
        };
        let call = self.node_call(0, "subscribe", arguments.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = leadership.ended() => return,
                () = tokio::time::sleep(REOPEN_AFTER) => {}
            }
            let is_wanted = follower.node().is_some_and(|node| !node.keys(&topic).is_empty())
                && leadership.fanout.is_attached(follower.id());
            if !is_wanted {
                return;
            }
            let key = topic.to_string();
            if let Err(error) = join(&leadership, &follower, method, topic, arguments, &call) {
                leadership.emit(ClusterEvent::SubscriptionFailed { key, error });
            }
        });
    }

    fn node_call(&self, id: u64, method: &'static str, arguments: Bytes) -> Call {
        let caller = self.follower.caller().clone();
        let call_id = CallId { instance: caller.instance, sequence: id };
        Call {
            data: Payload::from(arguments),
            codec: Codec::Json,
            context: self.leadership.context(call_id, None, caller),
            method,
            answer: Vec::new(),
            limits: self.leadership.frame_limits(),
            errors: Errors::Text,
        }
    }
}

/// The argument of a subscription, as an argument list in JSON.
fn argument(reg: Option<&RawValue>) -> Result<Bytes, Error> {
    let mut arguments = Vec::new();
    // Undefined is not written at all.
    let encoded = match reg {
        Some(reg) => (reg,).encode(Codec::Json, &mut arguments),
        None => ((),).encode(Codec::Json, &mut arguments),
    };
    encoded.map_err(|error| Error::BadArguments {
        method: "subscribe".to_owned(),
        message: error.to_string(),
    })?;
    Ok(arguments.into())
}

/// Joins the topic. Whether and when it opens, nobody waits for.
fn join(
    leadership: &Arc<Leadership>,
    follower: &Follower,
    method: usize,
    topic: Arc<str>,
    arguments: Bytes,
    call: &Call,
) -> Result<(), Error> {
    let Some(info) = leadership.terms.methods.get(method) else { return Ok(()) };
    let Kind::Subscribe { options, .. } = info.kind else { return Ok(()) };
    let request = Request {
        method,
        key: topic,
        codec: Codec::Json,
        arguments,
        context: call.context(),
        restore: true,
    };
    let opened = pin!(leadership.fanout.subscribe(leadership, follower.id(), options, request));
    // It joins at the first poll. What follows is waiting for the real client's answer.
    match opened.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(reply) => failure::check(info.name, leadership.terms.response_timeout, &reply),
        Poll::Pending => Ok(()),
    }
}
