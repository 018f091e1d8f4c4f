//! The code of an error: the name of its variant, or its field `code`.

use std::fmt;

use cluster_protocol::{Codec, Value};
use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};
use serde::{Deserialize, Serialize as SerializeDerive};

/// What JavaScript tells errors apart by.
#[derive(Clone, Debug, PartialEq, SerializeDerive, Deserialize)]
#[serde(untagged)]
pub(super) enum Code {
    Text(String),
    Number(f64),
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl Code {
    /// Of an error, as its `Serialize` shows it.
    pub(super) fn of<E: Serialize>(error: &E) -> Option<Self> {
        error.serialize(Search).err()?.0
    }

    /// Of a value that is a text or a number.
    fn written<T: Serialize + ?Sized>(value: &T) -> Option<Self> {
        let mut bytes = Vec::new();
        Codec::SerializeJson.encode(value, &mut bytes).ok()?;
        match Codec::SerializeJson.decode(&bytes).ok()? {
            Value::String(text) => Some(Self::Text(text)),
            Value::Number(number) => Some(Self::Number(number)),
            _ => None,
        }
    }
}

/// How a search ends, which is nothing but an error to serde: the rest of the value does not matter.
#[derive(Debug)]
struct Found(Option<Code>);

const NONE: Found = Found(None);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the code is {:?}", self.0)
    }
}

impl std::error::Error for Found {}

impl ser::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        NONE
    }
}

struct Search;

fn variant<T>(name: &str) -> Result<T, Found> {
    Err(Found(Some(Code::Text(name.to_owned()))))
}

macro_rules! no_code {
    ($($method:ident($($type:ty),*);)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<(), Found> {
            Err(NONE)
        })*
    };
}

impl Serializer for Search {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Impossible<(), Found>;
    type SerializeTuple = Impossible<(), Found>;
    type SerializeTupleStruct = Impossible<(), Found>;
    type SerializeTupleVariant = Impossible<(), Found>;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Impossible<(), Found>;

    no_code! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &str, _: u32, name: &str) -> Result<(), Found> {
        variant(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Found> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: &T,
    ) -> Result<(), Found> {
        variant(name)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Found> {
        Err(NONE)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Found> {
        Err(NONE)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Found> {
        Err(NONE)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Found> {
        variant(name)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, Found> {
        Ok(Fields { is_code: false })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Found> {
        Ok(Fields { is_code: false })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Found> {
        variant(name)
    }
}

/// The fields of a struct, which are the entries of a map if some of them are flattened.
struct Fields {
    /// The value that comes next is the code.
    is_code: bool,
}

impl SerializeStruct for Fields {
    type Ok = ();
    type Error = Found;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Found> {
        if name == "code" { Err(Found(Code::written(value))) } else { Ok(()) }
    }

    fn end(self) -> Result<(), Found> {
        Err(NONE)
    }
}

impl SerializeMap for Fields {
    type Ok = ();
    type Error = Found;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Found> {
        self.is_code = Code::written(key) == Some(Code::Text("code".to_owned()));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Found> {
        if self.is_code { Err(Found(Code::written(value))) } else { Ok(()) }
    }

    fn end(self) -> Result<(), Found> {
        Err(NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(SerializeDerive)]
    enum Problem {
        NotFound,
        Unknown(String),
        Between(u8, u8),
        Coded { code: u8 },
    }

    #[derive(SerializeDerive)]
    #[serde(tag = "code")]
    enum Tagged {
        Refused { why: String },
    }

    #[derive(SerializeDerive)]
    struct Status<C> {
        text: String,
        code: C,
    }

    #[derive(SerializeDerive)]
    struct Reason {
        reason: String,
    }

    #[derive(SerializeDerive)]
    struct Flattened {
        #[serde(flatten)]
        status: Status<u16>,
    }

    #[derive(SerializeDerive)]
    struct Wrapped<T>(T);

    fn text(code: &str) -> Option<Code> {
        Some(Code::Text(code.to_owned()))
    }

    #[test]
    fn the_code_of_a_variant_is_its_name() {
        assert_eq!(Code::of(&Problem::NotFound), text("NotFound"));
        assert_eq!(Code::of(&Problem::Unknown(String::new())), text("Unknown"));
        assert_eq!(Code::of(&Problem::Between(1, 2)), text("Between"));
        assert_eq!(Code::of(&Problem::Coded { code: 7 }), text("Coded"));
        assert_eq!(Code::of(&Tagged::Refused { why: String::new() }), text("Refused"));
        assert_eq!(Code::of(&Some(Wrapped(Problem::NotFound))), text("NotFound"));
    }

    #[test]
    fn the_code_of_a_struct_is_its_field() {
        let status = || Status { text: "gone".into(), code: 404 };
        assert_eq!(Code::of(&status()), Some(Code::Number(404.0)));
        assert_eq!(Code::of(&Flattened { status: status() }), Some(Code::Number(404.0)));
        let named = Status { text: String::new(), code: Problem::NotFound };
        assert_eq!(Code::of(&named), text("NotFound"));
    }

    #[test]
    fn what_has_neither_has_no_code() {
        assert_eq!(Code::of(&Reason { reason: "code".into() }), None);
        assert_eq!(Code::of(&Status { text: String::new(), code: [1] }), None);
        assert_eq!(Code::of(&"code"), None);
        assert_eq!(Code::of(&()), None);
        assert_eq!(Code::of(&vec![Problem::NotFound]), None);
    }
}
