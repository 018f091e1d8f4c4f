//! Typed values, both ways.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{decode_error, decoded, encoded};
use crate::{BorrowedStr, Buffer, Date, ErrorCode, JsError, Object, Undefined, Value};

/// It encodes to that text and comes back from it.
#[track_caller]
fn holds<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, text: &str) {
    assert_eq!(encoded(&value), text);
    assert_eq!(decoded::<T>(text), value);
}

fn date(millis: i64) -> Date {
    Date::from_millis(millis).unwrap()
}

#[test]
fn scalars() {
    holds((), "^^^^-5");
    holds(Undefined, "^^^^-5");
    holds(None::<u8>, "^^^^-3");
    holds((Some(true), false), "^^^^@-1|-2]");
    holds(('ß', String::new()), "ß^^^^@0|-4]");
    holds((-(1_i64 << 53) + 1, 35_u128), "^-2GOSA7PA2GV|Z^^^@0|1]");
    holds((1.5, 0.1_f32, 3.0), "^3^1.5|0.10000000149011612^^@1|2|0]");
    holds((f64::INFINITY, f64::MIN_POSITIVE), "^^Infinity|2.2250738585072014e-308^^@0|1]");
    holds((date(-1000), Buffer(vec![255])), "^73^^-RS^@1|*0]]");
}

#[test]
fn null_and_undefined_are_none_and_unit() {
    assert_eq!(decoded::<(Option<u8>, Option<Date>)>("^^^^@-5|-3]"), (None, None));
    assert_eq!(decoded::<((), Undefined)>("^^^^@-3|-5]"), ((), Undefined));
}

#[test]
fn an_integer_is_a_float_but_not_the_other_way_round() {
    assert_eq!(decoded::<(f64, f32)>("^1|1Y2P0IJ32E800^^^@0|1]"), (1.0, 2.0_f32.powi(63)));
    let error = decode_error::<u8>("^^1.5^^0");
    assert_eq!(error, "invalid type: floating point `1.5`, expected u8");
}

#[test]
fn base_36_may_be_lower_case() {
    assert_eq!(decoded::<i32>("^-zz^^^0"), -1295);
}

