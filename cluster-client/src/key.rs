//! What two subscriptions, or two publications, are the same by: their arguments as canonical JSON.

use serde::Serialize;
use serde::de::value::Error as Message;
use serde::ser::{self, Error as _};

use crate::Error;

/// The key of these arguments: compact JSON with the entries of maps and structs sorted, so that it is the
/// same in every process. [`Error::Encode`] for what JSON has no text for: a float that is not finite, a
/// map key that is a list.
pub fn key(parts: &impl Serialize) -> Result<String, Error> {
    canonical(parts)
        .map_err(|error| Error::Encode { what: "a key".into(), message: error.to_string() })
}

/// What identifies a subscription on the wire: the method and its arguments.
pub(crate) fn topic_key(method: &str, arguments: &str) -> String {
    format!("{method}{arguments}")
}

type Text = Result<String, Message>;

fn canonical<T: Serialize + ?Sized>(value: &T) -> Text {
    value.serialize(Canonical)
}

/// What the standard JSON serializer writes for a leaf.
fn leaf<T: Serialize + ?Sized>(value: &T) -> Text {
    serde_json::to_string(value).map_err(Message::custom)
}

/// The content of a variant, under its name if it has one here.
fn wrapped(variant: Option<&str>, content: String) -> Text {
    match variant {
        Some(variant) => Ok(format!("{{{}:{content}}}", leaf(variant)?)),
        None => Ok(content),
    }
}

/// Each value becomes a text of its own, as the entries of a map can be sorted only once they are known.
struct Canonical;

macro_rules! leaves {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Text {
            leaf(&value)
        })*
    };
}

macro_rules! finite {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Text {
            if value.is_finite() { leaf(&value) } else { Err(Message::custom(format_args!("{value} is no JSON"))) }
        })*
    };
}

impl ser::Serializer for Canonical {
    type Ok = String;
    type Error = Message;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    leaves!(serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
    leaves!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);
    leaves!(serialize_i128: i128, serialize_u128: u128, serialize_char: char, serialize_str: &str);
    leaves!(serialize_bytes: &[u8]);
    finite!(serialize_f32: f32, serialize_f64: f64);

    fn serialize_none(self) -> Text {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Text {
        canonical(value)
    }

    fn serialize_unit(self) -> Text {
        Ok("null".into())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Text {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Text {
        leaf(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Text {
        canonical(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Text {
        wrapped(Some(variant), canonical(value)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Message> {
        Ok(List::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Message> {
        Ok(List::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Message> {
        Ok(List::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List, Message> {
        Ok(List { variant: Some(variant), ..List::default() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Message> {
        Ok(Entries::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, Message> {
        Ok(Entries::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, Message> {
        Ok(Entries { variant: Some(variant), ..Entries::default() })
    }
}

/// The elements of a list so far.
#[derive(Default)]
struct List {
    variant: Option<&'static str>,
    elements: Vec<String>,
}

impl List {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Message> {
        self.elements.push(canonical(value)?);
        Ok(())
    }

    fn finish(self) -> Text {
        let list = format!("[{}]", self.elements.join(","));
        wrapped(self.variant, list)
    }
}

/// The entries of a map or struct so far, each with its name as JSON.
#[derive(Default)]
struct Entries {
    variant: Option<&'static str>,
    name: String,
    entries: Vec<(String, String)>,
}

impl Entries {
    fn add<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), Message> {
        self.entries.push((name, canonical(value)?));
        Ok(())
    }

    fn finish(mut self) -> Text {
        self.entries.sort();
        let entries: Vec<_> =
            self.entries.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        let map = format!("{{{}}}", entries.join(","));
        wrapped(self.variant, map)
    }
}

/// The name of a map's entry as JSON: a text as it is, a number or a truth value in quotes.
fn name<T: Serialize + ?Sized>(key: &T) -> Text {
    let text = canonical(key)?;
    if text.starts_with('"') {
        Ok(text)
    } else if text == "null" || text.starts_with(['[', '{']) {
        Err(Message::custom(format_args!("a map's key cannot be {text}")))
    } else {
        Ok(format!("\"{text}\""))
    }
}

impl ser::SerializeMap for Entries {
    type Ok = String;
    type Error = Message;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Message> {
        self.name = name(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Message> {
        let name = std::mem::take(&mut self.name);
        self.add(name, value)
    }

    fn end(self) -> Text {
        self.finish()
    }
}

macro_rules! lists {
    ($($trait:ident::$method:ident),*) => {
        $(impl ser::$trait for List {
            type Ok = String;
            type Error = Message;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Message> {
                self.add(value)
            }

            fn end(self) -> Text {
                self.finish()
            }
        })*
    };
}

lists!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! structs {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Entries {
            type Ok = String;
            type Error = Message;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Message> {
                self.add(leaf(name)?, value)
            }

            fn end(self) -> Text {
                self.finish()
            }
        })*
    };
}

structs!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    #[derive(Serialize)]
    struct Service {
        name: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        group: Option<u8>,
        ports: (u16, u16),
    }

    #[derive(Serialize)]
    enum Filter {
        All,
        Named(String),
        Between(u8, u8),
        Tagged { tag: char, exact: bool },
    }

    #[test]
    fn maps_and_structs_are_sorted_at_every_level() {
        let many: HashMap<String, u32> = (0..50).map(|n| (format!("{n:02}"), n)).collect();
        let sorted: BTreeMap<_, _> = many.iter().collect();
        assert_eq!(
            key(&(&many,)).unwrap(),
            format!("[{}]", serde_json::to_string(&sorted).unwrap())
        );

        let service = Service { name: "a\"b", group: Some(1), ports: (1, 2) };
        assert_eq!(key(&(&service,)).unwrap(), r#"[{"group":1,"name":"a\"b","ports":[1,2]}]"#);
        let service = Service { group: None, ..service };
        assert_eq!(key(&service).unwrap(), r#"{"name":"a\"b","ports":[1,2]}"#);

        let value: serde_json::Value =
            serde_json::from_str(r#"{"b":{"d":1,"c":2},"a":null}"#).unwrap();
        assert_eq!(key(&value).unwrap(), r#"{"a":null,"b":{"c":2,"d":1}}"#);
    }

    #[test]
    fn variants_read_as_in_ordinary_json() {
        let filters = [
            Filter::All,
            Filter::Named("x".into()),
            Filter::Between(1, 2),
            Filter::Tagged { tag: 't', exact: true },
        ];
        assert_eq!(
            key(&filters).unwrap(),
            r#"["All",{"Named":"x"},{"Between":[1,2]},{"Tagged":{"exact":true,"tag":"t"}}]"#
        );
    }

    #[test]
    fn leaves_read_as_in_ordinary_json() {
        let leaves = (-1_i64, u128::MAX, 1.0_f64, 0.1_f32, 'é', (), Some("\n"), None::<u8>);
        assert_eq!(
            key(&leaves).unwrap(),
            format!(r#"[-1,{},1.0,0.1,"é",null,"\n",null]"#, u128::MAX)
        );
        assert_eq!(key(&BTreeMap::from([(10, 'a'), (9, 'b')])).unwrap(), r#"{"10":"a","9":"b"}"#);
    }

    #[test]
    fn what_json_cannot_hold_is_an_error() {
        for result in [
            key(&(f64::NAN,)),
            key(&f32::INFINITY),
            key(&BTreeMap::from([(vec![1], 1)])),
            key(&BTreeMap::from([(None::<u8>, 1)])),
        ] {
            assert!(matches!(result, Err(Error::Encode { .. })), "{result:?}");
        }
    }
}
