//! serialize-json: any value comes back, and no bytes do harm.

use std::collections::BTreeMap;

use cluster_protocol::{
    Buffer, Codec, Date, DecodeError, ErrorCode, JsError, Object, Undefined, Value, json_text,
};
use fastrand::Rng;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

const MAX_SAFE: i64 = (1 << 53) - 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Typed {
    integers: (i8, u16, i32, u64, i64),
    float: f64,
    small: f32,
    text: String,
    character: char,
    optional: Option<Vec<Option<bool>>>,
    by_number: BTreeMap<i64, Shape>,
    by_text: BTreeMap<String, ()>,
    bytes: Buffer,
    at: Date,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Undefined(Undefined),
    Point(i32, i32),
    Named { name: String, next: Option<Box<Shape>> },
    List(Vec<Shape>),
}

fn any_date() -> impl Strategy<Value = Date> {
    (-8_640_000_000_000_000..=8_640_000_000_000_000_i64)
        .prop_map(|millis| Date::from_millis(millis).unwrap())
}

/// What comes back as it was: no -0, and nothing whole beyond 2^53.
fn any_float() -> impl Strategy<Value = f64> {
    any::<f64>().prop_map(|float| match float {
        0.0 => 0.0,
        _ if float % 1.0 == 0.0 && float.abs() > MAX_SAFE as f64 => 0.5,
        _ => float,
    })
}

fn any_buffer() -> impl Strategy<Value = Buffer> {
    vec(any::<u8>(), 0..8).prop_map(Buffer)
}

fn any_shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Nothing),
        Just(Shape::Undefined(Undefined)),
        any::<(i32, i32)>().prop_map(|(x, y)| Shape::Point(x, y)),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            (any::<String>(), option::of(inner.clone()))
                .prop_map(|(name, next)| Shape::Named { name, next: next.map(Box::new) }),
            vec(inner, 0..4).prop_map(Shape::List),
        ]
    })
}

fn any_typed() -> impl Strategy<Value = Typed> {
    let integers =
        (any::<i8>(), any::<u16>(), any::<i32>(), 0..=MAX_SAFE as u64, -MAX_SAFE..=MAX_SAFE);
    let small = any::<f32>().prop_filter("whole", |float| float % 1.0 != 0.0);
    let texts = (any::<String>(), any::<char>());
    let optional = option::of(vec(any::<Option<bool>>(), 0..4));
    let maps =
        (btree_map(any::<i64>(), any_shape(), 0..4), btree_map(any::<String>(), Just(()), 0..4));
    (integers, any_float(), small, texts, optional, maps, any_buffer(), any_date()).prop_map(
        |(integers, float, small, (text, character), optional, maps, bytes, at)| {
            let (by_number, by_text) = maps;
            Typed {
                integers,
                float,
                small,
                text,
                character,
                optional,
                by_number,
                by_text,
                bytes,
                at,
            }
        },
    )
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), (0..30_u8).prop_map(|index| index.to_string())]
}

fn any_error(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = JsError> {
    let code = prop_oneof![
        any::<String>().prop_map(ErrorCode::Text),
        any_float().prop_map(ErrorCode::Number),
    ];
    let texts = (any::<String>(), any::<String>(), any::<Option<String>>());
    (texts, option::of(code), vec((any_key(), inner), 0..3)).prop_map(|(texts, code, props)| {
        let (name, message, stack) = texts;
        JsError { name, message, stack, code, props: props.into_iter().collect() }
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Undefined),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any_float().prop_map(Value::Number),
        any::<String>().prop_map(Value::String),
        any_date().prop_map(Value::Date),
        any_buffer().prop_map(Value::Buffer),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            vec((any_key(), inner.clone()), 0..6)
                .prop_map(|entries| Value::Object(Object::from_iter(entries))),
            any_error(inner).prop_map(Value::from),
        ]
    })
}

fn encoded<T: Serialize>(codec: Codec, value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec.encode(value, &mut bytes).unwrap();
    bytes
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
    let bytes = encoded(Codec::SerializeJson, &value);
    assert_eq!(
        Codec::SerializeJson.decode(&bytes),
        Ok(value),
        "{}",
        String::from_utf8_lossy(&bytes)
    );
}

