//! The packets, connection objects and codecs of cluster-client: bytes in, typed packets out.
//!
//! Nothing in this crate reads a socket, a clock or a file, and no allocation is sized by what a
//! peer claims: a packet is taken from the bytes that are there, borrowed, once all of it is there.
//! Users of cluster-client never need to name this crate.
//!
//! # A packet
//!
//! A header of 24 bytes, big endian, then a connection object (JSON: what this message is), then the
//! application data (arguments, a result, an event: in the codec of the connection). The format is
//! that of the npm package cluster-client 3.7.
//!
//! ```text
//!  0        1        2                 4
//! +--------+--------+-----------------+-----------------------------------+
//! | version| kind   | reserved = 0    | id                                |
//! | = 1    | 0 or 1 |                 | i64, not negative                 :
//! +--------+--------+-----------------+-----------------+-----------------+
//! : id, continued                     | timeout in ms   | connection      |
//! :                                   | i32, 0 = none   | object length   |
//! +-----------------+-----------------+-----------------+-----------------+
//! | data length     | connection object, then data                        |
//! | i32             |                                                     :
//! +-----------------+-----------------------------------------------------+
//! ```
//!
//! Kind 0 is a request and 1 is the response to the request of the same id. Both sides make requests:
//! a push of a subscription is one from the leader to the follower.
//!
//! One whole packet, the call `get("123")` with JSON arguments:
//!
//! ```
//! use cluster_protocol::{
//!     Codec, ConnObject, DecodeArguments, EncodeArguments, FrameLimits, Kind, Parse, invoke_object, parse,
//!     write_packet,
//! };
//!
//! let limits = FrameLimits::default();
//! let mut bytes = Vec::new();
//! let conn = invoke_object!("get", 1, false).as_bytes();
//! write_packet(&mut bytes, Kind::Request, 4, 3000, conn, &limits, |out| ("123",).encode(Codec::Json, out))?;
//!
//! let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
//! assert_eq!(hex, concat!(
//!     "01", "00", "0000",         // version 1, a request
//!     "0000000000000004",         // id 4
//!     "00000bb8",                 // 3000 ms are left
//!     "0000003d", "00000009",     // 61 bytes of connection object, 9 of data
//!     // {"type":"invoke","method":"get","argLength":1,"oneway":false}
//!     "7b2274797065223a22696e766f6b65222c226d6574686f64223a22676574222c22617267",
//!     "4c656e677468223a312c226f6e65776179223a66616c73657d",
//!     "00000005", "2231323322",   // one argument of 5 bytes: "123"
//! ));
//!
//! let Parse::Complete(packet) = parse(&bytes, &limits)? else { panic!("half a packet") };
//! assert!(matches!(ConnObject::parse(packet.conn)?, ConnObject::Invoke { arg_length: 1, .. }));
//! let (key,) = <(String,)>::decode(Codec::Json, packet.data)?;
//! assert_eq!(key, "123");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! In the order in which bytes come in:
//!
//! - `header`: the 24 bytes, both ways; the only code that knows offsets
//! - `limits`: how long a packet may be
//! - `packet`: the first packet of a buffer; appending one to a buffer
//! - `conn`: the connection object; the only code that knows wire names
//! - `args`: the list of arguments inside the application data
//! - `codec`: how one value becomes bytes
//! - `append`: all or nothing of it stays in a buffer
//! - `error`: one variant for each rule that can be broken

mod append;
mod args;
mod codec;
mod conn;
mod error;
mod header;
mod limits;
mod packet;

pub use args::{BorrowedStr, DecodeArguments, EncodeArguments};
#[cfg(feature = "bincode")]
pub use codec::Bincode;
pub use codec::{
    Buffer, Codec, Date, DateError, Encoding, ErrorCode, JsError, Json, Object, SerializeJson,
    Undefined, Value, json_text, node_key,
};
pub use conn::{
    CANCEL, ChannelState, ConnObject, Failure, HEARTBEAT, HEARTBEAT_RES, Hello, PushEvent,
    RESULT_ERR, RESULT_OK, SUBSCRIBE_RESULT_RES, Welcome, object_to_restore, object_with_call,
};
pub use error::{DecodeError, EncodeError};
pub use header::{HEADER_LEN, Header, Kind};
pub use limits::FrameLimits;
pub use packet::{Packet, Parse, parse, set_id, timeout_millis, write_packet};
