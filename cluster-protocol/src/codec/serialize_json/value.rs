//! A value whose type is known at run time only.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::marks::{DATE, ERROR, VALUE};
use super::number::MAX_SAFE;
use super::ser::integer;
use super::{Buffer, Date, JsError, Object, SerializeJson};
use crate::codec::Encoding;

/// Any value that serialize-json can hold, as [`serde_json::Value`] is for JSON.
///
/// With serialize-json it comes back as it was, but for the sign of -0 and the last digits of whole numbers beyond 2^53.
/// In JSON `undefined` is `null`, a date a string, and bytes are an array of numbers. bincode carries it as the bytes of
/// serialize-json.
///
/// Inside a type whose enum is untagged or internally tagged, or that flattens a struct, serde buffers what it
/// reads, and members of objects that are undefined are left out.
///
/// The default is `undefined`, so that a field of a struct with `#[serde(default)]` may be undefined, which in an object is
/// the same as not being there.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `undefined`
    #[default]
    Undefined,
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A number. JavaScript has no integers of their own.
    Number(f64),
    /// A string.
    String(String),
    /// A `Date`.
    Date(Date),
    /// A `Buffer`.
    Buffer(Buffer),
    /// An `Error`.
    Error(Box<JsError>),
    /// An array.
    Array(Vec<Value>),
    /// A plain object.
    Object(Object),
}

macro_rules! from {
    ($($T:ty: $value:ident => $variant:expr;)*) => {$(
        impl From<$T> for Value {
            fn from($value: $T) -> Self {
                $variant
            }
        }
    )*};
}

from! {
    bool: value => Value::Bool(value);
    i32: value => Value::Number(value.into());
    u32: value => Value::Number(value.into());
    f64: value => Value::Number(value);
    &str: value => Value::String(value.to_owned());
    String: value => Value::String(value);
    Date: value => Value::Date(value);
    Buffer: value => Value::Buffer(value);
    JsError: value => Value::Error(value.into());
    Vec<Value>: value => Value::Array(value);
    Object: value => Value::Object(value);
}

impl Value {
    pub(super) fn unexpected(&self) -> de::Unexpected<'_> {
        match self {
            Value::Undefined => de::Unexpected::Other("undefined"),
            Value::Null => de::Unexpected::Other("null"),
            Value::Bool(value) => de::Unexpected::Bool(*value),
            Value::Number(number) => de::Unexpected::Float(*number),
            Value::String(text) => de::Unexpected::Str(text),
            Value::Date(_) => de::Unexpected::Other("a Date"),
            Value::Buffer(bytes) => de::Unexpected::Bytes(&bytes.0),
            Value::Error(_) => de::Unexpected::Other("an Error"),
            Value::Array(_) => de::Unexpected::Seq,
            Value::Object(_) => de::Unexpected::Map,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            let mut bytes = Vec::new();
            SerializeJson::encode(self, &mut bytes).map_err(serde::ser::Error::custom)?;
            return serializer.serialize_bytes(&bytes);
        }
        match self {
            Value::Undefined => serializer.serialize_unit(),
            Value::Null => serializer.serialize_none(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => {
                // Without the ".0" that JSON would have.
                if number % 1.0 == 0.0 && number.abs() <= MAX_SAFE {
                    serializer.serialize_i64(*number as i64)
                } else {
                    serializer.serialize_f64(*number)
                }
            }
            Value::String(text) => serializer.serialize_str(text),
            Value::Date(date) => date.serialize(serializer),
            Value::Buffer(bytes) => bytes.serialize(serializer),
            Value::Error(error) => error.serialize(serializer),
            Value::Array(items) => items.serialize(serializer),
            Value::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (key, value) in object.iter() {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_newtype_struct(VALUE, Visitor { marked: false });
        }
        let bytes = Buffer::deserialize(deserializer)?;
        SerializeJson::decode(&bytes.0).map_err(de::Error::custom)
    }
}

struct Visitor {
    /// Whether this is inside a newtype struct, and may be what our deserializer has marked.
    marked: bool,
}

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JavaScript")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, content: D) -> Result<Value, D::Error> {
        content.deserialize_any(Visitor { marked: true })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    /// Our deserializer shows `undefined` so, because JSON's `null` is a unit.
    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Undefined)
    }

    fn visit_some<D: Deserializer<'de>>(self, content: D) -> Result<Value, D::Error> {
        content.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        integer(number).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        integer(number).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Buffer(bytes.to_vec()).into())
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Buffer(bytes).into())
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::<(String, Value)>::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                DATE if self.marked => {
                    let date = Date::from_millis(map.next_value()?);
                    return date.map(Value::Date).map_err(de::Error::custom);
                }
                ERROR if self.marked => {
                    let Value::Object(object) = map.next_value()? else {
                        return Err(de::Error::custom("an error is no object"));
                    };
                    return Ok(JsError::from(object).into());
                }
                _ => entries.push((key, map.next_value()?)),
            }
        }
        Ok(Value::Object(entries.into_iter().collect()))
    }
}
