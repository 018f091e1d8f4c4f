//! The answer to `register_channel` between a leader and a follower one of which is a Node process.

use cluster_protocol::{
    ChannelState, Codec, ConnObject, EncodeError, FrameLimits, Kind, write_packet,
};
use serde::{Deserialize, Serialize};

use super::errors::Thrown;

#[derive(Serialize, Deserialize)]
struct Answer {
    success: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Thrown>,
}

/// The packet that lets a Node follower in.
pub(crate) fn welcome(id: u64) -> Vec<u8> {
    packet(id, &Answer { success: true, error: None })
}

/// The packet that tells it why it cannot join, or why there is no real client.
pub(crate) fn refusal(id: u64, error: Thrown) -> Vec<u8> {
    packet(id, &Answer { success: false, error: Some(error) })
}

/// What a Node leader says: that it is ready, or why it never will be.
pub(crate) fn read(data: &[u8]) -> Option<(ChannelState, String)> {
    let answer: Answer = Codec::SerializeJson.decode(data).ok()?;
    Some(match answer.error {
        _ if answer.success => (ChannelState::Ready, String::new()),
        Some(error) => (ChannelState::Failed, error.text()),
        None => (ChannelState::Failed, "it did not say why".to_owned()),
    })
}

fn packet(id: u64, answer: &Answer) -> Vec<u8> {
    let conn = ConnObject::RegisterChannelRes { rs: None }.to_bytes();
    let limits = FrameLimits { conn_object: conn.len(), data: i32::MAX as usize };
    let mut packet = Vec::new();
    let written = write_packet(&mut packet, Kind::Response, id, 0, &conn, &limits, |out| {
        Codec::SerializeJson.encode(answer, out)
    });
    // Strings come nowhere near 2 GiB, and the id came over the wire.
    debug_assert_eq!(written, Ok::<(), EncodeError>(()));
    packet
}

#[cfg(test)]
mod tests {
    use cluster_protocol::Parse;

    use super::*;

    fn data(packet: &[u8]) -> Vec<u8> {
        match cluster_protocol::parse(packet, &FrameLimits::default()) {
            Ok(Parse::Complete(packet)) => {
                assert_eq!(packet.conn, br#"{"type":"register_channel_res"}"#);
                packet.data.to_vec()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_answer_of_a_leader_that_is_ready_is_nodes() {
        assert_eq!(data(&welcome(1)), b"success^^^^$0|-1]");
        assert_eq!(read(b"success^^^^$0|-1]"), Some((ChannelState::Ready, String::new())));
    }

    #[test]
    fn a_refusal_says_why() {
        let refused = data(&refusal(1, Thrown::at_joining("NOT_SERVED", "no such channel")));
        assert_eq!(
            read(&refused),
            Some((ChannelState::Failed, "no such channel (NOT_SERVED)".to_owned()))
        );
        let silent = (ChannelState::Failed, "it did not say why".to_owned());
        assert_eq!(read(b"success^^^^$0|-2]"), Some(silent));
        assert_eq!(read(b"{\"success\":true}"), None);
    }
}
