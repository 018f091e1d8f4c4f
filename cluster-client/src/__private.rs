//! What generated code needs. Not public API: it changes with every release.

pub use std::boxed::Box;
pub use std::string::String;
pub use std::sync::Arc;

use cluster_protocol::EncodeArguments;
pub use cluster_protocol::{BorrowedStr, invoke_object};

use crate::calls;
pub use crate::calls::{close, invoke, oneway, publish};
pub use crate::context::CallContext;
pub use crate::error::Error;
pub use crate::event::{Delivery, EventOptions, Events, Receivers, Subscribe};
pub use crate::interface::Shape;
pub use crate::key::key;
pub use crate::membership::Membership;
pub use crate::options::Builder;
pub use crate::proxy::{FollowerProxy, LeaderProxy, Proxy, Target};
pub use crate::serve::{Call, Opened, Reply, Slot};
pub use crate::service::{
    Accept, BoxFuture, ByValue, Closed, KeyFn, Method, MethodInfo, Service, Shared,
};
pub use crate::signature::{
    Answer, Borrowed, Delivers, Failed, Fails, Fallible, Owned, OwnedForm, Returns, Success, Takes,
};
use crate::subscription::Subscription;

/// Makes what a real client returned ready for the way.
pub fn answer<M: Returns + Fails>(result: Result<M::Ok, M::Err>) -> Answer<M> {
    result.map(Success).map_err(Failed)
}

/// What a call returns.
pub fn result<M: Returns + Fails>(answer: Answer<M>) -> Result<M::Ok, M::Err> {
    answer.map(|ok| ok.0).map_err(|error| error.0)
}

/// What a one-way call returns.
pub fn queued<M: Fails>(result: Result<(), Error>) -> Result<(), M::Err> {
    result.map_err(|error| Failed::<M>::from(error).0)
}

/// Subscribes.
pub async fn subscribe<M: Delivers + Fails, S: Service, A: EncodeArguments + Send>(
    target: &impl Target<S>,
    method: usize,
    args: A,
) -> Result<Subscription<M::Event>, M::Err> {
    let subscribed = calls::subscribe::<S, A, M::Event, Failed<M>>(target, method, args);
    subscribed.await.map_err(|error| error.0)
}

/// What became of asking the real client for a subscription.
pub fn opened<M: Delivers + Fails>(
    call: Call,
    result: Result<Result<Subscription<M::Event>, M::Err>, Error>,
) -> Opened {
    call.opened(result.map(|opened| opened.map_err(Failed::<M>)))
}

/// What is known of the events of a subscription.
pub const fn events<M: Delivers>() -> Events {
    Events::of::<M::Event>()
}

/// What a `#[close]` method has failed with: there is one at most, and perhaps none.
pub fn error<const N: usize>(errors: [Option<String>; N]) -> Option<String> {
    errors.into_iter().flatten().next()
}
