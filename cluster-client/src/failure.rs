//! What a leader's refusal to run a call, or to say what came of it, is as an error.

use cluster_protocol::Failure;

use crate::error::{Error, Outcome};

/// `message` is what the leader sent along.
pub(crate) fn error(method: &str, failure: Failure, message: &[u8]) -> Error {
    let method = method.to_owned();
    let message = String::from_utf8_lossy(message).into_owned();
    match failure {
        Failure::Busy => Error::Busy { method, limit: message },
        Failure::Expired => Error::DeadlineExceeded {
            method,
            timeout: std::time::Duration::ZERO,
            outcome: Outcome::NotExecuted,
        },
        Failure::GoingAway | Failure::NotReady => Error::GoingAway { method },
        Failure::UnknownMethod => Error::UnknownMethod { method },
        Failure::BadArguments => Error::BadArguments { method, message },
        Failure::Panicked => Error::Panicked { method, message },
        Failure::BadResult => Error::BadResult { method, message },
        Failure::TooManySubscriptions => {
            Error::TooManySubscriptions { limit: message.parse().unwrap_or_default() }
        }
    }
}
