//! The text that `JSON.stringify` gives, which is what Node makes keys of.

use serde::Serialize;

use super::ser::to_value;
use super::{Object, Value};
use crate::EncodeError;

/// What `JSON.stringify` gives for the JavaScript value of `value`, and `undefined` where it gives none.
///
/// Members that are `undefined` are left out, in an array they are `null`, as numbers that are not finite are. A
/// date is its ISO string, a [`Buffer`](super::Buffer) an object with its type and data, an
/// [`JsError`](super::JsError) an object of what it enumerates: the code, but not the message.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use cluster_protocol::json_text;
///
/// let reg = BTreeMap::from([("dataId", 1e21), ("10", 1.0), ("9", -0.0)]);
/// assert_eq!(json_text(&reg)?, r#"{"9":0,"10":1,"dataId":1e+21}"#);
/// assert_eq!(json_text(&())?, "undefined");
/// # Ok::<(), cluster_protocol::EncodeError>(())
/// ```
///
/// # Errors
///
/// [`EncodeError::Value`], if the value has no JavaScript value of its own: see
/// [`SerializeJson`](super::SerializeJson).
pub fn json_text<T: Serialize + ?Sized>(value: &T) -> Result<String, EncodeError> {
    let value = to_value(value).map_err(|error| EncodeError::Value {
        codec: "JSON.stringify",
        message: error.to_string(),
    })?;
    let mut out = String::new();
    write(&value, &mut out);
    Ok(out)
}

/// The key by which Node knows the subscription or publication whose argument has that [`json_text`].
///
/// ```
/// # use cluster_protocol::node_key;
/// assert_eq!(node_key(r#"{"dataId":"foo"}"#), r#"$$inner$$__{"dataId":"foo"}"#);
/// ```
pub fn node_key(json_text: &str) -> String {
    format!("$$inner$$__{json_text}")
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Undefined => out.push_str("undefined"),
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) if number.is_finite() => write_number(*number, out),
        Value::Number(_) => out.push_str("null"),
        Value::String(text) => write_string(text, out),
        Value::Date(date) => write_string(&date.to_string(), out),
        Value::Buffer(bytes) => {
            out.push_str(r#"{"type":"Buffer","data":"#);
            write_items(&bytes.0, out, |&byte, out| write_number(byte.into(), out));
            out.push('}');
        }
        Value::Error(error) => write_object(&error.enumerable(), out),
        Value::Array(items) => write_items(items, out, |item, out| match item {
            Value::Undefined => out.push_str("null"),
            item => write(item, out),
        }),
        Value::Object(object) => write_object(object, out),
    }
}

fn write_items<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

fn write_object(object: &Object, out: &mut String) {
    out.push('{');
    let defined = object.iter().filter(|(_, value)| **value != Value::Undefined);
    for (index, (key, value)) in defined.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(key, out);
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

fn write_number(number: f64, out: &mut String) {
    out.push_str(ryu_js::Buffer::new().format(number));
}

/// serde_json escapes what `JSON.stringify` escapes, in the same way.
fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
