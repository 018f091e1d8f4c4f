//! From a Rust value to the value that JavaScript will see.

use std::fmt::Display;

use serde::{Serialize, Serializer, ser};

use super::error::Error;
use super::marks::{DATE, ERROR};
use super::number::MAX_SAFE;
use super::{Buffer, Date, JsError, MAX_DEPTH, Object, Value};

pub(super) fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    value.serialize(ToValue { depth: 0, readable: true })
}

#[derive(Clone, Copy)]
struct ToValue {
    depth: usize,
    /// False to have the number of a date.
    readable: bool,
}

impl ToValue {
    fn deeper(self) -> Result<Self, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn items(self, variant: Option<&'static str>) -> Result<Items, Error> {
        let outer = if variant.is_some() { self.deeper()? } else { self };
        Ok(Items { inner: outer.deeper()?, items: Vec::new(), variant })
    }

    fn members(self, variant: Option<&'static str>) -> Result<Members, Error> {
        let outer = if variant.is_some() { self.deeper()? } else { self };
        Ok(Members { inner: outer.deeper()?, entries: Vec::new(), key: String::new(), variant })
    }
}

macro_rules! integers {
    ($($serialize:ident: $T:ty,)*) => {$(
        fn $serialize(self, value: $T) -> Result<Value, Error> {
            integer(value)
        }
    )*};
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    integers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
    }

    fn is_human_readable(&self) -> bool {
        self.readable
    }

    fn serialize_bool(self, value: bool) -> Result<Value, Error> {
        Ok(Value::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Error> {
        Ok(Value::Number(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Error> {
        Ok(Value::Number(value))
    }

    fn serialize_char(self, value: char) -> Result<Value, Error> {
        Ok(Value::String(value.into()))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, Error> {
        Ok(Buffer(value.to_vec()).into())
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Undefined)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        match name {
            DATE => match value.serialize(Self { readable: false, ..self })? {
                Value::Number(millis) => Date::from_millis(millis as i64)
                    .map(Value::Date)
                    .map_err(|error| Error::Type(error.to_string())),
                other => Ok(other),
            },
            ERROR => match value.serialize(self)? {
                Value::Object(object) => Ok(JsError::from(object).into()),
                other => Ok(other),
            },
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        tagged(Some(variant), value.serialize(self.deeper()?)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Error> {
        self.items(None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Error> {
        self.items(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Error> {
        self.items(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, Error> {
        self.items(Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members, Error> {
        self.members(None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members, Error> {
        self.members(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members, Error> {
        self.members(Some(variant))
    }
}

struct Items {
    inner: ToValue,
    items: Vec<Value>,
    /// The variant of an enum that they belong to.
    variant: Option<&'static str>,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.items.push(value.serialize(self.inner)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, Error> {
        tagged(self.variant, Value::Array(self.items))
    }
}

struct Members {
    inner: ToValue,
    entries: Vec<(String, Value)>,
    /// The one whose value comes next.
    key: String,
    variant: Option<&'static str>,
}

impl Members {
    fn push<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), Error> {
        self.entries.push((key, value.serialize(self.inner)?));
        Ok(())
    }

    fn finish(self) -> Result<Value, Error> {
        tagged(self.variant, object(self.entries)?)
    }
}

macro_rules! items {
    ($($Trait:ident $push:ident,)*) => {$(
        impl ser::$Trait for Items {
            type Ok = Value;
            type Error = Error;

            fn $push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.push(value)
            }

            fn end(self) -> Result<Value, Error> {
                self.finish()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! members {
    ($($Trait:ident,)*) => {$(
        impl ser::$Trait for Members {
            type Ok = Value;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.push(key.to_owned(), value)
            }

            fn end(self) -> Result<Value, Error> {
                self.finish()
            }
        }
    )*};
}

members! {
    SerializeStruct,
    SerializeStructVariant,
}

impl ser::SerializeMap for Members {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = key_text(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = std::mem::take(&mut self.key);
        self.push(key, value)
    }

    fn end(self) -> Result<Value, Error> {
        self.finish()
    }
}

pub(super) fn integer<N: Copy + Display + TryInto<i64>>(number: N) -> Result<Value, Error> {
    let integer = number.try_into().ok().filter(|n: &i64| n.unsigned_abs() <= MAX_SAFE as u64);
    let value = integer.map(|integer| Value::Number(integer as f64));
    value.ok_or_else(|| Error::UnsafeInteger(number.to_string()))
}

/// As serde_json writes keys: integers are not bound to 2^53 there.
fn key_text<T: Serialize + ?Sized>(key: &T) -> Result<String, Error> {
    match serde_json::to_value(key) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        Ok(serde_json::Value::Bool(value)) => Ok(value.to_string()),
        Ok(serde_json::Value::Number(number)) if !number.is_f64() => Ok(number.to_string()),
        Ok(other) => Err(Error::Key(other.to_string())),
        Err(error) => Err(Error::Key(error.to_string())),
    }
}

fn object(entries: Vec<(String, Value)>) -> Result<Value, Error> {
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    if keys.binary_search(&"__proto__").is_ok() {
        return Err(Error::ProtoKey);
    }
    if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::DuplicateKey(pair[0].to_owned()));
    }
    Ok(Value::Object(Object::of_unique(entries)))
}

fn tagged(variant: Option<&'static str>, value: Value) -> Result<Value, Error> {
    match variant {
        Some(variant) => object(vec![(variant.to_owned(), value)]),
        None => Ok(value),
    }
}
