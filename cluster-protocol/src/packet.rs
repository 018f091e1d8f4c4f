//! The first packet of a buffer, and appending one to a buffer.

use std::time::Duration;

use crate::append::Append;
use crate::header::{self, HEADER_LEN, Header, Kind};
use crate::{DecodeError, EncodeError, FrameLimits};

/// The wire's lengths and timeouts are signed 32-bit numbers.
const MAX_I32: u32 = i32::MAX as u32;
/// The wire's ids are signed 64-bit numbers.
const MAX_ID: u64 = i64::MAX as u64;

/// A whole packet, borrowed from the buffer it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Kind, id and timeout.
    pub header: Header,
    /// The connection object, for [`ConnObject::parse`](crate::ConnObject::parse).
    pub conn: &'a [u8],
    /// The application data.
    pub data: &'a [u8],
}

/// What stands at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parse<'a> {
    /// A whole packet of [`Header::packet_len`] bytes. More may follow it.
    Complete(Packet<'a>),
    /// Not yet a whole packet.
    Incomplete {
        /// Length of the whole packet in bytes, or [`HEADER_LEN`] while that is not known.
        need: usize,
    },
}

/// Looks at the first packet in `buf`. Never allocates.
///
/// # Errors
///
/// The bytes are no packet, or one that is longer than `limits` allow. Nothing that follows in the same
/// stream can be made sense of. Known as soon as the header is there, a foreign protocol at its first byte.
///
/// ```
/// use cluster_protocol::{DecodeError, FrameLimits, HEADER_LEN, Parse, parse};
///
/// let limits = FrameLimits::default();
/// assert_eq!(parse(&[1, 0, 0], &limits), Ok(Parse::Incomplete { need: HEADER_LEN }));
/// assert_eq!(parse(b"GET / HTTP/1.1\r\n", &limits), Err(DecodeError::Version(b'G')));
/// ```
pub fn parse<'a>(buf: &'a [u8], limits: &FrameLimits) -> Result<Parse<'a>, DecodeError> {
    let Some((head, body)) = buf.split_first_chunk::<HEADER_LEN>() else {
        if let Some(&version) = buf.first() {
            header::check_version(version)?;
        }
        return Ok(Parse::Incomplete { need: HEADER_LEN });
    };
    let header = Header::decode(head)?;
    let (conn_len, data_len) = (header.conn_len as usize, header.data_len as usize);
    if conn_len > limits.conn_object {
        let limit = limits.conn_object;
        return Err(DecodeError::ConnObjectTooLong { len: conn_len, limit });
    }
    if data_len > limits.data {
        let limit = limits.data;
        return Err(DecodeError::DataTooLong { len: data_len, limit });
    }
    let packet = body
        .split_at_checked(conn_len)
        .and_then(|(conn, rest)| Some((conn, rest.get(..data_len)?)));
    Ok(match packet {
        Some((conn, data)) => Parse::Complete(Packet { header, conn, data }),
        None => Parse::Incomplete { need: header.packet_len() },
    })
}

/// Appends one packet to `out`; `data` appends its application data. On an error, and if `data` panics,
/// `out` is as it was.
///
/// # Errors
///
/// What `data` returns; a part that is longer than `limits` or than the wire can carry; an id or a timeout
/// that the wire cannot carry; a packet with nothing in it.
pub fn write_packet(
    out: &mut Vec<u8>,
    kind: Kind,
    id: u64,
    timeout: u32,
    conn: &[u8],
    limits: &FrameLimits,
    data: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    if id > MAX_ID {
        return Err(EncodeError::IdTooLarge(id));
    }
    if timeout > MAX_I32 {
        return Err(EncodeError::TimeoutTooLarge(timeout));
    }
    let conn_len = wire_len(conn.len(), limits.conn_object)
        .map_err(|limit| EncodeError::ConnObjectTooLong { len: conn.len(), limit })?;

    let packet = Append::to(out);
    let start = packet.out.len();
    packet.out.extend_from_slice(&[0; HEADER_LEN]);
    packet.out.extend_from_slice(conn);
    let data_start = packet.out.len();
    data(packet.out)?;
    let len = packet.out.len() - data_start;
    let data_len =
        wire_len(len, limits.data).map_err(|limit| EncodeError::DataTooLong { len, limit })?;
    if (conn_len, data_len) == (0, 0) {
        return Err(EncodeError::Empty);
    }
    let header = Header { kind, id, timeout, conn_len, data_len };
    packet.out[start..start + HEADER_LEN].copy_from_slice(&header.encode());
    packet.keep();
    Ok(())
}

/// Gives an encoded packet another id, in place: a packet can be encoded before its id is known, and one
/// encoded push can go to many peers.
///
/// `id` is below 2^63, as in [`Header`].
///
/// # Panics
///
/// If `packet` is shorter than a header.
pub fn set_id(packet: &mut [u8], id: u64) {
    packet[header::ID].copy_from_slice(&id.to_be_bytes());
}

