//! Values of every kind that serialize-json carries unchanged, the same ones for the same seed: what `node/random.js`
//! makes in Node.

use cluster_client::{Buffer, Date, JsError, Object, Value};
use cluster_protocol::ErrorCode;
use fastrand::Rng;

const TEXTS: [&str; 16] = [
    "",
    " ",
    "+",
    "%2B",
    "|",
    "^",
    "%",
    "a b+c|d^e%f",
    "$",
    "@]",
    "#",
    "*",
    "\n\t\0\u{1f}",
    "\u{2028}",
    "中文",
    "🦀",
];
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
const NUMBERS: [f64; 16] = [
    0.0,
    1.0,
    -1.0,
    35.0,
    36.0,
    -36.0,
    4_294_967_296.0,
    MAX_SAFE,
    -MAX_SAFE,
    0.1,
    -0.5,
    1e-7,
    5e-324,
    std::f64::consts::PI,
    f64::INFINITY,
    f64::NEG_INFINITY,
];
const MAX_DATE: i64 = 8_640_000_000_000_000;

/// Of at most so many levels. NaN is left to the vectors, as it equals nothing.
pub(crate) fn value(random: &mut Rng, levels: u32) -> Value {
    match random.u8(..if levels > 0 { 11 } else { 8 }) {
        0 => Value::Undefined,
        1 => Value::Null,
        2 => Value::Bool(random.bool()),
        3 => Value::Number(NUMBERS[random.usize(..NUMBERS.len())]),
        4 => Value::Number(integer(random)),
        5 => Value::Number((random.f64() + 1e-12) * 2f64.powi(random.i32(-50..10))),
        6 => Value::String(text(random)),
        7 => Date::from_millis(random.i64(-MAX_DATE..=MAX_DATE)).unwrap().into(),
        8 => Buffer(many(random, |random| random.u8(..))).into(),
        9 => Value::Array(many(random, |random| value(random, levels - 1))),
        _ if random.bool() => error(random, levels).into(),
        _ => {
            let entries = many(random, |random| (key(random), value(random, levels - 1)));
            Value::Object(entries.into_iter().collect())
        }
    }
}

fn integer(random: &mut Rng) -> f64 {
    let magnitude = 1_i64 << random.u32(..53);
    random.i64(-magnitude..=magnitude) as f64
}

fn text(random: &mut Rng) -> String {
    many(random, |random| match random.bool() {
        true => TEXTS[random.usize(..TEXTS.len())].to_owned(),
        false => random.char(' '..).to_string(),
    })
    .concat()
}

/// Some of them are indices of arrays, which Node puts first.
fn key(random: &mut Rng) -> String {
    if random.u8(..4) == 0 { random.u32(..).to_string() } else { text(random) }
}

fn error(random: &mut Rng, levels: u32) -> JsError {
    let mut error = JsError::new(text(random));
    error.stack = Some(format!("Error: {}\n    at {}", error.message, random.u8(..)));
    if random.bool() {
        error.name = "CustomError".to_owned();
    }
    error.code = match random.u8(..3) {
        0 => Some(ErrorCode::Text("E_CODE".to_owned())),
        1 => Some(ErrorCode::Number(integer(random))),
        _ => None,
    };
    if random.bool() {
        error.props = Object::from_iter([("detail", value(random, levels - 1))]);
    }
    error
}

fn many<T>(random: &mut Rng, mut make: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    (0..random.u8(..6)).map(|_| make(random)).collect()
}
