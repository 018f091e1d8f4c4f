//! Errors on their way to and from Node processes, which exchange four fields of them: stack, name, message, code.

use std::fmt::Display;

use cluster_protocol::{Codec, Failure, Value};
use serde::{Deserialize, Serialize, Serializer};

use crate::error::Error;

/// The name of errors that are the library's own.
const NAME: &str = "ClusterClientError";

/// An error as Node processes exchange it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Thrown {
    #[serde(default, serialize_with = "or_undefined")]
    stack: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default, serialize_with = "or_undefined")]
    code: Option<Code>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Code {
    Text(String),
    Number(f64),
}

impl Thrown {
    /// What a Node process that called `method` is to throw.
    fn new(method: &str, name: &str, message: String, code: Option<Code>) -> Self {
        let stack = format!(
            "{name}: {message}\n    at {method} (the leader, process {})",
            std::process::id()
        );
        Self { stack: Some(stack), name: Some(name.to_owned()), message, code }
    }

    /// An error of a real client: named by its type, with the name of its variant for a code, or the field `code` that it
    /// has.
    pub(crate) fn by_method<E: Serialize + Display>(method: &str, name: &str, error: &E) -> Self {
        Self::new(method, name, error.to_string(), code(error))
    }

    /// A failure before, or instead of, a result.
    pub(crate) fn by_leader(method: &str, failure: Failure, message: &str) -> Self {
        let (code, message) = match failure {
            Failure::Busy => {
                ("BUSY", format!("turned away, as {message} is reached; call again later"))
            }
            Failure::Expired => ("EXPIRED", message.to_owned()),
            Failure::TimedOut => ("TIMED_OUT", message.to_owned()),
            Failure::GoingAway => ("GOING_AWAY", message.to_owned()),
            Failure::NotReady => ("NOT_READY", message.to_owned()),
            Failure::UnknownMethod => ("UNKNOWN_METHOD", message.to_owned()),
            Failure::BadArguments => ("BAD_ARGUMENTS", message.to_owned()),
            Failure::Panicked => ("PANICKED", message.to_owned()),
            Failure::BadResult => ("BAD_RESULT", message.to_owned()),
            Failure::TooManySubscriptions => ("TOO_MANY_SUBSCRIPTIONS", message.to_owned()),
        };
        Self::new(method, NAME, message, Some(Code::Text(code.to_owned())))
    }

    /// Why a Node process cannot join.
    pub(crate) fn at_joining(code: &str, message: &str) -> Self {
        Self::new("register_channel", NAME, message.to_owned(), Some(Code::Text(code.to_owned())))
    }

    /// What it has sent is over a limit.
    pub(crate) fn too_large(method: &str, message: &str) -> Self {
        Self::new(method, NAME, message.to_owned(), Some(Code::Text("TOO_LARGE".to_owned())))
    }

    /// Its bytes on the wire.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        // Never fails: strings, and a number that was in a value already.
        let _ = Codec::SerializeJson.encode(self, out);
    }
}

/// The error that a Node leader's method has thrown, if the bytes are one.
pub(crate) fn thrown_by(method: &str, bytes: &[u8]) -> Option<Error> {
    let Thrown { stack, name, message, code } = Codec::SerializeJson.decode(bytes).ok()?;
    Some(Error::NodeError {
        method: method.to_owned(),
        name: name?,
        message,
        code: code.map(|code| match code {
            Code::Text(text) => text,
            Code::Number(number) => number.to_string(),
        }),
        stack,
    })
}

/// The field `code` of an error, or the name of its variant.
fn code<E: Serialize>(error: &E) -> Option<Code> {
    let mut bytes = Vec::new();
    Codec::SerializeJson.encode(error, &mut bytes).ok()?;
    match Codec::SerializeJson.decode(&bytes).ok()? {
        // A variant without fields.
        Value::String(variant) => Some(Code::Text(variant)),
        Value::Object(fields) => match fields.get("code") {
            Some(Value::String(code)) => Some(Code::Text(code.clone())),
            Some(Value::Number(code)) => Some(Code::Number(*code)),
            // A variant with fields is an object with its name for the only entry.
            _ if fields.len() == 1 => {
                let variant = fields.iter().map(|(name, _)| name).find(|name| *name != "message");
                variant.map(|name| Code::Text(name.to_owned()))
            }
            _ => None,
        },
        _ => None,
    }
}

/// A field that is not there is `undefined` in JavaScript, not `null`.
fn or_undefined<T: Serialize, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(serializer),
        None => serializer.serialize_unit(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error, Serialize)]
    enum Problem {
        #[error("nothing there")]
        NotFound,
        #[error("no such service: {0}")]
        Unknown(String),
    }

    #[derive(Debug, thiserror::Error, Serialize)]
    #[error("{text}")]
    struct Coded {
        code: i32,
        text: String,
    }

    fn sent(thrown: &Thrown) -> Value {
        let mut bytes = Vec::new();
        thrown.encode(&mut bytes);
        Codec::SerializeJson.decode(&bytes).unwrap()
    }

    #[test]
    fn a_node_process_gets_name_message_code_and_stack() {
        let thrown = Thrown::by_method("lookup", "Problem", &Problem::Unknown("web".to_owned()));
        let Value::Object(fields) = sent(&thrown) else { panic!("an object") };
        let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["stack", "name", "message", "code"]);
        assert_eq!(thrown.message, "no such service: web");
        assert_eq!(thrown.name.as_deref(), Some("Problem"));
        assert_eq!(thrown.code, Some(Code::Text("Unknown".to_owned())));
        let stack = thrown.stack.unwrap();
        assert!(stack.starts_with("Problem: no such service: web\n    at lookup ("), "{stack}");
    }

    #[test]
    fn the_code_is_the_errors_own_or_its_variant() {
        assert_eq!(code(&Problem::NotFound), Some(Code::Text("NotFound".to_owned())));
        assert_eq!(code(&Coded { code: 404, text: "gone".to_owned() }), Some(Code::Number(404.0)));
        assert_eq!(code(&()), None);
    }

    #[test]
    fn what_a_node_leader_throws_is_an_error_with_all_four() {
        let thrown = Thrown {
            stack: Some("TypeError: no\n    at x".to_owned()),
            name: Some("TypeError".to_owned()),
            message: "no".to_owned(),
            code: Some(Code::Number(-111.0)),
        };
        let mut bytes = Vec::new();
        thrown.encode(&mut bytes);
        let expected = Error::NodeError {
            method: "get".to_owned(),
            name: "TypeError".to_owned(),
            message: "no".to_owned(),
            code: Some("-111".to_owned()),
            stack: Some("TypeError: no\n    at x".to_owned()),
        };
        assert_eq!(thrown_by("get", &bytes), Some(expected));
        assert_eq!(thrown_by("get", b"^^^^-5"), None);
    }
}
