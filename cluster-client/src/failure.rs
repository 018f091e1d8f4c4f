//! What a leader's refusal to run a call, or to say what came of it, is as an error.

use std::time::Duration;

use cluster_protocol::Failure;

use crate::error::{Error, Outcome};
use crate::serve::{Answered, Reply};

/// `message` is what the leader sent along.
pub(crate) fn error(method: &str, timeout: Duration, failure: Failure, message: &[u8]) -> Error {
    let method = method.to_owned();
    let message = String::from_utf8_lossy(message).into_owned();
    match failure {
        Failure::Busy => Error::Busy { method, limit: message },
        Failure::Expired => {
            Error::DeadlineExceeded { method, timeout, outcome: Outcome::NotExecuted }
        }
        Failure::TimedOut => Error::DeadlineExceeded { method, timeout, outcome: Outcome::Unknown },
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

/// The failure of a call that was made with [`Errors::Text`](crate::serve::Errors::Text).
pub(crate) fn check(method: &str, timeout: Duration, reply: &Reply) -> Result<(), Error> {
    match reply.answered {
        Answered::Ok => Ok(()),
        Answered::Err => {
            Err(method_failed(method, String::from_utf8_lossy(&reply.answer).into_owned()))
        }
        Answered::Failed(failure) => Err(error(method, timeout, failure, &reply.answer)),
        Answered::CutOff => Err(cut_off(method)),
    }
}

/// The leader has gone, and the call may have run.
pub(crate) fn cut_off(method: &str) -> Error {
    Error::Disconnected { method: method.to_owned(), outcome: Outcome::Unknown }
}

/// The method's own error, whatever it was.
pub(crate) fn method_failed(method: &str, message: String) -> Error {
    Error::MethodFailed { method: method.to_owned(), message }
}
