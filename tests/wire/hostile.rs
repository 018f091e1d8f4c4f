//! Bytes that no peer of ours sends: each rule has its error, and a claim is no allocation.

use cluster_protocol::{Codec, ConnObject, DecodeArguments, DecodeError, HEADER_LEN, Parse, parse};

use crate::{LIMITS, complete, golden, unhex};

#[test]
fn hostile_bytes_have_their_errors() {
    let cases: [(&str, &[u8], DecodeError); 12] = [
        ("HTTP", b"GET / HTTP/1.1\r\nHost: 127.0.0.1:7777\r\n\r\n", DecodeError::Version(b'G')),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", DecodeError::Version(b'P')),
        ("TLS", &header("16 0301 0200 01 0001fc 0303"), DecodeError::Version(0x16)),
        ("Redis", b"*1\r\n$4\r\nPING\r\n", DecodeError::Version(b'*')),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", DecodeError::Version(b'S')),
        (
            "version 99",
            &header("63 00 0000 0000000000000001 00000bb8 00000014 00000000"),
            DecodeError::Version(99),
        ),
        (
            "kind 2",
            &header("01 02 0000 0000000000000001 00000bb8 00000014 00000000"),
            DecodeError::Kind(2),
        ),
        (
            "reserved",
            &header("01 00 0100 0000000000000001 00000bb8 00000014 00000000"),
            DecodeError::Reserved(256),
        ),
        (
            "both lengths 0",
            &header("01 00 0000 0000000000000001 00000bb8 00000000 00000000"),
            DecodeError::Empty,
        ),
        (
            "negative length",
            &header("01 00 0000 0000000000000001 00000bb8 ffffffff 00000000"),
            DecodeError::NegativeConnLength(-1),
        ),
        (
            "negative data length",
            &header("01 00 0000 0000000000000001 00000bb8 00000014 80000000"),
            DecodeError::NegativeDataLength(i32::MIN),
        ),
        (
            "over-long",
            &header("01 00 0000 0000000000000001 00000bb8 00000014 7fffffff"),
            DecodeError::DataTooLong { len: 0x7fff_ffff, limit: LIMITS.data },
        ),
    ];
    for (name, bytes, error) in cases {
        assert_eq!(parse(bytes, &LIMITS), Err(error), "{name}");
    }
    let conn = header("01 00 0000 0000000000000001 00000bb8 00010001 00000000");
    let error = DecodeError::ConnObjectTooLong { len: 65_537, limit: LIMITS.conn_object };
    assert_eq!(parse(&conn, &LIMITS), Err(error));
}

fn header(hex: &str) -> Vec<u8> {
    unhex(&hex.replace(' ', ""))
}

#[test]
fn half_a_packet_is_waited_for() {
    let bytes = unhex(&golden()[10].hex);
    let half = parse(&bytes[..bytes.len() / 2], &LIMITS);
    assert_eq!(half, Ok(Parse::Incomplete { need: bytes.len() }));
    assert_eq!(parse(&bytes[..5], &LIMITS), Ok(Parse::Incomplete { need: HEADER_LEN }));
}

/// Behaviour 27 of the original: such a connection is closed.
#[test]
fn a_connection_object_that_is_no_json_is_an_error() {
    let bytes = unhex("010000000000000000000001000003e80000000d000000007b22666f6f223a22626172227c");
    let error = ConnObject::parse(complete(&bytes).conn);
    assert!(matches!(error, Err(DecodeError::ConnObject { .. })), "{error:?}");
}

#[test]
fn parsing_allocates_nothing_whatever_a_header_claims() {
    let hostile = [
        "01 00 0000 0000000000000001 00000bb8 7fffffff 7fffffff",
        "01 00 0000 0000000000000001 00000bb8 00000014 7fffffff",
        "01 00 0000 0000000000000001 00000bb8 00000014 80000000",
        // Within the limits, and never sent.
        "01 00 0000 0000000000000001 00000bb8 00010000 00800000",
    ]
    .map(header);
    let whole = unhex(&golden()[10].hex);
    let mut refused = 0;
    let counted = allocation_counter::measure(|| {
        for bytes in &hostile {
            refused += usize::from(parse(bytes, &LIMITS).is_err());
        }
        complete(&whole);
    });
    assert_eq!(counted.count_total, 0);
    assert_eq!(refused, 3);
}

/// What a value in the data claims is no reason to allocate either.
#[test]
fn decoding_arguments_allocates_no_more_than_there_is() {
    let mut data = 16_u32.to_be_bytes().to_vec();
    data.extend_from_slice(&(1_u64 << 40).to_le_bytes());
    data.extend_from_slice(b"12345678");
    let counted = allocation_counter::measure(|| {
        assert!(<(String,)>::decode(Codec::default(), &data).is_err());
        assert!(<(Vec<u8>,)>::decode(Codec::default(), &data).is_err());
        assert!(<(Vec<String>,)>::decode(Codec::default(), &data).is_err());
    });
    // serde sets aside at most 1 MiB for a list whose length it is told.
    assert!(counted.bytes_max < 2 << 20, "{counted:?}");
}
