//! The 24 bytes at the start of every packet. Only this file knows their offsets.

use crate::DecodeError;

/// Length of the header of a packet, in bytes.
pub const HEADER_LEN: usize = 24;

pub(crate) const VERSION: u8 = 1;

/// Where the id stands, for [`set_id`](crate::set_id).
pub(crate) const ID: std::ops::Range<usize> = 4..12;

/// What a packet is to the one who receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Asks for something. Both the follower and the leader make requests.
    Request,
    /// Answers the request of the same id.
    Response,
}

/// The fixed part of a packet.
///
/// The wire has signed numbers, so an id is below 2^63 and a timeout or a length below 2^31.
/// [`write_packet`](crate::write_packet) makes sure of it, and [`Header::decode`] refuses the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Request or response.
    pub kind: Kind,
    /// Pairs a response with its request, within one connection and direction.
    pub id: u64,
    /// Milliseconds left for the answer; 0 means without limit.
    pub timeout: u32,
    /// Length of the connection object, in bytes.
    pub conn_len: u32,
    /// Length of the application data, in bytes.
    pub data_len: u32,
}

impl Header {
    /// The header as it goes over the wire.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = VERSION;
        bytes[1] = match self.kind {
            Kind::Request => 0,
            Kind::Response => 1,
        };
        bytes[ID].copy_from_slice(&self.id.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.timeout.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.conn_len.to_be_bytes());
        bytes[20..24].copy_from_slice(&self.data_len.to_be_bytes());
        bytes
    }

    /// Reads a header.
    ///
    /// # Errors
    ///
    /// Whatever a well-behaved peer never sends: another version or kind, reserved bytes that are not 0, a
    /// negative number, and a packet with nothing in it (which a Node peer would not survive).
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> Result<Header, DecodeError> {
        check_version(bytes[0])?;
        let kind = match bytes[1] {
            0 => Kind::Request,
            1 => Kind::Response,
            other => return Err(DecodeError::Kind(other)),
        };
        let reserved = u16::from_be_bytes(field::<2, 2>(bytes));
        if reserved != 0 {
            return Err(DecodeError::Reserved(reserved));
        }
        let id = i64::from_be_bytes(field::<4, 8>(bytes));
        let timeout = i32::from_be_bytes(field::<12, 4>(bytes));
        let conn_len = i32::from_be_bytes(field::<16, 4>(bytes));
        let data_len = i32::from_be_bytes(field::<20, 4>(bytes));
        if (conn_len, data_len) == (0, 0) {
            return Err(DecodeError::Empty);
        }
        Ok(Header {
            kind,
            id: u64::try_from(id).map_err(|_| DecodeError::NegativeId(id))?,
            timeout: u32::try_from(timeout).map_err(|_| DecodeError::NegativeTimeout(timeout))?,
            conn_len: u32::try_from(conn_len)
                .map_err(|_| DecodeError::NegativeConnLength(conn_len))?,
            data_len: u32::try_from(data_len)
                .map_err(|_| DecodeError::NegativeDataLength(data_len))?,
        })
    }

    /// Length of the whole packet, header included, in bytes.
    pub fn packet_len(&self) -> usize {
        HEADER_LEN.saturating_add(self.conn_len as usize).saturating_add(self.data_len as usize)
    }
}

/// The first byte of a packet. Asked for by itself as soon as it is there, since a foreign program may greet
/// with less than a header and then wait.
pub(crate) fn check_version(version: u8) -> Result<(), DecodeError> {
    if version == VERSION { Ok(()) } else { Err(DecodeError::Version(version)) }
}

fn field<const AT: usize, const LEN: usize>(bytes: &[u8; HEADER_LEN]) -> [u8; LEN] {
    const { assert!(AT + LEN <= HEADER_LEN) };
    std::array::from_fn(|index| bytes[AT + index])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        kind: Kind::Response,
        id: 0x0102_0304_0506_0708,
        timeout: 3000,
        conn_len: 0x11,
        data_len: 0x22,
    };

    #[test]
    fn every_field_has_its_place() {
        let bytes =
            [1, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x0b, 0xb8, 0, 0, 0, 0x11, 0, 0, 0, 0x22];
        assert_eq!(HEADER.encode(), bytes);
        assert_eq!(Header::decode(&bytes), Ok(HEADER));
        assert_eq!(HEADER.packet_len(), 24 + 0x11 + 0x22);
    }

    #[test]
    fn each_broken_rule_is_named_with_the_value() {
        let broken = |at: usize, value: u8| {
            let mut bytes = HEADER.encode();
            bytes[at] = value;
            Header::decode(&bytes)
        };
        assert_eq!(broken(0, 2), Err(DecodeError::Version(2)));
        assert_eq!(broken(1, 7), Err(DecodeError::Kind(7)));
        assert_eq!(broken(3, 9), Err(DecodeError::Reserved(9)));
        assert_eq!(broken(4, 0x80), Err(DecodeError::NegativeId(i64::MIN + 0x0002_0304_0506_0708)));
        assert_eq!(broken(12, 0x80), Err(DecodeError::NegativeTimeout(i32::MIN + 3000)));
        assert_eq!(broken(16, 0xff), Err(DecodeError::NegativeConnLength(-0x00ff_ffef)));
        assert_eq!(broken(20, 0xff), Err(DecodeError::NegativeDataLength(-0x00ff_ffde)));
    }

    #[test]
    fn a_packet_with_nothing_in_it_is_refused() {
        let empty = Header { conn_len: 0, data_len: 0, ..HEADER };
        assert_eq!(Header::decode(&empty.encode()), Err(DecodeError::Empty));
    }
}
