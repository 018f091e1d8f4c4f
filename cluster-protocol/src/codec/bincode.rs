//! The compact codec. Only this file knows the crate behind it.
//!
//! bincode 1.3.3 is unmaintained, but complete, and its format is read by maintained crates too. It is safe
//! to use on slices, where a claimed length is checked against the bytes that are there; from a reader it
//! would allocate by the claim.

use ::bincode::Options;
use serde::{Deserialize, Serialize};

use super::Encoding;
use crate::{DecodeError, EncodeError};

/// bincode: little endian, numbers of fixed width, no field names.
///
/// Not self-describing: `flatten`, `untagged`, `tag`, `skip_serializing_if` and `serde_json::Value` do not
/// work with it, and a type that gains a field is another type. Depth is not limited, nor the number of items
/// that take no bytes: a peer can overflow the stack through a recursive type, and spin through a `Vec<()>`.
#[derive(Clone, Copy, Debug)]
pub struct Bincode;

impl Encoding for Bincode {
    const NAME: &'static str = "bincode";

    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        // No limit here: it would serialize twice, the first time to count.
        options()
            .serialize_into(out, value)
            .map_err(|error| EncodeError::Value { codec: Self::NAME, message: error.to_string() })
    }

    fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
        options()
            .reject_trailing_bytes()
            .with_limit(bytes.len() as u64)
            .deserialize(bytes)
            .map_err(|error| DecodeError::Value { codec: Self::NAME, message: error.to_string() })
    }
}

fn options() -> impl Options {
    ::bincode::DefaultOptions::new().with_fixint_encoding()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_fixed() {
        let mut bytes = Vec::new();
        Bincode::encode(&(258_u32, "ab", Some(true)), &mut bytes).unwrap();
        assert_eq!(bytes, [2, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b', 1, 1]);
    }

    #[test]
    fn a_claimed_length_is_no_allocation() {
        let bytes = u64::MAX.to_le_bytes();
        assert!(Bincode::decode::<String>(&bytes).is_err());
        assert!(Bincode::decode::<Vec<u64>>(&bytes).is_err());
        assert!(Bincode::decode::<Vec<String>>(&(1_u64 << 40).to_le_bytes()).is_err());
    }

    #[test]
    fn the_limit_is_never_short_of_a_whole_value() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        enum Shape {
            Unit,
            Tuple(i16, char),
            Struct { wide: u128, text: Option<String> },
        }
        let map = std::collections::BTreeMap::from([("k".to_owned(), ('ß', true, 1.5_f32))]);
        let wide = Shape::Struct { wide: u128::MAX, text: Some("t".to_owned()) };
        let value = (map, vec![Shape::Unit, Shape::Tuple(-1, '🦀'), wide], [(); 3], -1_i128);
        let mut bytes = Vec::new();
        Bincode::encode(&value, &mut bytes).unwrap();
        assert_eq!(Bincode::decode(&bytes), Ok(value));
    }
}
