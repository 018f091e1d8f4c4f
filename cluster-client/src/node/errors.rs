//! Errors on their way to and from Node processes, which exchange four fields of them: stack, name, message, code.

use std::fmt::Display;

use cluster_protocol::{Codec, ErrorCode, Failure, JsError, Value};
use serde::{Deserialize, Serialize, Serializer};

use super::code::Code;
use crate::error::Error;

/// The name of errors that are the library's own.
const NAME: &str = "ClusterClientError";

/// An error as Node processes exchange it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Value")]
pub(crate) struct Thrown {
    #[serde(serialize_with = "or_undefined")]
    stack: Option<String>,
    name: String,
    pub(crate) message: String,
    #[serde(serialize_with = "or_undefined")]
    code: Option<Code>,
}

impl Thrown {
    /// What a Node process that called `method` is to throw.
    fn new(method: &str, name: &str, message: String, code: Option<Code>) -> Self {
        let stack = format!(
            "{name}: {message}\n    at {method} (the leader, process {})",
            std::process::id()
        );
        Self { stack: Some(stack), name: name.to_owned(), message, code }
    }

    /// An error of a real client: one of JavaScript as it is, any other named by its type, with the name of its variant
    /// for a code, or the field `code` that it has.
    pub(crate) fn by_method<E: Serialize + Display>(method: &str, name: &str, error: &E) -> Self {
        if let Some(Value::Error(error)) = value(error) {
            let Self { stack, name, message, code } = Value::Error(error).into();
            let mut thrown = Self::new(method, &name, message, code);
            thrown.stack = stack.or(thrown.stack);
            return thrown;
        }
        Self::new(method, name, error.to_string(), Code::of(error))
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

    /// In one line, where there is no room for the fields.
    pub(crate) fn text(&self) -> String {
        match &self.code {
            None => self.message.clone(),
            Some(code) => format!("{} ({code})", self.message),
        }
    }

    /// Its bytes on the wire.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        // Never fails: strings, and a number that was in a value already.
        let _ = Codec::SerializeJson.encode(self, out);
    }
}

/// Takes of the four what is usable: `throw` takes anything, and any property may have any value.
impl From<Value> for Thrown {
    fn from(value: Value) -> Self {
        let JsError { name, message, stack, code, .. } = match value {
            Value::Error(error) => *error,
            Value::Object(object) => object.into(),
            _ => JsError::new(""),
        };
        let code = code.map(|code| match code {
            ErrorCode::Text(text) => Code::Text(text),
            ErrorCode::Number(number) => Code::Number(number),
        });
        Self { stack, name, message, code }
    }
}

/// The error that a Node leader's method has thrown, if the bytes are one.
pub(crate) fn thrown_by(method: &str, bytes: &[u8]) -> Option<Error> {
    let value = Codec::SerializeJson.decode(bytes).ok()?;
    if !matches!(value, Value::Error(_) | Value::Object(_)) {
        return None;
    }
    let Thrown { stack, name, message, code } = value.into();
    let code = code.map(|code| code.to_string());
    Some(Error::NodeError { method: method.to_owned(), name, message, code, stack })
}

/// What JavaScript would see of it.
fn value<E: Serialize>(error: &E) -> Option<Value> {
    let mut bytes = Vec::new();
    Codec::SerializeJson.encode(error, &mut bytes).ok()?;
    Codec::SerializeJson.decode(&bytes).ok()
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
    use cluster_protocol::Object;

    use super::*;

    #[derive(Debug, thiserror::Error, Serialize)]
    enum Problem {
        #[error("no such service: {0}")]
        Unknown(String),
    }

    #[derive(Debug, thiserror::Error, Serialize)]
    #[error("the registry refused: {0}")]
    struct Refused(JsError);

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
        assert_eq!(thrown.name, "Problem");
        assert_eq!(thrown.code, Some(Code::Text("Unknown".to_owned())));
        let stack = thrown.stack.unwrap();
        assert!(stack.starts_with("Problem: no such service: web\n    at lookup ("), "{stack}");
    }

    #[test]
    fn an_error_of_javascript_keeps_what_it_has() {
        let error = JsError {
            name: "TypeError".to_owned(),
            stack: Some("TypeError: no\n    at x".to_owned()),
            code: Some(ErrorCode::Number(-111.0)),
            ..JsError::new("no")
        };
        let thrown = Thrown::by_method("get", "Refused", &Refused(error.clone()));
        assert_eq!(thrown, Value::Error(error.into()).into());
        let thrown = Thrown::by_method("get", "Refused", &Refused(JsError::new("no")));
        assert!(thrown.stack.unwrap().starts_with("Error: no\n    at get ("));
    }

    #[test]
    fn what_a_node_leader_throws_is_an_error_with_all_four() {
        let thrown = Thrown {
            stack: Some("TypeError: no\n    at x".to_owned()),
            name: "TypeError".to_owned(),
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

    #[test]
    fn of_what_a_node_leader_throws_the_usable_is_taken() {
        let read = |fields: &[(&str, Value)]| {
            let object: Object = fields.iter().cloned().collect();
            let mut bytes = Vec::new();
            Codec::SerializeJson.encode(&Value::Object(object), &mut bytes).unwrap();
            let Some(Error::NodeError { name, message, code, stack, .. }) =
                thrown_by("get", &bytes)
            else {
                panic!("an error")
            };
            (name, message, code, stack)
        };
        let nameless = [("message", "no".into()), ("code", true.into())];
        assert_eq!(read(&nameless), ("Error".into(), "no".into(), None, None));
        let odd = [("name", "Odd".into()), ("message", Value::Null), ("stack", Value::Undefined)];
        assert_eq!(read(&odd), ("Odd".into(), String::new(), None, None));
    }
}
