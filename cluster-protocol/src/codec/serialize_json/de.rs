//! From the text to a Rust value, without a tree in between.

use std::borrow::Cow;
use std::iter;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::Error;
use super::key::Key;
use super::marks::{DATE, ERROR, VALUE};
use super::number::MAX_SAFE;
use super::reader::{Head, Reader};

pub(super) fn from_bytes<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    let mut reader = Reader::new(bytes)?;
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// What becomes of members of an object that are undefined.
#[derive(Clone, Copy, PartialEq)]
enum Undefined {
    Keep,
    /// As if they were not there.
    Skip,
}

impl<'de> Reader<'de> {
    fn visit<V: Visitor<'de>>(
        &mut self,
        head: Head<'de>,
        visitor: V,
        undefined: Undefined,
    ) -> Result<V::Value, Error> {
        match head {
            Head::Array => self.container(|reader| visitor.visit_seq(Items::of(reader))),
            Head::Object => {
                self.container(|reader| visitor.visit_map(Members::of(reader, undefined)))
            }
            Head::Buffer => self.bytes(visitor),
            Head::Error => self.container(|reader| {
                let marked = MarkedError { reader: Some(reader) };
                visitor.visit_newtype_struct(MapAccessDeserializer::new(marked))
            }),
            Head::Undefined => visitor.visit_none(),
            Head::Null => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::String(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Head::String(Cow::Owned(text)) => visitor.visit_string(text),
            Head::Integer(number) if number.abs() > MAX_SAFE => visitor.visit_f64(number),
            Head::Integer(number) if number < 0.0 => visitor.visit_i64(number as i64),
            Head::Integer(number) => visitor.visit_u64(number as u64),
            Head::Float(number) => visitor.visit_f64(number),
            Head::Date(millis) => {
                visitor.visit_newtype_struct(MapDeserializer::new(iter::once((DATE, millis))))
            }
        }
    }

    /// For a type of serde's own, which takes no value that only JavaScript has.
    fn typed<V: Visitor<'de>>(&mut self, head: Head<'de>, visitor: V) -> Result<V::Value, Error> {
        let unexpected = match head {
            Head::Date(_) => "a Date",
            Head::Error => "an Error",
            // A string would take it if it is UTF-8.
            Head::Buffer => "a Buffer",
            Head::Undefined => "undefined",
            Head::Null => "null",
            head => return self.visit(head, visitor, Undefined::Skip),
        };
        Err(de::Error::invalid_type(Unexpected::Other(unexpected), &visitor))
    }

    fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.head()? {
            Head::Integer(number) if number.abs() > MAX_SAFE => {
                Err(Error::UnsafeInteger(number.to_string()))
            }
            head => self.typed(head, visitor),
        }
    }

    /// What is in an array or a buffer, as bytes.
    fn bytes<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let bytes = self.container(|reader| {
            let (mut bytes, mut first) = (Vec::new(), true);
            while reader.next_item(&mut first)? {
                bytes.push(u8::deserialize(&mut *reader)?);
            }
            Ok(bytes)
        })?;
        visitor.visit_byte_buf(bytes)
    }

    fn items<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.head()? {
            Head::Buffer => self.container(|reader| visitor.visit_seq(Items::of(reader))),
            head => self.typed(head, visitor),
        }
    }
}

macro_rules! to {
    ($read:ident: $($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.$read(visitor)
        }
    )*};
}

macro_rules! to_typed {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let head = self.head()?;
            self.typed(head, visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let head = self.head()?;
        self.visit(head, visitor, Undefined::Skip)
    }

    to! { integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 }
    to! { integer: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 }
    to_typed! { deserialize_bool deserialize_f32 deserialize_f64 deserialize_char deserialize_str }
    to_typed! { deserialize_string deserialize_identifier }
    to! { items: deserialize_seq }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.head()? {
            Head::Array | Head::Buffer => self.bytes(visitor),
            head => self.typed(head, visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.nothing() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.nothing() {
            return visitor.visit_unit();
        }
        let head = self.head()?;
        self.typed(head, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if !matches!(name, DATE | VALUE) {
            return visitor.visit_newtype_struct(self);
        }
        let head = self.head()?;
        self.visit(head, visitor, Undefined::Keep)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.items(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.head()? {
            head @ Head::Object => self.visit(head, visitor, Undefined::Keep),
            head => self.typed(head, visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let head = self.head()?;
        self.typed(head, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.head()? {
            Head::String(variant) => visitor.visit_enum(variant.into_deserializer()),
            Head::Object => self.container(|reader| visitor.visit_enum(Variant { reader })),
            _ => Err(de::Error::custom("an enum is a string or an object with one member")),
        }
    }

    forward_to_deserialize_any! { ignored_any }
}

struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
}

impl<'r, 'de> Items<'r, 'de> {
    fn of(reader: &'r mut Reader<'de>) -> Self {
        Self { reader, first: true }
    }
}

impl<'de> de::SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if !self.reader.next_item(&mut self.first)? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

struct Members<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
    undefined: Undefined,
}

impl<'r, 'de> Members<'r, 'de> {
    fn of(reader: &'r mut Reader<'de>, undefined: Undefined) -> Self {
        Self { reader, first: true, undefined }
    }
}

impl<'de> de::MapAccess<'de> for Members<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        while self.reader.next_item(&mut self.first)? {
            let key = self.reader.key()?;
            self.reader.separator()?;
            if self.undefined == Undefined::Skip && self.reader.undefined() {
                continue;
            }
            return seed.deserialize(Key(key)).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }
}

/// A map whose one key is the mark of errors, and whose value the map of what is in the error.
struct MarkedError<'r, 'de> {
    /// None once the value was read.
    reader: Option<&'r mut Reader<'de>>,
}

impl<'de> de::MapAccess<'de> for MarkedError<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        match self.reader {
            Some(_) => seed.deserialize(ERROR.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let reader = self.reader.take().ok_or_else(|| Error::Type("one value only".to_owned()))?;
        seed.deserialize(MapAccessDeserializer::new(Members::of(reader, Undefined::Keep)))
    }
}

struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Error> {
        let key = self.reader.key()?;
        self.reader.separator()?;
        Ok((seed.deserialize(Key(key))?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Deserialize::deserialize(self.reader)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.reader.items(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.reader.deserialize_struct("", &[], visitor)
    }
}
