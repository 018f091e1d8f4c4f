//! What can be wrong with bytes that come in, and with values that are to go out.

use thiserror::Error;

/// Why bytes of a peer were refused: one variant for each rule, with the offending value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The first byte of a packet is not 1: most often a foreign protocol (HTTP, TLS) on the port.
    #[error("packet version {0} is not 1: the peer does not speak this protocol")]
    Version(u8),
    /// The second byte of a packet is neither 0 nor 1.
    #[error("packet kind {0} is neither 0 (request) nor 1 (response)")]
    Kind(u8),
    /// The reserved bytes are not 0.
    #[error("reserved bytes of the packet header are {0}, not 0")]
    Reserved(u16),
    /// The id is negative.
    #[error("packet id {0} is negative")]
    NegativeId(i64),
    /// The timeout is negative.
    #[error("packet timeout {0} ms is negative")]
    NegativeTimeout(i32),
    /// The length of the connection object is negative.
    #[error("connection object length {0} is negative")]
    NegativeConnLength(i32),
    /// The length of the data is negative.
    #[error("data length {0} is negative")]
    NegativeDataLength(i32),
    /// Both lengths are 0.
    #[error("the packet has neither a connection object nor data")]
    Empty,
    /// The connection object is longer than [`FrameLimits`](crate::FrameLimits) allow.
    #[error("connection object of {len} bytes is over the limit of {limit}")]
    ConnObjectTooLong {
        /// Its length in bytes, as the header claims it.
        len: usize,
        /// The longest one that is taken.
        limit: usize,
    },
    /// The data is longer than [`FrameLimits`](crate::FrameLimits) allow.
    #[error("data of {len} bytes is over the limit of {limit}")]
    DataTooLong {
        /// Its length in bytes, as the header claims it.
        len: usize,
        /// The longest one that is taken.
        limit: usize,
    },
    /// The connection object is not a JSON object with the fields this protocol knows in their types.
    #[error("connection object: {message}")]
    ConnObject {
        /// What the JSON parser says.
        message: String,
    },
    /// The connection object is well-formed, but of a type that is not known here. A connection survives it.
    #[error("connection object: unknown type {name:?}")]
    UnknownType {
        /// The type.
        name: String,
    },
    /// A field of a connection object of a known type is missing or wrong. A connection survives it.
    #[error("connection object {object}: field {field}: {message}")]
    Field {
        /// The type of the object.
        object: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// No such codec, or not in this build.
    #[error("unknown codec {name:?}")]
    UnknownCodec {
        /// Its wire name.
        name: String,
    },
    /// The codec could not make a value of the bytes.
    #[error("{codec}: {message}")]
    Value {
        /// Wire name of the codec.
        codec: &'static str,
        /// What the codec says.
        message: String,
    },
    /// An argument could not be decoded.
    #[error("argument {index}: {error}")]
    Argument {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        error: Box<DecodeError>,
    },
    /// The data ends before the argument that it announces.
    #[error("argument {index} claims {len} bytes, {left} are left")]
    ArgumentTooLong {
        /// Which one, from 0.
        index: usize,
        /// The length it claims, in bytes.
        len: usize,
        /// How many bytes of data are left for it.
        left: usize,
    },
    /// The data ends before the last argument.
    #[error("{found} arguments, expected {expected}")]
    TooFewArguments {
        /// How many the method has.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The data does not end with the last argument.
    #[error("{left} bytes of data after the last of {expected} arguments")]
    TooManyArguments {
        /// How many the method has.
        expected: usize,
        /// How many bytes are left after them.
        left: usize,
    },
}

/// Why a packet could not be made: one variant for each rule, with the offending value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The id is 2^63 or more.
    #[error("packet id {0} is over the limit of 2^63 - 1")]
    IdTooLarge(u64),
    /// The timeout is 2^31 ms or more.
    #[error("packet timeout {0} ms is over the limit of 2^31 - 1")]
    TimeoutTooLarge(u32),
    /// Neither a connection object nor data.
    #[error("the packet has neither a connection object nor data")]
    Empty,
    /// The connection object is longer than [`FrameLimits`](crate::FrameLimits) allow.
    #[error("connection object of {len} bytes is over the limit of {limit}")]
    ConnObjectTooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest one that is sent.
        limit: usize,
    },
    /// The data is longer than [`FrameLimits`](crate::FrameLimits) allow.
    #[error("data of {len} bytes is over the limit of {limit}")]
    DataTooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest one that is sent.
        limit: usize,
    },
    /// The codec could not make bytes of the value.
    #[error("{codec}: {message}")]
    Value {
        /// Wire name of the codec.
        codec: &'static str,
        /// What the codec says.
        message: String,
    },
    /// An argument could not be encoded.
    #[error("argument {index}: {error}")]
    Argument {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        error: Box<EncodeError>,
    },
}
