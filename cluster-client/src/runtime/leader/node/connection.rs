//! The messages that a Node process writes differently: subscribing without a method, registering until it is answered.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster_protocol::{Codec, EncodeArguments, Header};
use serde_json::value::RawValue;

use super::subscriber::{NotAdded, Subscribed};
use crate::context::CallId;
use crate::error::Error;
use crate::key::topic_key;
use crate::membership::ClusterEvent;
use crate::node::answer;
use crate::node::errors::Thrown;
use crate::runtime::leader::fanout::NotJoined;
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
        if self.register.is_none() && !self.was_told_of_failure {
            return Ok(());
        }
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
    /// Subscribes a Node process, which gets no answer: what cannot be is told by an event, and what the real client refuses
    /// is tried again.
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
        let node = leadership.terms.node.as_ref();
        let method = node.and_then(|node| node.subscribe());
        let info = method.and_then(|method| leadership.terms.methods.get(method));
        let (Some(method), Some(info), Some(subscriber)) = (method, info, self.follower.node())
        else {
            return Err(Error::UnknownMethod { method: "subscribe".to_owned() });
        };
        let Kind::Subscribe { key: key_of, .. } = info.kind else {
            return Err(Error::UnknownMethod { method: info.name.to_owned() });
        };
        let arguments = match node.map(|node| node.absent(method, 0)) {
            Some(1..) => argument(reg)?,
            _ => Bytes::new(),
        };
        let call = self.node_call(header.id, info.name, arguments.clone());
        let topic: Arc<str> = topic_key(info.name, &key_of(&call)?).into();
        // One key has one argument: the last that came with it.
        self.node_unsubscribe(key);
        let subscribed = Subscribed { topic: Arc::clone(&topic), arguments };
        let limit = leadership.terms.limits.subscriptions_per_follower;
        subscriber.add(key, subscribed, limit).map_err(|not| match not {
            NotAdded::TooMany(limit) => Error::TooManySubscriptions { limit },
            NotAdded::TooManyKeys(limit) => Error::BadArguments {
                method: info.name.to_owned(),
                message: format!("the same argument was written in {limit} other ways already"),
            },
        })?;
        let joined = self.node_join(&topic);
        if joined.is_err() {
            self.node_unsubscribe(key);
        }
        joined
    }

    pub(in crate::runtime::leader) fn node_unsubscribe(&self, key: &str) {
        let last = self.follower.node().and_then(|node| node.remove(key));
        if let Some(topic) = last {
            self.leadership.fanout.leave(&topic, self.follower.id());
            self.follower.drop_pushes(&topic);
        }
    }

    /// The real client has ended a subscription some time ago. A Node process expects that not to happen, so it is asked
    /// again.
    pub(in crate::runtime::leader) fn node_reopen(&self, topic: &Arc<str>) {
        if let Err(error) = self.node_join(topic) {
            let key = topic.to_string();
            self.leadership.emit(ClusterEvent::SubscriptionFailed { key, error });
        }
    }

    /// Joins a topic that it is subscribed to. Whether and when that opens, nobody waits for.
    fn node_join(&self, topic: &Arc<str>) -> Result<(), Error> {
        let leadership = &self.leadership;
        let subscribed = self.follower.node().and_then(|node| node.subscribed(topic));
        let method = leadership.terms.node.as_ref().and_then(|node| node.subscribe());
        let info = method.and_then(|method| leadership.terms.methods.get(method));
        let (Some(Subscribed { arguments, .. }), Some(method), Some(info)) =
            (subscribed, method, info)
        else {
            return Ok(());
        };
        let Kind::Subscribe { options, .. } = info.kind else { return Ok(()) };
        let context = self.node_call(0, info.name, Bytes::new()).context();
        let (key, codec) = (Arc::clone(topic), Codec::Json);
        let request = Request { method, key, codec, arguments, context, restore: true };
        match leadership.fanout.join(leadership, self.follower.id(), options, &request) {
            Err(NotJoined::TooMany(limit)) => Err(Error::TooManySubscriptions { limit }),
            // A connection that is gone is subscribed to nothing.
            Ok(_) | Err(NotJoined::Gone) => Ok(()),
        }
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

/// Asks the real client again for what it has ended, after a while.
pub(in crate::runtime::leader) fn reopen_later(follower: &Arc<Follower>, topic: Arc<str>) {
    let follower = Arc::clone(follower);
    Arc::clone(follower.leadership()).spawn(async move {
        tokio::select! {
            biased;
            () = follower.leadership().ended() => {}
            () = tokio::time::sleep(REOPEN_AFTER) => follower.reopen(topic),
        }
    });
}
