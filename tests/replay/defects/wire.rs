//! Packets that Node could have sent, and were not recorded.

use cluster_client::{Codec, Object, Value};
use cluster_protocol::{EncodeArguments, FrameLimits, Kind, write_packet};
use serde::Serialize;
use serde_json::json;

use crate::recorded::{Came, Wire, recorded};

pub(crate) fn packet(kind: Kind, id: u64, conn: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let limits = FrameLimits::default();
    write_packet(&mut bytes, kind, id, 0, conn.as_bytes(), &limits, |out| {
        out.extend_from_slice(data);
        Ok(())
    })
    .unwrap();
    bytes
}

pub(crate) fn encoded(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    Codec::SerializeJson.encode(value, &mut bytes).unwrap();
    bytes
}

/// A call with one argument.
pub(crate) fn call(id: u64, method: &str, argument: impl Serialize) -> Vec<u8> {
    let mut data = Vec::new();
    (argument,).encode(Codec::SerializeJson, &mut data).unwrap();
    invoke(id, method, 1, false, &data)
}

pub(crate) fn invoke(id: u64, method: &str, count: u32, oneway: bool, data: &[u8]) -> Vec<u8> {
    let conn = json!({ "type": "invoke", "method": method, "argLength": count, "oneway": oneway });
    packet(Kind::Request, id, &conn.to_string(), data)
}

pub(crate) fn subscribe(kind: &str, id: u64, reg: &str) -> Vec<u8> {
    let key = format!("$$inner$$__{}", json!(reg));
    let conn = json!({ "type": kind, "key": key, "reg": reg });
    packet(Kind::Request, id, &conn.to_string(), b"")
}

/// A follower that has asked to join the channel, and was not answered yet.
pub(crate) async fn joining(port: u16, channel: &str) -> Wire {
    let mut node = Wire::connect(port).await;
    node.send(&register(1, channel)).await;
    node
}

pub(crate) fn register(id: u64, channel: &str) -> Vec<u8> {
    let conn = json!({ "type": "register_channel", "channelName": channel });
    packet(Kind::Request, id, &conn.to_string(), b"")
}

pub(crate) async fn join(port: u16, channel: &str) -> Wire {
    let mut node = joining(port, channel).await;
    node.next().await.is("register_channel_res ok");
    node
}

/// It is served: it is answered, and nothing else has come before.
pub(crate) async fn is_served(node: &mut Wire) {
    node.send(&recorded("heartbeat").to(777)).await;
    let answer = node.any().await;
    answer.is("heartbeat_res");
    assert_eq!(answer.id, 777);
}

/// The error that is the answer to a call.
pub(crate) fn error(answer: &Came) -> Object {
    assert_eq!(answer.conn, recorded("invoke_result error").conn);
    match Codec::SerializeJson.decode(&answer.data).unwrap() {
        Value::Object(fields) => fields,
        other => panic!("{other:?}"),
    }
}
