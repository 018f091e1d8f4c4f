//! Opens one subscription at the real client and reads it to its end.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use cluster_protocol::{Codec, Failure};

use super::Leadership;
use crate::context::CallContext;
use crate::failure;
use crate::membership::ClusterEvent;
use crate::serve::{Answered, Call, CatchPanic, Errors, Opened, Reply};
use crate::session::backoff::Backoff;
use crate::session::payload::Payload;
use crate::session::topics::TopicId;
use crate::subscription::{Upstream, UpstreamEvent};

/// A subscription to be opened, on behalf of whoever asks first.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: usize,
    pub(crate) key: Arc<str>,
    pub(crate) codec: Codec,
    pub(crate) arguments: Bytes,
    pub(crate) context: CallContext,
    /// Joins whatever happens: the upstream subscription is tried again until it opens.
    pub(crate) restore: bool,
}

/// How far the opening of a topic has come, for those who wait for it.
#[derive(Clone)]
pub(crate) struct Opening {
    pub(crate) state: OpeningState,
    /// Somebody was restored: a failure is not the end.
    persistent: bool,
}

#[derive(Clone)]
pub(crate) enum OpeningState {
    Pending,
    Open,
    Failed(OpenFailure),
}

/// The real client's answer, in the codec of the one who asked.
#[derive(Clone)]
pub(crate) struct OpenFailure {
    pub(crate) codec: Codec,
    pub(crate) answered: Answered,
    pub(crate) answer: Arc<[u8]>,
}

impl Opening {
    pub(super) fn started(persistent: bool) -> Self {
        Self { state: OpeningState::Pending, persistent }
    }

    pub(super) fn persist(&mut self, persistent: bool) {
        self.persistent |= persistent;
    }

    /// Notes a failure. True: it is to be tried again.
    pub(super) fn fail(&mut self, failure: OpenFailure) -> bool {
        self.state = OpeningState::Failed(failure);
        self.persistent
    }
}

impl OpenFailure {
    pub(super) fn into_reply(self) -> Reply {
        Reply { answered: self.answered, answer: self.answer.to_vec() }
    }
}

/// The task of one topic.
pub(super) async fn run(leadership: Arc<Leadership>, topic: TopicId, request: Request) {
    let key = Arc::clone(&request.key);
    let Some(upstream) = open(&leadership, topic, request).await else { return };
    if leadership.fanout.opened(topic) {
        tracing::debug!(channel = leadership.channel(), %key, "subscribed at the real client");
        // A panic of the user's code must not leave the subscriptions silent.
        let _panicked = CatchPanic(Box::pin(pump(&leadership, topic, upstream))).await;
    }
    // Not if this task is taken away, with its leadership or its runtime: the next leader goes on.
    leadership.fanout.ended(topic);
}

/// Its arguments, which are bounded as those of a call, go with it: a subscription is open for long.
async fn open(
    leadership: &Arc<Leadership>,
    topic: TopicId,
    mut request: Request,
) -> Option<Upstream> {
    let mut backoff = Backoff::slow();
    loop {
        let reply = match ask(leadership, &request).await {
            Ok(upstream) => return Some(upstream),
            Err(reply) => reply,
        };
        let refusal = OpenFailure {
            codec: request.codec,
            answered: reply.answered,
            answer: reply.answer.into(),
        };
        let info = leadership.terms.methods.get(request.method);
        let method = info.map_or("", |info| info.name);
        let timeout =
            info.and_then(|info| info.timeout).unwrap_or(leadership.terms.response_timeout);
        tracing::debug!(channel = leadership.channel(), method, key = %request.key, answered = ?refusal.answered, "the real client refuses a subscription");
        let error = match refusal.answered {
            Answered::Failed(kind) => failure::error(method, timeout, kind, &refusal.answer),
            Answered::CutOff => failure::cut_off(method),
            Answered::Ok | Answered::Err => {
                failure::method_failed(method, "an error of its own".to_owned())
            }
        };
        // The next leader asks again.
        let cut_off = refusal.answered == Answered::CutOff;
        if !leadership.fanout.failed(topic, refusal) || cut_off {
            return None;
        }
        leadership.emit(ClusterEvent::SubscriptionFailed { key: request.key.to_string(), error });
        // From here on it is opened for somebody who waits whatever happens, not until the first asker's deadline.
        request.restore = true;
        tokio::time::sleep(backoff.next_delay(fastrand::u64(..))).await;
    }
}

async fn ask(leadership: &Arc<Leadership>, request: &Request) -> Result<Upstream, Reply> {
    let Some(client) = leadership.client() else {
        return Err(Reply::failed(Failure::GoingAway, "the leader is going away"));
    };
    // Whoever asks has a place in the bounds already, and waits: with another one, those who ask might leave no room to
    // answer them.
    let Some(_permit) = leadership.enter_unbounded() else {
        return Err(Reply::failed(Failure::GoingAway, "the leader is going away"));
    };
    let call = Call {
        data: Payload::from(request.arguments.clone()),
        codec: request.codec,
        context: request.context.clone(),
        method: leadership.terms.methods.get(request.method).map_or("", |method| method.name),
        answer: Vec::new(),
        limits: leadership.frame_limits(),
        errors: Errors::Typed,
    };
    let context = request.context.clone();
    let Some(opening) = client.open(request.method, call) else {
        return Err(Reply::failed(Failure::UnknownMethod, "the method is no subscription"));
    };
    let opening = crate::context::CURRENT.scope(context, leadership.scope(CatchPanic(opening)));
    let opening = leadership.unless_cut_off(opening);
    let opened = match request.context.deadline().filter(|_| !request.restore) {
        None => opening.await,
        Some(deadline) => match tokio::time::timeout_at(deadline.into(), opening).await {
            Ok(opened) => opened,
            Err(_) => {
                return Err(Reply::failed(
                    Failure::TimedOut,
                    "the real client did not answer in time",
                ));
            }
        },
    };
    match opened {
        Some(Ok(Opened(result))) => result,
        Some(Err(panic)) => Err(Reply::failed(Failure::Panicked, &panic)),
        None => Err(Reply::cut_off()),
    }
}

/// Passes on what comes until the stream ends. A stream that panics has ended.
async fn pump(leadership: &Arc<Leadership>, topic: TopicId, mut upstream: Upstream) {
    loop {
        let next = poll_fn(|cx| {
            match catch_unwind(AssertUnwindSafe(|| upstream.as_mut().poll_next(cx))) {
                Ok(poll) => poll,
                Err(_) => Poll::Ready(None),
            }
        });
        let event: Option<UpstreamEvent> = next.await;
        match event {
            Some(event) => leadership.fanout.publish(leadership, topic, event),
            None => return,
        }
        // A stream that never waits holds up nobody, and can be ended.
        tokio::task::coop::consume_budget().await;
    }
}
