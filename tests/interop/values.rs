//! Values in the notation of the vectors, which Node processes are told and tell them in.

use cluster_client::{Buffer, Date, JsError, Object, Value};
use cluster_protocol::ErrorCode;
use serde::Deserialize;
use serde_json::{Value as Json, json};

#[derive(Deserialize)]
struct Vectors {
    codec: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    value: Json,
    /// What Node makes of its own bytes of the value.
    decoded: Json,
}

/// All but 1e21, a whole number beyond 2^53, which Node itself changes on each way.
pub(crate) fn vectors() -> Vec<Json> {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../vectors/node-3.7.0.json")).unwrap();
    let all = vectors.codec.len();
    let same = vectors.codec.into_iter().filter(|vector| vector.value == vector.decoded);
    let values: Vec<Json> = same.map(|vector| vector.value).collect();
    assert_eq!(values.len(), all - 1);
    values
}

pub(crate) fn read(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(read).collect()),
        Json::Object(fields) => match fields["$"].as_str().unwrap() {
            "undefined" => Value::Undefined,
            "nan" => Value::Number(f64::NAN),
            "inf" => Value::Number(f64::INFINITY),
            "-inf" => Value::Number(f64::NEG_INFINITY),
            "date" => Date::from_millis(fields["ms"].as_i64().unwrap()).unwrap().into(),
            "bytes" => Buffer(unhex(fields["hex"].as_str().unwrap())).into(),
            "error" => {
                let own = fields.iter().filter(|(key, _)| *key != "$");
                let own: Object = own.map(|(key, value)| (key, read(value))).collect();
                JsError::from(own).into()
            }
            "object" => {
                let entries: Vec<(String, Json)> = Deserialize::deserialize(&fields["v"]).unwrap();
                Value::Object(entries.iter().map(|(key, value)| (key, read(value))).collect())
            }
            other => panic!("no such notation: {other}"),
        },
    }
}

pub(crate) fn write(value: &Value) -> Json {
    match value {
        Value::Undefined => json!({ "$": "undefined" }),
        Value::Null => Json::Null,
        Value::Bool(bool) => json!(bool),
        Value::Number(number) if number.is_nan() => json!({ "$": "nan" }),
        Value::Number(f64::INFINITY) => json!({ "$": "inf" }),
        Value::Number(f64::NEG_INFINITY) => json!({ "$": "-inf" }),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 1e18 => {
            json!(*number as i64)
        }
        Value::Number(number) => json!(number),
        Value::String(text) => json!(text),
        Value::Date(date) => json!({ "$": "date", "ms": date.as_millis() }),
        Value::Buffer(bytes) => json!({ "$": "bytes", "hex": hex(&bytes.0) }),
        Value::Error(error) => write_error(error),
        Value::Array(items) => items.iter().map(write).collect(),
        Value::Object(object) => {
            let entries: Vec<_> = object.iter().map(|(key, value)| (key, write(value))).collect();
            json!({ "$": "object", "v": entries })
        }
    }
}

fn write_error(error: &JsError) -> Json {
    let JsError { name, message, stack, code, props } = error;
    let mut json = json!({ "$": "error", "name": name, "message": message, "stack": stack });
    match code {
        Some(ErrorCode::Text(code)) => json["code"] = json!(code),
        Some(ErrorCode::Number(code)) => json["code"] = write(&Value::Number(*code)),
        None => {}
    }
    props.iter().for_each(|(key, value)| json[key] = write(value));
    json
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
