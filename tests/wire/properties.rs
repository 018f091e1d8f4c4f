//! What holds for any bytes, any chunking and any value.

use std::borrow::Cow;

use cluster_protocol::{
    Codec, ConnObject, DecodeArguments, EncodeArguments, HEADER_LEN, Header, Kind, Packet, Parse,
    parse, set_id,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{LIMITS, complete, golden, unhex, write};

/// Reads all packets of a stream that comes in pieces, and says what is left.
fn read(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
    let (mut buf, mut packets) = (Vec::new(), Vec::new());
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            match parse(&buf, &LIMITS).unwrap() {
                Parse::Complete(packet) => {
                    let len = packet.header.packet_len();
                    packets.push(buf.drain(..len).collect());
                }
                Parse::Incomplete { need } => {
                    assert!(need > buf.len(), "{need} bytes are there");
                    break;
                }
            }
        }
    }
    (packets, buf.len())
}

fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    let parts = (
        any::<bool>(),
        0..1_u64 << 63,
        0..1_u32 << 31,
        vec(any::<u8>(), 1..40),
        vec(any::<u8>(), 0..60),
    );
    parts.prop_map(|(response, id, timeout, conn, data)| {
        let kind = if response { Kind::Response } else { Kind::Request };
        let header =
            Header { kind, id, timeout, conn_len: conn.len() as u32, data_len: data.len() as u32 };
        let bytes = write(&header, &conn, &data);
        assert_eq!(complete(&bytes), Packet { header, conn: &conn, data: &data });
        bytes
    })
}

fn decode_all(bytes: &[u8]) {
    if let Ok(Parse::Complete(packet)) = parse(bytes, &LIMITS) {
        decode_all(packet.data);
    }
    if let Ok(object) = ConnObject::parse(bytes) {
        // What is understood can be said again, and is then understood as the same.
        let again = object.to_bytes();
        assert_eq!(format!("{:?}", ConnObject::parse(&again).unwrap()), format!("{object:?}"));
    }
    for codec in [Codec::default(), Codec::Json] {
        let _ = <()>::decode(codec, bytes);
        let _ = <(String, Option<Vec<String>>)>::decode(codec, bytes);
        let _ = codec.decode::<(bool, char, f64, Vec<u8>, String)>(bytes);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..200)) {
        decode_all(&bytes);
    }

    #[test]
    fn any_change_to_a_golden_packet_is_survived(
        which in 0..16_usize,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = unhex(&golden()[which].hex);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        decode_all(&bytes);
        decode_all(&bytes[HEADER_LEN..]);
        decode_all(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn any_chunking_gives_the_same_packets(
        packets in vec(any_packet(), 1..6),
        cuts in vec(any::<prop::sample::Index>(), 0..12),
        end in any::<prop::sample::Index>(),
    ) {
        let mut stream = packets.concat();
        // The last packet may be a part only.
        stream.truncate(stream.len() - end.index(packets.last().unwrap().len()));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|ends| &stream[ends[0]..ends[1]]).collect();
        let bytewise: Vec<&[u8]> = stream.chunks(1).collect();

        let (taken, left) = read(&[&stream]);
        prop_assert_eq!(&taken[..], &packets[..taken.len()]);
        prop_assert_eq!(taken.concat().len() + left, stream.len());
        prop_assert_eq!(&read(&pieces), &(taken.clone(), left));
        prop_assert_eq!(&read(&bytewise), &(taken, left));
    }

    #[test]
    fn a_patched_id_is_the_packets_id(bytes in any_packet(), id in 0..1_u64 << 63) {
        let mut patched = bytes.clone();
        set_id(&mut patched, id);
        let (before, after) = (complete(&bytes), complete(&patched));
        prop_assert_eq!(after, Packet { header: Header { id, ..before.header }, ..before });
    }

    #[test]
    fn arguments_come_back(text in ".*", bytes in vec(any::<u8>(), 0..50), number in any::<Option<i64>>()) {
        for codec in [Codec::default(), Codec::Json] {
            let mut data = Vec::new();
            (&text, &bytes, number).encode(codec, &mut data).unwrap();
            let decoded = <(String, Vec<u8>, Option<i64>)>::decode(codec, &data);
            prop_assert_eq!(decoded, Ok((text.clone(), bytes.clone(), number)));
        }
    }

    #[test]
    fn any_string_travels_in_a_connection_object(key in ".*", item in any::<Option<String>>(), epoch in any::<Option<u64>>()) {
        let object = ConnObject::SubscribeResult {
            key: Cow::Borrowed(&key),
            item: item.map(Cow::Owned),
            epoch,
            event: None,
        };
        let bytes = object.to_bytes();
        prop_assert_eq!(format!("{:?}", ConnObject::parse(&bytes).unwrap()), format!("{object:?}"));
    }
}
