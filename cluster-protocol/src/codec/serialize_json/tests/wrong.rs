//! What is refused, each in its own words.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Serialize, Serializer};

use super::{decode_error, decoded, encode_error, encoded};
use crate::{Buffer, Codec, Date, JsError, Object, Value};

/// A map with these entries, as they stand.
struct Entries(&'static [(&'static str, u8)]);

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

#[test]
fn an_integer_that_javascript_does_not_have() {
    let message =
        |n| format!("integer {n} is beyond ±(2^53 - 1), where JavaScript's numbers are not exact");
    assert_eq!(encode_error(&(1_u64 << 53)), message("9007199254740992"));
    assert_eq!(encode_error(&i64::MIN), message("-9223372036854775808"));
    assert_eq!(encode_error(&u128::MAX), message("340282366920938463463374607431768211455"));
    assert_eq!(decode_error::<u64>("^2GOSA7PA2GW^^^0"), message("9007199254740992"));
    assert_eq!(decode_error::<i128>("^-2GOSA7PA2GW^^^0"), message("-9007199254740992"));
    assert_eq!(decoded::<Value>("^2GOSA7PA2GW^^^0"), Value::Number(9_007_199_254_740_992.0));
    let error = Codec::Json.decode::<Value>(b"9007199254740992").unwrap_err();
    assert!(error.to_string().contains(&message("9007199254740992")), "{error}");
}

#[test]
fn a_float_that_node_would_read_as_infinity() {
    let message = "1.7976931348623157e308 is finite, but Node would read Infinity";
    assert_eq!(encode_error(&f64::MAX), message);
    assert_eq!(encode_error(&Value::from(f64::MAX)), message);
    assert_eq!(decoded::<f64>(&encoded(&1e300)), 1.0000000000000006e300);
}

#[test]
fn keys_that_node_would_lose() {
    let twice = Entries(&[("a", 1), ("b", 2), ("a", 3)]);
    assert_eq!(encode_error(&twice), "key \"a\" occurs twice in one map");
    let proto = "key \"__proto__\" would set the prototype of Node's object";
    assert_eq!(encode_error(&Entries(&[("__proto__", 1)])), proto);
    assert_eq!(encode_error(&Value::Object(Object::from_iter([("__proto__", 1.into())]))), proto);
    let unit = "a key of a map is null, not a string, an integer, a bool or a unit variant";
    assert_eq!(encode_error(&BTreeMap::from([((), 1)])), unit);
    let list = "a key of a map is [1], not a string, an integer, a bool or a unit variant";
    assert_eq!(encode_error(&BTreeMap::from([([1], 1)])), list);
}

#[test]
fn what_a_type_does_not_expect() {
    for text in ["^^^0^0", "message|stack^^^^#0|-4|1|-4]", "^^^^*]"] {
        decode_error::<serde_json::Value>(text);
        decode_error::<String>(text);
        decode_error::<BTreeMap<String, String>>(text);
        decode_error::<f64>(text);
        decoded::<IgnoredAny>(text);
    }
    #[derive(Debug, serde::Deserialize)]
    struct Newtype(#[allow(dead_code)] i64);
    #[derive(Debug, serde::Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        #[allow(dead_code)]
        Newtype(Newtype),
    }
    decode_error::<Untagged>("^^^0^0");
    assert_eq!(decode_error::<Newtype>("^^^0^0"), "invalid type: a Date, expected i64");
    assert_eq!(decode_error::<Date>("^0^^^0"), "invalid type: integer `0`, expected a date");
    assert_eq!(decode_error::<JsError>("^^^0^0"), "invalid type: a Date, expected an error");
    assert_eq!(decode_error::<bool>("^^^^-5"), "invalid type: undefined, expected a boolean");
    assert_eq!(
        decode_error::<(u8, u8)>("^1^^^@0]"),
        "invalid length 1, expected a tuple of size 2"
    );
}

