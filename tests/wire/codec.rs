//! serialize-json and keys: byte for byte what Node makes of the same values.

use cluster_protocol::{Buffer, Codec, Date, JsError, Object, Value, json_text, node_key};
use serde::Deserialize;

use crate::unhex;

#[derive(Deserialize)]
struct Vectors {
    codec: Vec<Encoded>,
    keys: Vec<Key>,
}

/// A value as Node encodes it, and what Node makes of that.
#[derive(Deserialize)]
struct Encoded {
    value: serde_json::Value,
    encoded_hex: String,
    decoded: serde_json::Value,
}

/// An argument of subscribe, its JSON text and the key that Node makes of it.
#[derive(Deserialize)]
struct Key {
    reg: serde_json::Value,
    reg_json: String,
    key: String,
}

fn vectors() -> Vectors {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../vectors/node-3.7.0.json")).unwrap();
    assert_eq!((vectors.codec.len(), vectors.keys.len()), (60, 19));
    vectors
}

/// The value that stands in the notation of the vectors.
fn value(notation: &serde_json::Value) -> Value {
    use serde_json::Value as Json;

    let Json::Object(fields) = notation else {
        return match notation {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(number.as_f64().unwrap()),
            Json::String(text) => text.as_str().into(),
            Json::Array(items) => Value::Array(items.iter().map(value).collect()),
            Json::Object(_) => unreachable!("matched above"),
        };
    };
    match fields["$"].as_str().unwrap() {
        "undefined" => Value::Undefined,
        "nan" => Value::Number(f64::NAN),
        "inf" => Value::Number(f64::INFINITY),
        "-inf" => Value::Number(f64::NEG_INFINITY),
        "date" => Date::from_millis(fields["ms"].as_i64().unwrap()).unwrap().into(),
        "bytes" => Buffer(unhex(fields["hex"].as_str().unwrap())).into(),
        "error" => serde_json::from_value::<JsError>(notation.clone())
            .map(|mut error| {
                error.props = error.props.into_iter().filter(|(key, _)| key != "$").collect();
                error.into()
            })
            .unwrap(),
        "object" => {
            let entries = fields["v"].as_array().unwrap().iter();
            let entry = |entry: &Json| (entry[0].as_str().unwrap().to_owned(), value(&entry[1]));
            Value::Object(entries.map(entry).collect::<Object>())
        }
        other => panic!("a new notation: {other}"),
    }
}

/// Equal, and NaN is NaN.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) if left.is_nan() => right.is_nan(),
        _ => left == right,
    }
}

#[test]
fn values_encode_as_node_encodes_them() {
    for Encoded { value: notation, encoded_hex, .. } in vectors().codec {
        let mut bytes = Vec::new();
        Codec::SerializeJson.encode(&value(&notation), &mut bytes).unwrap();
        let expected = unhex(&encoded_hex);
        assert_eq!(bytes, expected, "{notation}: {}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn bytes_of_node_decode_to_what_node_decodes() {
    for Encoded { encoded_hex, decoded, .. } in vectors().codec {
        let found = Codec::SerializeJson.decode::<Value>(&unhex(&encoded_hex)).unwrap();
        let expected = value(&decoded);
        assert!(same(&found, &expected), "{found:?} is not {expected:?}");
    }
}

#[test]
fn keys_are_those_of_node() {
    for Key { reg, reg_json, key } in vectors().keys {
        let text = json_text(&value(&reg)).unwrap();
        assert_eq!(text, reg_json);
        assert_eq!(node_key(&text), key);
    }
}

#[test]
fn a_field_that_is_undefined_comes_back_as_the_default() {
    #[derive(Debug, PartialEq, serde::Serialize, Deserialize)]
    struct Entry {
        id: u8,
        #[serde(default)]
        comment: Value,
    }
    let entry = Entry { id: 1, comment: Value::Undefined };
    let mut bytes = Vec::new();
    Codec::SerializeJson.encode(&entry, &mut bytes).unwrap();
    assert_eq!(bytes, b"id|comment^1^^^$0|2|1|-5]");
    assert_eq!(Codec::SerializeJson.decode::<Entry>(&bytes).unwrap(), entry);
    assert_eq!(Codec::SerializeJson.decode::<Entry>(b"id^1^^^$0|1]").unwrap(), entry);
}
