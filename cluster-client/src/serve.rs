//! One call on the leader's side: its arguments, the future that runs it, its answer.

use std::fmt::Display;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use cluster_protocol::{Codec, DecodeArguments, EncodeError, Failure, FrameLimits};
use serde::Serialize;
use tokio_util::sync::ReusableBoxFuture;
use tracing::{Instrument, Span};

use crate::context::{CURRENT, CallContext};
use crate::error::Error;
use crate::event::Subscribe;
use crate::node::errors::Thrown;
use crate::session::payload::Payload;
use crate::subscription::{Subscription, Upstream};

/// A call that has arrived, or one's own that takes the same way.
pub struct Call {
    pub(crate) data: Payload,
    pub(crate) codec: Codec,
    pub(crate) context: CallContext,
    pub(crate) method: &'static str,
    /// Where the answer goes; handed back with the reply so that a connection can use it again.
    pub(crate) answer: Vec<u8>,
    pub(crate) limits: FrameLimits,
    /// What becomes of an error of the method.
    pub(crate) errors: Errors,
}

/// Who is told of an error, and so in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errors {
    /// A caller who decodes it.
    Typed,
    /// Nobody but a log: its text.
    Text,
    /// A Node process, which throws it.
    Thrown,
}

/// The error of a method, as answers need it.
pub trait MethodError: Serialize + Display {
    /// The name of its type, without the path.
    fn type_name() -> &'static str;
}

impl Call {
    /// Decodes the arguments.
    pub fn args<'a, A: DecodeArguments<'a>>(&'a self) -> Result<A, Error> {
        A::decode(self.codec, &self.data).map_err(|error| Error::BadArguments {
            method: self.method.to_owned(),
            message: error.to_string(),
        })
    }

    /// Who calls, until when, under which epoch.
    pub fn context(&self) -> CallContext {
        self.context.clone()
    }

    /// Encodes the answer. An outer error says that the method was not run.
    pub fn reply<T: Serialize, E: MethodError>(
        mut self,
        result: Result<Result<T, E>, Error>,
    ) -> Reply {
        let mut answer = std::mem::take(&mut self.answer);
        answer.clear();
        let (answered, encoded) = match &result {
            Ok(Ok(value)) => (Answered::Ok, self.encode(value, &mut answer)),
            Ok(Err(error)) => match self.errors {
                Errors::Typed => (Answered::Err, self.encode(error, &mut answer)),
                Errors::Text => {
                    answer.extend_from_slice(error.to_string().as_bytes());
                    (Answered::Err, Ok(()))
                }
                Errors::Thrown => {
                    let thrown = Thrown::by_method(self.method, E::type_name(), error);
                    (Answered::Err, self.encode(&thrown, &mut answer))
                }
            },
            Err(error) => return Reply::failure(Failure::BadArguments, &error.to_string(), answer),
        };
        match encoded {
            Ok(()) => Reply { answered, answer },
            Err(error) => Reply::failure(Failure::BadResult, &error.to_string(), answer),
        }
    }

    /// What became of asking the real client for a subscription.
    pub fn opened<E, Err>(self, result: Result<Result<Subscription<E>, Err>, Error>) -> Opened
    where
        E: Subscribe,
        Err: MethodError,
    {
        match result {
            Ok(Ok(subscription)) => Opened(Ok(subscription.into_upstream())),
            Ok(Err(error)) => Opened(Err(self.reply(Ok(Err::<(), _>(error))))),
            Err(error) => Opened(Err(self.reply::<(), Err>(Err(error)))),
        }
    }

    fn encode<T: Serialize>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.codec.encode(value, out)?;
        if out.len() > self.limits.data {
            return Err(EncodeError::DataTooLong { len: out.len(), limit: self.limits.data });
        }
        Ok(())
    }
}

/// An encoded answer.
pub struct Reply {
    pub(crate) answered: Answered,
    /// The encoded value or error, or a failure's message.
    pub(crate) answer: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answered {
    Ok,
    Err,
    Failed(Failure),
    /// Not at all: its leader has gone, and it may have run.
    CutOff,
}

impl Reply {
    /// Success that says no more.
    pub(crate) fn ok() -> Self {
        Self { answered: Answered::Ok, answer: Vec::new() }
    }

    pub(crate) fn cut_off() -> Self {
        Self { answered: Answered::CutOff, answer: Vec::new() }
    }

    pub(crate) fn failed(failure: Failure, message: &str) -> Self {
        Self::failure(failure, message, Vec::new())
    }

    fn failure(failure: Failure, message: &str, mut answer: Vec<u8>) -> Self {
        answer.clear();
        answer.extend_from_slice(message.as_bytes());
        Self { answered: Answered::Failed(failure), answer }
    }
}

/// An upstream subscription, or the answer that says why there is none.
pub struct Opened(pub(crate) Result<Upstream, Reply>);

/// Holds the future of a method, in a box that is used again for its next call.
#[derive(Default)]
pub struct Slot {
    prepared: Option<(CallContext, Span)>,
    future: Option<ReusableBoxFuture<'static, Reply>>,
    loaded: bool,
}

impl Slot {
    /// Takes the call's future.
    pub fn run(&mut self, future: impl Future<Output = Reply> + Send + 'static) {
        // `prepare` is called before each future.
        let Some((context, span)) = self.prepared.take() else { return };
        let future = CURRENT.scope(context, future).instrument(span);
        match &mut self.future {
            Some(reused) => reused.set(future),
            None => self.future = Some(ReusableBoxFuture::new(future)),
        }
        self.loaded = true;
    }

    /// Says for which call the next future runs.
    pub(crate) fn prepare(&mut self, call: &Call) {
        self.prepared = Some((call.context(), span(call.method, &call.context)));
        self.loaded = false;
    }

    /// Polls the future in place, once.
    pub(crate) fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<Reply> {
        let Some(future) = self.future.as_mut().filter(|_| self.loaded) else {
            return Poll::Ready(Reply::failed(
                Failure::UnknownMethod,
                "the method cannot be called",
            ));
        };
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(poll) => poll,
            Err(panic) => {
                self.future = None;
                Poll::Ready(Reply::failed(Failure::Panicked, panic_message(&*panic)))
            }
        }
    }

    /// Takes the future out, to be run in a task of its own.
    pub(crate) fn take(&mut self) -> Option<ServedCall> {
        self.future.take().filter(|_| self.loaded).map(ServedCall)
    }
}

/// What a method of the real client logs is within this span.
pub(crate) fn span(method: &str, context: &CallContext) -> Span {
    tracing::debug_span!("call", method, call = %context.call_id(), caller = context.caller().pid)
}

/// A call that runs in a task; a panic in it is its answer.
pub(crate) struct ServedCall(ReusableBoxFuture<'static, Reply>);

impl Future for ServedCall {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        match catch_unwind(AssertUnwindSafe(|| self.0.poll(cx))) {
            Ok(poll) => poll,
            Err(panic) => Poll::Ready(Reply::failed(Failure::Panicked, panic_message(&*panic))),
        }
    }
}

/// A future whose panic becomes a value.
pub(crate) struct CatchPanic<F>(pub(crate) F);

impl<F: Future + Unpin> Future for CatchPanic<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_message(&*panic).to_owned())),
        }
    }
}

/// What a panic said, where it said something.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    if let Some(message) = panic.downcast_ref::<&'static str>() {
        message
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message
    } else {
        "a panic without a message"
    }
}