/// The time that is left, as the header carries it: in milliseconds, rounded up, and never 0, which would
/// mean without limit. More than about 24 days becomes that.
///
/// ```
/// use std::time::Duration;
/// use cluster_protocol::timeout_millis;
///
/// assert_eq!(timeout_millis(Duration::from_micros(1500)), 2);
/// assert_eq!(timeout_millis(Duration::ZERO), 1);
/// ```
pub fn timeout_millis(left: Duration) -> u32 {
    let millis = left.as_nanos().div_ceil(1_000_000).max(1);
    u32::try_from(millis).map_or(MAX_I32, |millis| millis.min(MAX_I32))
}

/// `len` as the header carries it, or the limit that it breaks.
fn wire_len(len: usize, limit: usize) -> Result<u32, usize> {
    let limit = limit.min(MAX_I32 as usize);
    match u32::try_from(len) {
        Ok(wire) if len <= limit => Ok(wire),
        _ => Err(limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FrameLimits = FrameLimits { conn_object: 8, data: 4 };

    fn write(out: &mut Vec<u8>, conn: &[u8], data: &[u8]) -> Result<(), EncodeError> {
        write_packet(out, Kind::Request, 7, 50, conn, &LIMITS, |out| {
            out.extend_from_slice(data);
            Ok(())
        })
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = vec![0xee];
        write(&mut bytes, b"{conn}", b"data").unwrap();
        bytes.push(0xee);
        let header = Header { kind: Kind::Request, id: 7, timeout: 50, conn_len: 6, data_len: 4 };
        let packet = Packet { header, conn: b"{conn}", data: b"data" };
        assert_eq!(parse(&bytes[1..], &LIMITS), Ok(Parse::Complete(packet)));
    }

    #[test]
    fn an_incomplete_packet_says_how_long_it_will_be() {
        let mut bytes = Vec::new();
        write(&mut bytes, b"{}", b"data").unwrap();
        for len in 0..bytes.len() {
            let need = if len < HEADER_LEN { HEADER_LEN } else { bytes.len() };
            assert_eq!(parse(&bytes[..len], &LIMITS), Ok(Parse::Incomplete { need }));
        }
    }

    #[test]
    fn over_long_parts_are_refused_both_ways() {
        let mut bytes = Vec::new();
        assert_eq!(
            write(&mut bytes, b"123456789", b""),
            Err(EncodeError::ConnObjectTooLong { len: 9, limit: 8 })
        );
        assert_eq!(
            write(&mut bytes, b"{}", b"12345"),
            Err(EncodeError::DataTooLong { len: 5, limit: 4 })
        );
        let header = |conn_len, data_len| {
            Header { kind: Kind::Request, id: 1, timeout: 0, conn_len, data_len }.encode()
        };
        assert_eq!(
            parse(&header(9, 0), &LIMITS),
            Err(DecodeError::ConnObjectTooLong { len: 9, limit: 8 })
        );
        assert_eq!(
            parse(&header(8, 5), &LIMITS),
            Err(DecodeError::DataTooLong { len: 5, limit: 4 })
        );
    }

    #[test]
    fn what_the_wire_cannot_carry_is_refused() {
        let mut out = Vec::new();
        let mut write = |id, timeout, conn: &[u8]| {
            write_packet(&mut out, Kind::Request, id, timeout, conn, &LIMITS, |_| Ok(()))
        };
        assert_eq!(write(1 << 63, 0, b"{}"), Err(EncodeError::IdTooLarge(1 << 63)));
        assert_eq!(write(1, 1 << 31, b"{}"), Err(EncodeError::TimeoutTooLarge(1 << 31)));
        assert_eq!(write(1, 0, b""), Err(EncodeError::Empty));
        assert_eq!(out, b"");
    }

    #[test]
    fn an_error_or_a_panic_leaves_the_buffer_as_it_was() {
        let mut bytes = b"before".to_vec();
        assert!(write(&mut bytes, b"{}", b"12345").is_err());
        assert_eq!(bytes, b"before");

        let panicking = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            write_packet(&mut bytes, Kind::Request, 1, 0, b"{}", &LIMITS, |out| {
                out.push(1);
                panic!("a user's Serialize")
            })
        }));
        assert!(panicking.is_err());
        assert_eq!(bytes, b"before");
    }

    #[test]
    fn the_id_is_patched_and_nothing_else() {
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        write(&mut bytes, b"{}", b"data").unwrap();
        write_packet(&mut expected, Kind::Request, 1 << 40, 50, b"{}", &LIMITS, |out| {
            out.extend_from_slice(b"data");
            Ok(())
        })
        .unwrap();
        set_id(&mut bytes, 1 << 40);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn the_timeout_is_rounded_up_and_never_unlimited() {
        assert_eq!(timeout_millis(Duration::from_nanos(1)), 1);
        assert_eq!(timeout_millis(Duration::from_millis(3000)), 3000);
        assert_eq!(timeout_millis(Duration::from_micros(3_000_001)), 3001);
        assert_eq!(timeout_millis(Duration::MAX), MAX_I32);
        assert_eq!(timeout_millis(Duration::from_millis(1 << 32)), MAX_I32);
    }
}
