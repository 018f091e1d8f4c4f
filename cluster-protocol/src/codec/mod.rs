//! How one value becomes bytes: the codecs, and the one that a connection has agreed on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::append::Append;
use crate::{BorrowedStr, DecodeError, EncodeError};

#[cfg(feature = "bincode")]
mod bincode;
mod json;
mod serialize_json;

#[cfg(feature = "bincode")]
pub use bincode::Bincode;
pub use json::Json;
pub use serialize_json::{
    Buffer, Date, DateError, ErrorCode, JsError, Object, SerializeJson, Undefined, Value,
    json_text, node_key,
};

/// One way to make bytes of values. A new codec is a type with this trait and a variant of [`Codec`].
pub trait Encoding {
    /// The codec's name on the wire.
    const NAME: &'static str;

    /// Appends `value` to `out`. After an error `out` may end in a part of it.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Value`], if the format cannot hold the value or its `Serialize` fails.
    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Reads one value, which must take up all of `bytes`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Value`], if `bytes` are no such value, and exactly one.
    fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError>;
}

/// The codec of the application data of one connection.
///
/// The default is `Bincode`, in a build without it [`Codec::Json`]. Displayed, parsed and serialized as its
/// wire name.
///
/// ```
/// use cluster_protocol::Codec;
///
/// let mut bytes = Vec::new();
/// Codec::Json.encode(&("a", 1), &mut bytes)?;
/// assert_eq!(bytes, br#"["a",1]"#);
/// assert_eq!(Codec::Json.decode::<(String, u8)>(&bytes)?, ("a".to_owned(), 1));
/// assert_eq!("json".parse::<Codec>()?, Codec::Json);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// [`Bincode`]: compact and fast.
    #[cfg(feature = "bincode")]
    #[default]
    Bincode,
    /// [`Json`]: readable, and lenient towards types that have changed.
    #[cfg_attr(not(feature = "bincode"), default)]
    Json,
    /// [`SerializeJson`]: what Node speaks.
    SerializeJson,
}

impl Codec {
    const ALL: &[Codec] = &[
        #[cfg(feature = "bincode")]
        Codec::Bincode,
        Codec::Json,
        Codec::SerializeJson,
    ];

    /// The codec's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "bincode")]
            Codec::Bincode => Bincode::NAME,
            Codec::Json => Json::NAME,
            Codec::SerializeJson => SerializeJson::NAME,
        }
    }

    /// Appends `value` to `out`. On an error `out` is as it was.
    ///
    /// # Errors
    ///
    /// As [`Encoding::encode`].
    pub fn encode<T: Serialize + ?Sized>(
        self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let append = Append::to(out);
        match self {
            #[cfg(feature = "bincode")]
            Codec::Bincode => Bincode::encode(value, append.out)?,
            Codec::Json => Json::encode(value, append.out)?,
            Codec::SerializeJson => SerializeJson::encode(value, append.out)?,
        }
        append.keep();
        Ok(())
    }

    /// Reads one value, which must take up all of `bytes`.
    ///
    /// # Errors
    ///
    /// As [`Encoding::decode`].
    pub fn decode<'de, T: Deserialize<'de>>(self, bytes: &'de [u8]) -> Result<T, DecodeError> {
        match self {
            #[cfg(feature = "bincode")]
            Codec::Bincode => Bincode::decode(bytes),
            Codec::Json => Json::decode(bytes),
            Codec::SerializeJson => SerializeJson::decode(bytes),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Codec {
    type Err = DecodeError;

    fn from_str(name: &str) -> Result<Self, DecodeError> {
        let codec = Codec::ALL.iter().find(|codec| codec.name() == name);
        codec.copied().ok_or_else(|| DecodeError::UnknownCodec { name: name.to_owned() })
    }
}

impl Serialize for Codec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Codec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = BorrowedStr::deserialize(deserializer)?;
        name.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_default_is_the_compact_one_if_it_is_there() {
        let default = if cfg!(feature = "bincode") { "bincode" } else { "json" };
        assert_eq!(Codec::default().to_string(), default);
    }

    #[test]
    fn a_codec_travels_by_name() {
        for &codec in Codec::ALL {
            assert_eq!(codec.name().parse(), Ok(codec));
            let json = serde_json::to_string(&codec).unwrap();
            assert_eq!(json, format!("{:?}", codec.name()));
            assert_eq!(serde_json::from_str::<Codec>(&json).unwrap(), codec);
        }
        let name = "morse".to_owned();
        assert_eq!("morse".parse::<Codec>(), Err(DecodeError::UnknownCodec { name }));
        assert!(serde_json::from_str::<Codec>("\"morse\"").is_err());
    }

    #[test]
    fn a_value_comes_back_and_must_take_up_all_bytes() {
        let value = (String::from("näme"), vec![1_u64, 2], Some(-3_i8), ());
        for &codec in Codec::ALL {
            let mut bytes = vec![0xee];
            codec.encode(&value, &mut bytes).unwrap();
            assert_eq!(codec.decode(&bytes[1..]), Ok(value.clone()));
            bytes.push(b'1');
            let longer = codec.decode::<(String, Vec<u64>, Option<i8>, ())>(&bytes[1..]);
            assert!(matches!(longer, Err(DecodeError::Value { .. })), "{codec}: {longer:?}");
        }
    }

    #[test]
    fn a_float_comes_back_to_the_last_digit() {
        for float in [1.0000000000000001e21, 5e-324, 0.1 + 0.2, 2.2250738585072014e-308] {
            for &codec in Codec::ALL.iter().filter(|codec| **codec != Codec::SerializeJson) {
                let mut bytes = Vec::new();
                codec.encode(&float, &mut bytes).unwrap();
                assert_eq!(codec.decode(&bytes), Ok(float), "{codec}");
            }
        }
    }

    #[test]
    fn what_json_cannot_hold_is_an_error_that_leaves_no_bytes() {
        let map = HashMap::from([(vec![1_u8], 2)]);
        let mut bytes = b"before".to_vec();
        let error = Codec::Json.encode(&map, &mut bytes);
        assert!(matches!(error, Err(EncodeError::Value { codec: "json", .. })), "{error:?}");
        assert_eq!(bytes, b"before");
    }
}
