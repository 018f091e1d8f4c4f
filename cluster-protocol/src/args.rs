//! The list of arguments inside the application data: for each a length (4 bytes, big endian) and the value.

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::append::Append;
use crate::{Codec, DecodeError, EncodeError};

/// Arguments that can be sent: `()` and tuples of up to 12 `Serialize` values.
pub trait EncodeArguments {
    /// How many there are.
    const COUNT: usize;

    /// Appends them to `out`. On an error `out` is as it was.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Argument`] with the index of the one that could not be encoded.
    fn encode(&self, codec: Codec, out: &mut Vec<u8>) -> Result<(), EncodeError>;
}

/// Arguments that can be received: `()` and tuples of up to 12 `Deserialize` values.
pub trait DecodeArguments<'de>: Sized {
    /// How many there are.
    const COUNT: usize;

    /// Reads them; they must take up all of `data`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Argument`] with the index of the one that could not be decoded, or what is wrong with
    /// the list: a length beyond the data, too few or too many arguments.
    fn decode(codec: Codec, data: &'de [u8]) -> Result<Self, DecodeError>;
}

/// A received string: borrowed from the packet if its bytes stand there as they are, else (JSON escapes) owned.
///
/// ```
/// use cluster_protocol::{BorrowedStr, Codec};
///
/// let name: BorrowedStr<'_> = Codec::Json.decode(br#""a\nb""#)?;
/// assert_eq!(&*name, "a\nb");
/// # Ok::<(), cluster_protocol::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct BorrowedStr<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for BorrowedStr<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<BorrowedStr<'a>> for Cow<'a, str> {
    fn from(text: BorrowedStr<'a>) -> Self {
        text.0
    }
}

macro_rules! tuples {
    ($($count:literal: $($T:ident $t:ident)*;)*) => {$(
        impl<$($T: Serialize),*> EncodeArguments for ($($T,)*) {
            const COUNT: usize = $count;

            fn encode(&self, codec: Codec, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                let ($($t,)*) = self;
                let list = EncodeList { codec, index: 0, append: Append::to(out) };
                $(let list = list.push($t)?;)*
                list.append.keep();
                Ok(())
            }
        }

        impl<'de, $($T: Deserialize<'de>),*> DecodeArguments<'de> for ($($T,)*) {
            const COUNT: usize = $count;

            fn decode(codec: Codec, data: &'de [u8]) -> Result<Self, DecodeError> {
                let list = DecodeList { codec, index: 0, expected: $count, rest: data };
                $(let ($t, list) = list.pop()?;)*
                list.finish()?;
                Ok(($($t,)*))
            }
        }
    )*};
}

tuples! {
    0: ;
    1: A a;
    2: A a B b;
    3: A a B b C c;
    4: A a B b C c D d;
    5: A a B b C c D d E e;
    6: A a B b C c D d E e F f;
    7: A a B b C c D d E e F f G g;
    8: A a B b C c D d E e F f G g H h;
    9: A a B b C c D d E e F f G g H h I i;
    10: A a B b C c D d E e F f G g H h I i J j;
    11: A a B b C c D d E e F f G g H h I i J j K k;
    12: A a B b C c D d E e F f G g H h I i J j K k L l;
}

/// The arguments appended so far.
struct EncodeList<'a> {
    codec: Codec,
    index: usize,
    append: Append<'a>,
}

impl EncodeList<'_> {
    fn push<T: Serialize>(mut self, value: &T) -> Result<Self, EncodeError> {
        let index = self.index;
        let named = |error| EncodeError::Argument { index, error: Box::new(error) };
        let out = &mut *self.append.out;
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        self.codec.encode(value, out).map_err(named)?;
        let len = out.len() - start - 4;
        // Node reads the length as a signed number.
        let Ok(wire) = i32::try_from(len) else {
            let limit = i32::MAX as usize;
            return Err(named(EncodeError::DataTooLong { len, limit }));
        };
        out[start..start + 4].copy_from_slice(&wire.to_be_bytes());
        self.index += 1;
        Ok(self)
    }
}

