//! Packets of the npm original, both ways.

use cluster_protocol::{ConnObject, HEADER_LEN, Header, Kind, Packet};

use crate::{complete, golden, unhex, write};

#[test]
fn golden_packets_decode_and_are_written_byte_for_byte() {
    for golden in golden() {
        let bytes = unhex(&golden.hex);
        let data = golden.data_hex.as_deref().map(unhex).unwrap_or_default();
        let packet = complete(&bytes);
        let header = Header {
            kind: if golden.r#type == 1 { Kind::Response } else { Kind::Request },
            id: golden.id,
            timeout: golden.timeout,
            conn_len: golden.conn.len() as u32,
            data_len: data.len() as u32,
        };
        let expected = Packet { header, conn: golden.conn.as_bytes(), data: &data };
        assert_eq!(packet, expected, "{}", golden.name);
        assert_eq!(header.encode(), bytes[..HEADER_LEN], "{}", golden.name);
        assert_eq!(write(&header, packet.conn, packet.data), bytes, "{}", golden.name);
    }
}

#[test]
fn golden_connection_objects_are_messages_of_ours_with_the_same_key_order() {
    for golden in golden() {
        let object = ConnObject::parse(golden.conn.as_bytes()).unwrap();
        let kind = format!("{object:?}");
        let name = golden.name.split(' ').next().unwrap();
        let expected = match name {
            "register_channel" => "RegisterChannel {",
            "register_channel_res" => "RegisterChannelRes {",
            "heartbeat" => "Heartbeat",
            "heartbeat_res" => "HeartbeatRes",
            "subscribe" => "Subscribe {",
            "unSubscribe" => "UnSubscribe {",
            "subscribe_result" => "SubscribeResult {",
            "subscribe_result_res" => "SubscribeResultRes",
            "invoke" | "publish" => "Invoke {",
            "invoke_result" => "InvokeResult {",
            other => panic!("a new kind of golden packet: {other}"),
        };
        assert!(kind.starts_with(expected), "{name}: {kind}");
        assert_eq!(String::from_utf8(object.to_bytes()).unwrap(), golden.conn, "{name}");
    }
}

#[test]
fn a_packet_without_timeout_is_what_node_sends_for_undefined() {
    let bytes = unhex(
        "0100000000000000000000080000000000000014000000007b2274797065223a22686561727462656174227d",
    );
    let header = complete(&bytes).header;
    assert_eq!((header.id, header.timeout), (8, 0));
    assert_eq!(write(&header, &ConnObject::Heartbeat.to_bytes(), b""), bytes);
}