/// Whatever becomes of the bytes, it is an answer.
fn survives(bytes: &[u8]) {
    if let Ok(value) = Codec::SerializeJson.decode::<Value>(bytes) {
        let _ = json_text(&value);
        let _ = Codec::SerializeJson.encode(&value, &mut Vec::new());
    }
    let _ = Codec::SerializeJson.decode::<Typed>(bytes);
    let _ = Codec::SerializeJson.decode::<Shape>(bytes);
    let _ = Codec::SerializeJson.decode::<serde_json::Value>(bytes);
    let _ = Codec::SerializeJson.decode::<IgnoredAny>(bytes);
}

proptest! {
    #[test]
    fn typed_values_come_back(value in any_typed()) {
        comes_back(value);
    }

    #[test]
    fn dynamic_values_come_back(value in any_value()) {
        comes_back(value);
    }

    #[test]
    fn a_typed_value_is_the_dynamic_one_of_its_bytes(value in any_typed()) {
        let bytes = encoded(Codec::SerializeJson, &value);
        let dynamic = Codec::SerializeJson.decode::<Value>(&bytes).unwrap();
        prop_assert_eq!(json_text(&dynamic), json_text(&value));
        prop_assert_eq!(encoded(Codec::SerializeJson, &dynamic), bytes);
    }

    #[cfg(feature = "bincode")]
    #[test]
    fn dynamic_values_come_back_from_bincode(value in any_value()) {
        let bytes = encoded(Codec::Bincode, &value);
        prop_assert_eq!(Codec::Bincode.decode(&bytes), Ok(value));
    }

    #[test]
    fn dates_come_back_from_their_text(date in any_date()) {
        prop_assert_eq!(date.to_string().parse(), Ok(date));
        let bytes = encoded(Codec::Json, &date);
        prop_assert_eq!(Codec::Json.decode(&bytes), Ok(date));
    }

    #[test]
    fn a_part_of_a_value_is_no_value(value in any_value(), at in any::<prop::sample::Index>()) {
        let mut bytes = encoded(Codec::SerializeJson, &value);
        // An index may be cut to another one, but then an item of the lists is left out.
        prop_assume!(bytes.ends_with(b"]"));
        bytes.truncate(at.index(bytes.len()));
        let part = Codec::SerializeJson.decode::<Value>(&bytes);
        prop_assert!(matches!(part, Err(DecodeError::Value { .. })), "{part:?}");
    }

    #[test]
    fn any_text_is_survived(bytes in vec(any::<u8>(), 0..64), text in "[0-9A-Za-z|^@$*#%+\\-\\]]{0,64}") {
        survives(&bytes);
        survives(text.as_bytes());
        survives(format!("^^^^{text}").as_bytes());
    }
}

#[test]
fn ten_thousand_damaged_values_are_survived() {
    const SPECIAL: &[u8] = b"|^@$*#]-+%0159AZz\xff";
    let whole = "a|b|c|kind^1|2|-ZZ|2GOSA7PA2GW^1.5|NaN^0|-RS^$0|@4|7|$3|8]|*5]|A|9]|1|#2|6]|-4|B]";
    Codec::SerializeJson.decode::<Value>(whole.as_bytes()).unwrap();
    let mut rng = Rng::with_seed(20_261);
    for _ in 0..10_000 {
        let mut bytes = whole.as_bytes().to_vec();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(0..bytes.len());
            match rng.u8(0..4) {
                0 => bytes[at] = SPECIAL[rng.usize(0..SPECIAL.len())],
                1 => bytes.insert(at, SPECIAL[rng.usize(0..SPECIAL.len())]),
                2 => bytes.truncate(at.max(1)),
                _ => {
                    let end = rng.usize(at..bytes.len());
                    let again = bytes[at..end].to_vec();
                    bytes.extend(again);
                }
            }
        }
        survives(&bytes);
    }
}

#[test]
fn few_bytes_do_not_become_many() {
    let text = "x".repeat(100_000);
    let bomb = format!("{text}^^^^@{}0]", "0|".repeat(100_000));
    let error = Codec::SerializeJson.decode::<Value>(bomb.as_bytes()).unwrap_err();
    assert!(error.to_string().ends_with("item 0 is used twice"), "{error}");
}
