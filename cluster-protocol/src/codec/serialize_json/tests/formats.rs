//! Our own types in the other formats, and in the text of keys.

use std::time::{Duration, UNIX_EPOCH};

use crate::{
    Buffer, Codec, Date, DateError, ErrorCode, JsError, Object, Undefined, Value, json_text,
};

fn date(millis: i64) -> Date {
    Date::from_millis(millis).unwrap()
}

fn everything() -> Value {
    let mut error = JsError::new("m");
    error.code = Some(ErrorCode::Text("E".into()));
    error.props = Object::from_iter([("x", Value::Undefined)]);
    Value::Object(Object::from_iter([
        (
            "1",
            Value::Array(vec![Value::Undefined, Value::Null, true.into(), 1.5.into(), 1e-7.into()]),
        ),
        ("date", date(0).into()),
        ("buffer", Buffer(vec![0, 255]).into()),
        ("error", error.into()),
        ("text", "a \"b\"".into()),
    ]))
}

#[cfg(feature = "bincode")]
#[test]
fn bincode_keeps_everything() {
    let value = everything();
    let mut bytes = Vec::new();
    Codec::Bincode.encode(&(&value, date(-1), Buffer(vec![7]), Undefined), &mut bytes).unwrap();
    let back = Codec::Bincode.decode(&bytes).unwrap();
    assert_eq!((value, date(-1), Buffer(vec![7]), Undefined), back);

    bytes.clear();
    Codec::Bincode.encode(&date(36), &mut bytes).unwrap();
    assert_eq!(bytes, 36_i64.to_le_bytes());
    assert!(Codec::Bincode.decode::<Date>(&i64::MAX.to_le_bytes()).is_err());

    bytes.clear();
    Codec::Bincode.encode(&JsError::new("m"), &mut bytes).unwrap();
    assert_eq!(Codec::Bincode.decode(&bytes), Ok(JsError::new("m")));
}

#[test]
fn json_has_strings_for_dates_and_objects_for_errors() {
    let mut bytes = Vec::new();
    Codec::Json.encode(&everything(), &mut bytes).unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        concat!(
            r#"{"1":[null,null,true,1.5,1e-7],"date":"1970-01-01T00:00:00.000Z","buffer":[0,255],"#,
            r#""error":{"name":"Error","message":"m","code":"E","x":null},"text":"a \"b\""}"#,
        )
    );
    let mut bytes = Vec::new();
    let value = (date(36), Buffer(vec![7]), JsError::new("m"), Undefined);
    Codec::Json.encode(&value, &mut bytes).unwrap();
    assert_eq!(Codec::Json.decode(&bytes), Ok(value));
    let value: Value = Codec::Json.decode(br#"{"b":[1,-1.5,null],"1":"x"}"#).unwrap();
    assert_eq!(json_text(&value).unwrap(), r#"{"1":"x","b":[1,-1.5,null]}"#);
    for wrong in [r#""2017-02-30T00:00:00.000Z""#, "0", "{}", "null"] {
        assert!(Codec::Json.decode::<Date>(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn keys_are_what_json_stringify_gives() {
    assert_eq!(
        json_text(&everything()).unwrap(),
        [
            r#"{"1":[null,null,true,1.5,1e-7],"date":"1970-01-01T00:00:00.000Z","#,
            r#""buffer":{"type":"Buffer","data":[0,255]},"error":{"code":"E"},"text":"a \"b\""}"#,
        ]
        .concat()
    );
    assert_eq!(
        json_text(&(f64::NAN, -f64::INFINITY, -0.0, 1e21, 1.0)).unwrap(),
        "[null,null,0,1e+21,1]"
    );
    let text = "\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}\u{2028}/é";
    let expected = "\"\\b\\f\\n\\r\\t\\u0000\\u001f\u{7f}\u{2028}/é\"";
    assert_eq!(json_text(text).unwrap(), expected);
    assert_eq!(json_text(&((), [(); 2])).unwrap(), "[null,[null,null]]");
    assert_eq!(json_text(&JsError::new("m")).unwrap(), "{}");
    assert!(
        json_text(&u64::MAX).unwrap_err().to_string().starts_with("JSON.stringify: integer 18")
    );
}

#[test]
fn dates_are_written_and_read_as_by_node() {
    // Each line as printed by Node 20.
    for (millis, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
        (8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z"),
        (-8_640_000_000_000_000, "-271821-04-20T00:00:00.000Z"),
    ] {
        assert_eq!(date(millis).to_string(), text);
        assert_eq!(text.parse(), Ok(date(millis)));
    }
    for wrong in [
        "",
        "T",
        "1970-01-01",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00.000",
        "1970-01-01T00:00:00.000+00:00",
        "1970-1-01T00:00:00.000Z",
        "1970-02-30T00:00:00.000Z",
        "1970-13-01T00:00:00.000Z",
        "1970-01-01T24:00:00.000Z",
        "+275760-09-13T00:00:00.001Z",
        "-000000-01-01T00:00:00.000Z",
        "+2147483647-01-01T00:00:00.000Z",
        "1970-2147483647-01T00:00:00.000Z",
    ] {
        assert_eq!(wrong.parse::<Date>(), Err(DateError::Text { text: wrong.into() }));
    }
}

#[test]
fn a_system_time_is_a_date() {
    let after = UNIX_EPOCH + Duration::from_nanos(1_999_999);
    assert_eq!(Date::try_from(after), Ok(date(1)));
    assert_eq!(Date::try_from(UNIX_EPOCH - Duration::from_nanos(1)), Ok(date(-1)));
    for millis in [1, -1, 8_640_000_000_000_000, -8_640_000_000_000_000] {
        let time = std::time::SystemTime::try_from(date(millis)).unwrap();
        assert_eq!(Date::try_from(time), Ok(date(millis)));
    }
    let beyond = UNIX_EPOCH + Duration::from_millis(8_640_000_000_000_001);
    assert_eq!(
        Date::try_from(beyond),
        Err(DateError::OutOfRange { millis: 8_640_000_000_000_001 })
    );
}
