//! What serde's types become, and what is refused.

use serde::{Deserialize, Serialize};

use crate::{Codec, DecodeError, EncodeError};

mod formats;
mod typed;
mod wrong;

fn encoded<T: Serialize + ?Sized>(value: &T) -> String {
    let mut bytes = Vec::new();
    Codec::SerializeJson.encode(value, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn decoded<'de, T: Deserialize<'de>>(text: &'de str) -> T {
    Codec::SerializeJson.decode(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn encode_error<T: Serialize + ?Sized>(value: &T) -> String {
    match Codec::SerializeJson.encode(value, &mut Vec::new()) {
        Err(EncodeError::Value { codec: "serialize-json", message }) => message,
        other => panic!("{other:?}"),
    }
}

fn decode_error<'de, T: Deserialize<'de> + std::fmt::Debug>(text: &'de str) -> String {
    match Codec::SerializeJson.decode::<T>(text.as_bytes()) {
        Err(DecodeError::Value { codec: "serialize-json", message }) => message,
        other => panic!("{text}: {other:?}"),
    }
}
