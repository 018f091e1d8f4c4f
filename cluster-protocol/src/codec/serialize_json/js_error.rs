//! JavaScript's `Error`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::marks::ERROR;
use super::{Object, Value};

/// An `Error` of JavaScript: in serialize-json an `Error`, in JSON an object with all these members.
///
/// Node sends the name of an error only if it was assigned to that error, not if it comes from its class. It
/// sends no `cause`. What is read is an `Error` or a plain object with a `message`, which is how
/// cluster-client itself sends the error of a call.
///
/// ```
/// use cluster_protocol::{Codec, JsError};
///
/// let mut bytes = Vec::new();
/// Codec::SerializeJson.encode(&JsError::new("no such key"), &mut bytes)?;
/// assert_eq!(bytes, b"message|no+such+key|stack^^^^#0|1|2|-5]");
///
/// let error: JsError = Codec::SerializeJson.decode(b"message|m|code|E^^^^$0|1|2|3]")?;
/// assert_eq!(error.to_string(), "Error: m");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct JsError {
    /// `Error`, unless it was set.
    pub name: String,
    /// What went wrong.
    pub message: String,
    /// Where, as V8 writes it: the name and the message, then one line for each frame.
    pub stack: Option<String>,
    /// What Node's own errors are told apart by.
    pub code: Option<ErrorCode>,
    /// All other enumerable properties. One of the name of a field here takes the place of the field.
    pub props: Object,
}

/// The `code` of a [`JsError`].
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorCode {
    /// As of Node's system errors: `"ECONNREFUSED"`.
    Text(String),
    /// As of many libraries.
    Number(f64),
}

impl JsError {
    /// An `Error` with that message and nothing else.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            name: "Error".to_owned(),
            message: message.into(),
            stack: None,
            code: None,
            props: Object::default(),
        }
    }

    /// What JavaScript enumerates: the name if it is not that of the class, the code and the other properties.
    pub(super) fn enumerable(&self) -> Object {
        let name = (self.name != "Error").then(|| ("name", self.name.as_str().into()));
        self.with_code(name)
    }

    /// All of it, as a plain object.
    fn to_object(&self) -> Object {
        let name = ("name", self.name.as_str().into());
        let message = ("message", self.message.as_str().into());
        let stack = self.stack.as_deref().map(|stack| ("stack", stack.into()));
        self.with_code([name, message].into_iter().chain(stack))
    }

    fn with_code<'a>(&'a self, first: impl IntoIterator<Item = (&'a str, Value)>) -> Object {
        let code = self.code.as_ref().map(|code| ("code", code.to_value()));
        let props = self.props.iter().map(|(key, value)| (key, value.clone()));
        first.into_iter().chain(code).chain(props).collect()
    }
}

impl ErrorCode {
    fn to_value(&self) -> Value {
        match self {
            ErrorCode::Text(text) => Value::String(text.clone()),
            ErrorCode::Number(number) => Value::Number(*number),
        }
    }
}

impl From<Object> for JsError {
    /// Takes the fields from where they are; what has another type than the field stays a property.
    fn from(object: Object) -> Self {
        let mut error = Self::new("");
        let mut props = Vec::new();
        for (key, value) in object {
            match (key.as_str(), value) {
                ("name", Value::String(name)) => error.name = name,
                ("message", Value::String(message)) => error.message = message,
                ("stack", Value::String(stack)) => error.stack = Some(stack),
                ("code", Value::String(code)) => error.code = Some(ErrorCode::Text(code)),
                ("code", Value::Number(code)) => error.code = Some(ErrorCode::Number(code)),
                ("name" | "message" | "stack" | "code", Value::Undefined) => {}
                (_, value) => props.push((key, value)),
            }
        }
        error.props = props.into_iter().collect();
        error
    }
}

impl fmt::Display for JsError {
    /// The name and the message, as `toString` in JavaScript.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name.as_str(), self.message.as_str()) {
            (name, "") => f.write_str(name),
            ("", message) => f.write_str(message),
            (name, message) => write!(f, "{name}: {message}"),
        }
    }
}

impl std::error::Error for JsError {}

impl Serialize for JsError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let object = Value::Object(self.to_object());
            return serializer.serialize_newtype_struct(ERROR, &object);
        }
        Value::Error(self.clone().into()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Error(error) => Ok(*error),
            Value::Object(object) if object.get("message").is_some() => Ok(object.into()),
            other => Err(de::Error::invalid_type(other.unexpected(), &"an error")),
        }
    }
}
