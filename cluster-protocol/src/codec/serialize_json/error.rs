//! What can be wrong with a value or with bytes.

use std::fmt::Display;

use thiserror::Error;

use super::MAX_DEPTH;

#[derive(Debug, Error)]
pub(super) enum Error {
    /// What the `Serialize` or `Deserialize` of a type says.
    #[error("{0}")]
    Type(String),
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,

    #[error("integer {0} is beyond ±(2^53 - 1), where JavaScript's numbers are not exact")]
    UnsafeInteger(String),
    #[error("{0:e} is finite, but Node would read Infinity")]
    ReadAsInfinity(f64),
    #[error("key {0:?} occurs twice in one map")]
    DuplicateKey(String),
    #[error("key \"__proto__\" would set the prototype of Node's object")]
    ProtoKey,
    #[error("a key of a map is {0}, not a string, an integer, a bool or a unit variant")]
    Key(String),

    #[error("not UTF-8: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    #[error("{found} of 5 parts between '^'")]
    Parts { found: usize },
    #[error("structure, byte {at}: {found:?} where {expected} should be")]
    Unexpected { at: usize, found: Option<char>, expected: &'static str },
    #[error("structure: {0:?} is no index")]
    Index(String),
    #[error("structure: index {index}, but the lists have {len} items")]
    IndexOutOfRange { index: usize, len: usize },
    #[error("structure: item {0} is used twice")]
    UsedTwice(usize),
    #[error("{0:?} is no integer in base 36")]
    Integer(String),
    #[error("{0:?} is no float")]
    Float(String),
    #[error("{0:?} is no date in ms in base 36, or beyond the range of dates")]
    Date(String),
}

impl serde::ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Error::Type(message.to_string())
    }
}

impl serde::de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Error::Type(message.to_string())
    }
}
