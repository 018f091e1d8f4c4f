//! Node's `Buffer`, and `undefined`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bytes that Node sees as a `Buffer`. A `Vec<u8>` is an array of numbers there, because serde shows it as such.
///
/// ```
/// use cluster_protocol::{Buffer, Codec};
///
/// let mut bytes = Vec::new();
/// Codec::SerializeJson.encode(&Buffer(vec![1, 35]), &mut bytes)?;
/// assert_eq!(bytes, b"^1|Z^^^*0|1]");
/// assert_eq!(Codec::SerializeJson.decode::<Vec<u8>>(&bytes)?, [1, 35]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Buffer(pub Vec<u8>);

/// JavaScript's `undefined`, as `()` is, by a name that says so. `null` is read as well. Inside an `Option` it
/// comes back as `None`, which is written as `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Undefined;

impl Serialize for Buffer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Buffer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Buffer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Buffer, E> {
        Ok(Buffer(bytes.to_vec()))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Buffer, E> {
        Ok(Buffer(bytes))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Buffer, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        Ok(Buffer(bytes))
    }
}