/// The arguments not yet read.
struct DecodeList<'de> {
    codec: Codec,
    index: usize,
    expected: usize,
    rest: &'de [u8],
}

impl<'de> DecodeList<'de> {
    fn pop<T: Deserialize<'de>>(self) -> Result<(T, Self), DecodeError> {
        let index = self.index;
        let Some((len, rest)) = self.rest.split_first_chunk::<4>() else {
            return Err(DecodeError::TooFewArguments { expected: self.expected, found: index });
        };
        let len = u32::from_be_bytes(*len) as usize;
        let Some((bytes, rest)) = rest.split_at_checked(len) else {
            let left = rest.len();
            return Err(DecodeError::ArgumentTooLong { index, len, left });
        };
        let value = self
            .codec
            .decode(bytes)
            .map_err(|error| DecodeError::Argument { index, error: Box::new(error) })?;
        let index = index + 1;
        Ok((value, Self { index, rest, ..self }))
    }

    fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::TooManyArguments { expected: self.expected, left }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json<A: EncodeArguments>(arguments: &A) -> Vec<u8> {
        let mut data = Vec::new();
        arguments.encode(Codec::Json, &mut data).unwrap();
        data
    }

    #[test]
    fn each_argument_follows_its_length() {
        assert_eq!(json(&()), b"");
        assert_eq!(json(&("ab", 7)), b"\0\0\0\x04\"ab\"\0\0\0\x017");
        assert_eq!(<(&str, u8) as EncodeArguments>::COUNT, 2);
    }

    #[test]
    fn arguments_come_back() {
        for codec in [Codec::default(), Codec::Json] {
            let mut data = Vec::new();
            (1_u8, "two", vec![3_i64], ()).encode(codec, &mut data).unwrap();
            let (one, two, three, unit) =
                <(u8, BorrowedStr<'_>, Vec<i64>, ())>::decode(codec, &data).unwrap();
            assert_eq!((one, &*two, three, unit), (1, "two", vec![3], ()));
        }
        assert_eq!(<()>::decode(Codec::Json, b""), Ok(()));
    }

    #[test]
    fn a_string_is_borrowed_unless_it_has_escapes() {
        let borrowed = |data| {
            let (text,) = <(BorrowedStr<'_>,)>::decode(Codec::Json, data).unwrap();
            matches!(text.0, Cow::Borrowed(_))
        };
        assert!(borrowed(b"\0\0\0\x04\"ab\""));
        assert!(!borrowed(b"\0\0\0\x04\"\\n\""));
    }

    #[test]
    fn a_wrong_list_is_named() {
        let decode = <(u8, u8)>::decode;
        let wrong = |data| decode(Codec::Json, data).unwrap_err();
        assert_eq!(wrong(b"\0\0\0\x011"), DecodeError::TooFewArguments { expected: 2, found: 1 });
        assert_eq!(
            wrong(b"\0\0\0\x011\0\0\0\x012\0"),
            DecodeError::TooManyArguments { expected: 2, left: 1 }
        );
        assert_eq!(
            wrong(b"\0\0\0\x011\xff\xff\xff\xff2"),
            DecodeError::ArgumentTooLong { index: 1, len: 0xffff_ffff, left: 1 }
        );
        let error = wrong(b"\0\0\0\x011\0\0\0\x01x");
        assert!(matches!(error, DecodeError::Argument { index: 1, .. }), "{error:?}");
        assert!(error.to_string().starts_with("argument 1: json: "), "{error}");
    }

    #[test]
    fn an_argument_that_cannot_be_encoded_is_named_and_leaves_no_bytes() {
        let unencodable = std::collections::HashMap::from([((1, 2), 3)]);
        let mut data = b"before".to_vec();
        let error = (1, unencodable).encode(Codec::Json, &mut data).unwrap_err();
        assert!(matches!(error, EncodeError::Argument { index: 1, .. }), "{error:?}");
        assert_eq!(data, b"before");
    }
}