#[test]
fn text_that_no_encoder_writes() {
    for (text, message) in [
        ("", "1 of 5 parts between '^'"),
        ("^^^", "4 of 5 parts between '^'"),
        ("^^^^", "structure, byte 4: None where a value should be"),
        ("^^^^-3^", "structure: \"-3^\" is no index"),
        ("^^^^-3|", "structure, byte 6: Some('|') where the end should be"),
        ("^^^^-3-3", "structure: \"-3-3\" is no index"),
        ("^^^^-6", "structure: \"-6\" is no index"),
        ("a^^^^+0", "structure: \"+0\" is no index"),
        ("a^^^^é", "structure: \"é\" is no index"),
        ("a^^^^1", "structure: index 1, but the lists have 1 items"),
        ("a^^^^ZZZZZZZZZZZZZZZZ", "structure: \"ZZZZZZZZZZZZZZZZ\" is no index"),
        ("a^^^^@0|0]", "structure: item 0 is used twice"),
        ("^1.5^^^0", "\"1.5\" is no integer in base 36"),
        ("^1|^^^1", "\"\" is no integer in base 36"),
        ("^^1.5x^^0", "\"1.5x\" is no float"),
        ("^^nan^^0", "\"nan\" is no float"),
        ("^^^!^0", "\"!\" is no date in ms in base 36, or beyond the range of dates"),
        (
            "^^^ZZZZZZZZZZZZZZ^0",
            "\"ZZZZZZZZZZZZZZ\" is no date in ms in base 36, or beyond the range of dates",
        ),
        ("^^^^@", "structure, byte 5: None where a value should be"),
        ("^^^^@-3", "structure, byte 7: None where '|' or the end of a container should be"),
        ("^^^^@|-3]", "structure, byte 5: Some('|') where a value should be"),
        ("^^^^@-3|]", "structure, byte 8: Some(']') where a value should be"),
        ("^^^^@-3||-3]", "structure, byte 8: Some('|') where a value should be"),
        ("^^^^@]]", "structure, byte 6: Some(']') where the end should be"),
        ("^^^^$-3|-3]", "structure, byte 5: Some('-') where a string as key should be"),
        ("^^^^$-4]", "structure, byte 7: Some(']') where '|' or the end of a container should be"),
        ("^^^^*-3]", "invalid type: null, expected u8"),
    ] {
        assert_eq!(decode_error::<Value>(text), message, "{text}");
    }
    let error = Codec::SerializeJson.decode::<Value>(b"\xff^^^^0").unwrap_err();
    assert!(error.to_string().starts_with("serialize-json: not UTF-8: "), "{error}");
    let longer = decode_error::<(u8,)>("^1|2^^^@0|1]");
    assert_eq!(longer, "structure, byte 9: Some('|') where the end of a container should be");
}

#[test]
fn nesting_is_bounded_both_ways() {
    let nested = |depth| (0..depth).fold(Value::Null, |value, _| Value::Array(vec![value]));
    let deepest = nested(128);
    assert_eq!(decoded::<Value>(&encoded(&deepest)), deepest);
    assert_eq!(encode_error(&nested(129)), "nested deeper than 128 levels");
    for open in ["@", "$-4|", "#-4|", "*"] {
        let text = format!("^^^^{}", open.repeat(100_000));
        for error in [decode_error::<Value>(&text), decode_error::<IgnoredAny>(&text)] {
            assert!(open == "*" || error == "nested deeper than 128 levels", "{open}: {error}");
        }
    }
}

#[test]
fn an_invalid_date_is_read_as_node_reads_it() {
    assert_eq!(decoded::<Date>("^^^NAN^0").as_millis(), 30_191);
    assert!(Date::from_millis(8_640_000_000_000_001).is_err());
}

#[test]
fn signs_and_nested_options_are_lost() {
    assert!(decoded::<f64>(&encoded(&-0.0)).is_sign_positive());
    assert_eq!(decoded::<Option<Option<u8>>>(&encoded(&Some(None::<u8>))), None);
    assert_eq!(encoded(&Some(Buffer::default())), "^^^^*]");
}
