//! The JSON codec.

use serde::{Deserialize, Serialize};

use super::Encoding;
use crate::{DecodeError, EncodeError};

/// JSON, by serde_json. A float that is not finite becomes `null`; keys of maps are strings or numbers.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Encoding for Json {
    const NAME: &'static str = "json";

    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        serde_json::to_writer(out, value)
            .map_err(|error| EncodeError::Value { codec: Self::NAME, message: error.to_string() })
    }

    fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
        serde_json::from_slice(bytes)
            .map_err(|error| DecodeError::Value { codec: Self::NAME, message: error.to_string() })
    }
}
