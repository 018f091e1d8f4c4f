//! The codec of the npm original.

use serde::{Deserialize, Serialize};

use super::Encoding;
use crate::{DecodeError, EncodeError};

mod bytes;
mod date;
mod de;
mod error;
mod js_error;
mod key;
mod marks;
mod number;
mod object;
mod pack;
mod reader;
mod ser;
mod stringify;
#[cfg(test)]
mod tests;
mod value;

pub use bytes::{Buffer, Undefined};
pub use date::{Date, DateError};
pub use js_error::{ErrorCode, JsError};
pub use object::Object;
pub use stringify::{json_text, node_key};
pub use value::Value;

/// Containers within each other: far below what the stack of a thread holds.
const MAX_DEPTH: usize = 128;

/// serialize-json 1.0.3, the codec of the npm package cluster-client: byte for byte what Node writes.
///
/// ```
/// use cluster_protocol::{Codec, Date};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Instance {
///     host: String,
///     port: u16,
///     since: Date,
///     weight: Option<f64>,
/// }
///
/// let instance = Instance { host: "a b".into(), port: 36, since: Date::from_millis(0)?, weight: None };
/// let mut bytes = Vec::new();
/// Codec::SerializeJson.encode(&instance, &mut bytes)?;
/// assert_eq!(bytes, b"host|a+b|port|since|weight^10^^0^$0|1|2|5|3|6|4|-3]");
/// assert_eq!(Codec::SerializeJson.decode::<Instance>(&bytes)?, instance);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Rust and JavaScript
///
/// | Rust | JavaScript | back in Rust |
/// |---|---|---|
/// | `()`, a unit struct, [`Undefined`] | `undefined` | also from `null` |
/// | `None` | `null` | also from `undefined` |
/// | `Some(x)`, a newtype struct | as `x` | |
/// | `bool`; `String`, `&str`, `char` | boolean; string | `&str` only of a string without escapes: [`BorrowedStr`] |
/// | integers up to ±(2<sup>53</sup> - 1), `f64`, `f32` | number | an integer for a float, not the other way round |
/// | `Vec<T>`, tuples, tuple structs | array | |
/// | [`Buffer`] and what else serde shows as bytes | `Buffer` | also from an array; a `Vec<u8>` from a `Buffer` too |
/// | structs, maps | plain object | |
/// | a unit variant | string with its name | |
/// | any other variant | object with one property, its name | |
/// | [`Date`] | `Date` | also from an ISO string |
/// | [`JsError`] | `Error` | also from an object with a `message` |
/// | [`Value`] | any of these | |
///
/// An object has its properties in JavaScript's order (see [`Object`]). Keys of maps are strings, or integers, bools, chars
/// and unit variants as text. For a struct, members that are `undefined` are not there, so that `#[serde(default)]` applies,
/// and unknown ones are ignored; so it is for enums that are untagged or internally tagged. A map, and so a struct with a
/// flattened field, does see members that are `undefined`, as `None` or `()`.
///
/// # What it cannot hold
///
/// An error, when encoding and when decoding:
///
/// - An integer beyond ±(2<sup>53</sup> - 1). Send it as a string. As a key of a map it may have any size.
/// - Containers nested deeper than 128. Items that the structure uses twice, which no encoder writes.
/// - A `Date`, an `Error` or a `Buffer` where the Rust type does not expect one, [`serde_json::Value`] for example.
///
/// An error when encoding only:
///
/// - A key that occurs twice in one map; the key `__proto__`, which would set the prototype of Node's object.
/// - A key that is neither a string nor one of the above.
/// - A finite float so large that Node would read `Infinity`, as `f64::MAX`.
///
/// Changed silently, as by Node itself:
///
/// - -0.0 becomes 0.
/// - Whole floats beyond 2<sup>53</sup> may change in the last place, since V8 rounds when it prints and reads base 36.
/// - `Some(None)` and `Some(())` become `None`.
/// - The name of an error, if it is `Error`, is not among its own properties afterwards.
///
/// Node writes an `Invalid Date` as it writes the date 30191 ms after 1970, and that is read.
///
/// ```
/// use cluster_protocol::{Codec, Date};
///
/// let mut bytes = Vec::new();
/// let error = Codec::SerializeJson.encode(&(1_u64 << 53), &mut bytes).unwrap_err();
/// assert!(error.to_string().starts_with("serialize-json: integer 9007199254740992 is beyond"));
///
/// Codec::SerializeJson.encode(&Date::from_millis(0)?, &mut bytes)?;
/// assert!(Codec::SerializeJson.decode::<serde_json::Value>(&bytes).is_err());
/// assert!(Codec::SerializeJson.decode::<i64>(&bytes).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Format
///
/// UTF-8 text in five parts with `^` between them: the strings, the integers in base 36, the floats, the dates in ms in
/// base 36, each with `|` between its items, and the structure. That consists of indices into all items in a row, in base
/// 36, of -1 `true`, -2 `false`, -3 `null`, -4 the empty string, -5 `undefined`, and of the containers `@…]` array, `$…]`
/// object, `*…]` buffer and `#…]` error, with `|` between what is in them. In strings a space is `+`, and `+|^%` are
/// `%2B`, `%7C`, `%5E` and `%25`.
///
/// Encoding makes a [`Value`] first. Decoding does not, and borrows what it can.
///
/// [`BorrowedStr`]: crate::BorrowedStr
#[derive(Clone, Copy, Debug)]
pub struct SerializeJson;

impl Encoding for SerializeJson {
    const NAME: &'static str = "serialize-json";

    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        ser::to_value(value)
            .and_then(|value| pack::pack(&value, out))
            .map_err(|error| EncodeError::Value { codec: Self::NAME, message: error.to_string() })
    }

    fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
        de::from_bytes(bytes)
            .map_err(|error| DecodeError::Value { codec: Self::NAME, message: error.to_string() })
    }
}