#[test]
fn a_string_is_borrowed_unless_it_has_escapes() {
    assert_eq!(decoded::<&str>("a%c^^^^0".replace('%', "").as_str()), "ac");
    let borrowed = |text| matches!(Cow::from(decoded::<BorrowedStr<'_>>(text)), Cow::Borrowed(_));
    assert!(borrowed("ab^^^^0"));
    assert!(borrowed("^^^^-4"));
    assert!(!borrowed("a+b^^^^0"));
}

#[test]
fn what_is_no_escape_stays() {
    assert_eq!(decoded::<String>("%%2b%2B%+%25^^^^0"), "%%2b+% %");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Instance {
    name: String,
    #[serde(default)]
    weight: u8,
    tags: Option<Vec<String>>,
}

#[test]
fn a_struct_takes_undefined_as_absent_and_ignores_what_it_does_not_know() {
    let instance = |weight| Instance { name: "n".into(), weight, tags: None };
    holds(instance(7), "name|n|weight|tags^7^^^$0|1|2|4|3|-3]");
    assert_eq!(decoded::<Instance>("weight|name|n^^^^$0|-5|1|2]"), instance(0));
    let more = "name|n|x|a|b^1^^0^$0|1|2|@$3|*5]]|6|#4|-5]]]";
    assert_eq!(decoded::<Instance>(more), instance(0));
    assert_eq!(decode_error::<Instance>("name^^^^$0|-5]"), "missing field `name`");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Plain {
    Unit,
    Newtype(u8),
    Nothing(()),
    Tuple(u8, bool),
    Struct { a: Option<u8> },
}

#[test]
fn enums_are_tagged_from_outside() {
    holds(Plain::Unit, "Unit^^^^0");
    holds(Plain::Newtype(1), "Newtype^1^^^$0|1]");
    holds(Plain::Nothing(()), "Nothing^^^^$0|-5]");
    holds(Plain::Tuple(1, true), "Tuple^1^^^$0|@1|-1]]");
    holds(Plain::Struct { a: None }, "Struct|a^^^^$0|$1|-3]]");
    assert_eq!(decoded::<Plain>("Unit^^^^$0|-5]"), Plain::Unit);
    for wrong in ["^^^^-5", "^^^^$]", "Newtype|Unit^1^^^$0|2|1|-5]", "x^^^^0", "Newtype^^^^0"] {
        decode_error::<Plain>(wrong);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    One { at: Date, bytes: Buffer, none: Option<u8> },
    Two { error: JsError, any: Value },
    Three,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Unit(()),
    Number(i64),
    Date(Date),
    Buffer(Buffer),
    Error(JsError),
    Text(String),
    Pair(i8, Box<Untagged>),
    Struct { a: bool },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    first: u8,
    #[serde(flatten)]
    inner: Inner,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    at: Date,
    none: Option<u8>,
}

#[test]
fn what_serde_buffers_comes_back() {
    let (at, bytes) = (date(36), Buffer(vec![1]));
    holds(
        Tagged::One { at, bytes, none: None },
        "kind|One|at|bytes|none^1^^10^$0|1|2|6|3|*5]|4|-3]",
    );
    let any = Value::Array(vec![Value::Null, Value::Undefined, date(0).into()]);
    holds(
        Tagged::Two { error: JsError::new("m"), any },
        "kind|Two|error|message|m|stack|any^^^0^$0|1|2|#3|4|5|-5]|6|@-3|-5|7]]",
    );
    holds(Tagged::Three, "kind|Three^^^^$0|1]");

    holds(Untagged::Number(-1), "^-1^^^0");
    holds(Untagged::Date(date(1)), "^^^1^0");
    holds(Untagged::Buffer(Buffer(vec![])), "^^^^*]");
    holds(Untagged::Error(JsError::new("")), "message|stack^^^^#0|-4|1|-5]");
    holds(Untagged::Pair(1, Untagged::Text("a".into()).into()), "a^1^^^@1|0]");
    holds(Untagged::Struct { a: true }, "a^^^^$0|-1]");

    let rest =
        BTreeMap::from([("u".to_owned(), Value::Undefined), ("x".to_owned(), date(2).into())]);
    let flat = Flat { first: 1, inner: Inner { at, none: None }, rest };
    holds(flat, "first|at|none|u|x^1^^10|2^$0|5|1|6|2|-3|3|-5|4|7]");
}

#[test]
fn maps_have_text_as_keys() {
    holds(BTreeMap::from([(-1, 'a'), (10, 'b'), (9, 'c')]), "9|c|10|b|-1|a^^^^$0|1|2|3|4|5]");
    holds(BTreeMap::from([(false, 0), (true, 1)]), "false|true^0|1^^^$0|2|1|3]");
    holds(BTreeMap::from([(u64::MAX, ())]), "18446744073709551615^^^^$0|-5]");
    holds(BTreeMap::from([('ß', None::<u8>)]), "ß^^^^$0|-3]");
    holds(BTreeMap::from([(date(0), 1)]), "1970-01-01T00:00:00.000Z^1^^^$0|1]");
    #[derive(Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    enum Side {
        Left,
    }
    holds(HashMap::from([(Some(Side::Left), 1)]), "Left^1^^^$0|1]");
    assert_eq!(
        decode_error::<BTreeMap<u8, u8>>("256^1^^^$0|1]"),
        "invalid type: string \"256\", expected u8"
    );
}

#[test]
fn the_last_of_two_members_counts() {
    let twice = "a|b|a^1|2|3^^^$0|3|1|4|2|5]";
    let expected = BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 2)]);
    assert_eq!(decoded::<BTreeMap<String, u8>>(twice), expected);
    let object = Object::from_iter([("a", 3.into()), ("b", 2.into())]);
    assert_eq!(decoded::<Value>(twice), object.into());
}

#[test]
fn bytes_and_numbers() {
    assert_eq!(encoded(&vec![1_u8, 2]), "^1|2^^^@0|1]");
    assert_eq!(decoded::<Buffer>("^1|2^^^@0|1]"), Buffer(vec![1, 2]));
    assert_eq!(decoded::<Vec<u8>>("^1|2^^^*0|1]"), [1, 2]);
    assert_eq!(decoded::<[u16; 1]>("^1^^^*0]"), [1]);
    let error = decode_error::<Buffer>("^74^^^*0]");
    assert_eq!(error, "invalid value: integer `256`, expected u8");
}

#[test]
fn an_error_keeps_what_it_has() {
    let mut error = JsError::new("m s");
    error.name = "TypeError".into();
    error.stack = Some("at".into());
    error.code = Some(ErrorCode::Number(1.5));
    error.props = Object::from_iter([("b", Value::Undefined), ("1", date(0).into())]);
    let text = "message|m+s|stack|at|1|name|TypeError|code|b^^1.5^0^#0|1|2|3|4|A|5|6|7|9|8|-5]";
    holds(error.clone(), text);
    holds(Value::from(error), text);

    error = decoded("message|m|code|E|name^^^^$0|1|2|3|4|-5]");
    assert_eq!((error.message.as_str(), error.name.as_str()), ("m", "Error"));
    assert_eq!(error.code, Some(ErrorCode::Text("E".into())));
    // A message that is no string is kept as a property.
    error = decoded("message|stack|code^7^^^#0|3|1|-3|2|-1]");
    assert_eq!(error.message, "");
    let props = [("message", 7.into()), ("stack", Value::Null), ("code", true.into())];
    assert_eq!(error.props, Object::from_iter(props));
    assert_eq!(decoded::<JsError>(&encoded(&error)), error);
    decode_error::<JsError>("name^^^^$0|-4]");
}
