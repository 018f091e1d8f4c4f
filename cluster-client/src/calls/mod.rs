//! What a proxy's methods do: the calls of this process, whoever leads.
//!
//! - `attempts`: a call's way to some leader, with what is tried again and what is not
//! - `invoke`, `publish`, `subscribe`, `oneway`: one for each kind of method
//! - `oneway_queue`: one-way calls that wait
//! - `undone`: what is forgotten where the leader does not say so

mod attempts;
mod invoke;
mod oneway;
mod oneway_queue;
mod publish;
mod subscribe;
mod undone;

pub use self::invoke::invoke;
pub use self::oneway::oneway;
pub(crate) use self::oneway_queue::Oneways;
pub use self::publish::publish;
pub(crate) use self::subscribe::subscribe;

use std::future::poll_fn;
use std::task::{Poll, Waker};

use cluster_protocol::Codec;

use self::attempts::Attempts;
use crate::error::Error;
use crate::node::Peer;
use crate::node::errors::thrown_by;
use crate::proxy::Target;
use crate::service::Service;
use crate::session::calls::AnswerKind;

/// What the `#[close]` method of a proxy does.
pub async fn close<S: Service>(target: &impl Target<S>) {
    target.handle().membership.close().await;
}

/// The waker of the present task: what sends a call needs it.
async fn waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

/// Decodes what a call to `leader` has brought.
fn decode<T, E>(leader: Peer, codec: Codec, method: &str, ok: bool, bytes: &[u8]) -> Result<T, E>
where
    T: serde::de::DeserializeOwned,
    E: From<Error> + serde::de::DeserializeOwned,
{
    let failed = |error: cluster_protocol::DecodeError| {
        let what = if ok { "result" } else { "error" };
        E::from(Error::Decode {
            what: format!("the {what} of `{method}`"),
            message: error.to_string(),
        })
    };
    if ok {
        codec.decode(bytes).map_err(failed)
    } else {
        Err(codec.decode(bytes).unwrap_or_else(|error| match leader {
            // It knows nothing of the type.
            Peer::Node => thrown_by(method, bytes).map_or_else(|| failed(error), E::from),
            Peer::Rust => failed(error),
        }))
    }
}

/// A leader's answer, as far as it can be told apart without types.
fn outcome(attempts: &Attempts<'_>, kind: AnswerKind, message: &[u8]) -> Result<bool, Error> {
    match kind {
        AnswerKind::Ok => Ok(true),
        AnswerKind::Err => Ok(false),
        AnswerKind::Failed(failure) => Err(attempts.failed(failure, message)),
    }
}

#[cfg(test)]
mod tests {
    use cluster_protocol::JsError;

    use super::*;

    #[test]
    fn only_what_a_node_leader_sends_is_read_as_thrown_by_it() {
        let codec = Codec::SerializeJson;
        let mut bytes = Vec::new();
        codec.encode(&JsError::new("no"), &mut bytes).unwrap();
        let read = |leader| decode::<(), Error>(leader, codec, "get", false, &bytes).unwrap_err();
        assert!(matches!(read(Peer::Node), Error::NodeError { message, .. } if message == "no"));
        assert!(matches!(read(Peer::Rust), Error::Decode { .. }));
    }
}
