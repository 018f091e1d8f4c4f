//! What the connection's task makes of the bytes it has read.
//!
//! All packets of a read are looked at first, outside the lock. Requests of the leader are passed on at once;
//! answers, and what else has to go into the connection's state, are gathered for one turn under the lock.

use std::{ops::Range, sync::atomic::Ordering};

use bytes::Bytes;
use cluster_protocol::{
    ConnObject, DecodeError, HEADER_LEN, HEARTBEAT, HEARTBEAT_RES, Kind, Packet, Parse, RESULT_ERR,
    RESULT_OK, SUBSCRIBE_RESULT_RES, parse, write_packet,
};
use tracing::debug;

use super::{LeaderLink, LinkEvents, Push, no_data};
use crate::clock;
use crate::limits::Limits;
use crate::node::Peer;
use crate::session::{calls::AnswerKind, ids::INDEX_BITS, payload::COPIED, rate::RateLimit};

/// The packets of one read.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) answers: Vec<Answered>,
    /// The data of one answer at least is too large to be copied.
    pub(super) large: bool,
    /// The leader is going away; how many calls it has accepted.
    pub(super) accepted: Option<u64>,
    /// The heartbeats that were answered, by their ids.
    pub(super) heartbeats: Vec<u64>,
    /// Packets to be sent in return.
    pub(super) replies: Vec<u8>,
    /// How many bytes the whole packets were.
    pub(super) consumed: usize,
    /// Of packets that bring nothing.
    control: RateLimit,
}

/// The answer of a call.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) id: u64,
    pub(super) kind: AnswerKind,
    /// Where its data is in the bytes that were parsed.
    pub(super) data: Range<usize>,
}

/// What a leader must not do. Nothing that follows can be relied on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Violation {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("an answer to request {0:#x}, which was never made")]
    NeverAsked(u64),
    #[error("it floods this process (limits.control_packets_per_second)")]
    Flood,
}

impl Inbound {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            answers: Vec::new(),
            heartbeats: Vec::new(),
            large: false,
            accepted: None,
            replies: Vec::new(),
            consumed: 0,
            control: RateLimit::new(limits.control_packets_per_second, limits.control_burst),
        }
    }

    /// Looks at all whole packets in `buf`. On an error, at those before the violation.
    pub(super) fn parse(
        &mut self,
        buf: &[u8],
        link: &LeaderLink,
        events: &dyn LinkEvents,
    ) -> Result<(), Violation> {
        self.answers.clear();
        self.heartbeats.clear();
        self.replies.clear();
        (self.large, self.accepted, self.consumed) = (false, None, 0);
        while let Some(rest @ [_, ..]) = buf.get(self.consumed..) {
            let Parse::Complete(packet) = parse(rest, &link.settings.inbound)? else {
                break;
            };
            match packet.header.kind {
                Kind::Response => self.response(&packet, link)?,
                Kind::Request => self.request(&packet, link, events)?,
            }
            self.consumed += packet.header.packet_len();
        }
        Ok(())
    }

    fn response(&mut self, packet: &Packet<'_>, link: &LeaderLink) -> Result<(), Violation> {
        // The connection objects that nearly all answers have are known; no other is worth a special case.
        let kind = if packet.conn == RESULT_OK.as_bytes() {
            AnswerKind::Ok
        } else if packet.conn == RESULT_ERR.as_bytes() {
            AnswerKind::Err
        } else if packet.conn == HEARTBEAT_RES.as_bytes() {
            self.heartbeats.push(packet.header.id);
            return self.control();
        } else {
            match ConnObject::parse(packet.conn) {
                Ok(ConnObject::InvokeResult { failure: Some(failure), .. }) => {
                    AnswerKind::Failed(failure)
                }
                Ok(ConnObject::InvokeResult { success: true, .. }) => AnswerKind::Ok,
                Ok(ConnObject::InvokeResult { success: false, .. }) => AnswerKind::Err,
                Ok(_) => return self.control(),
                Err(error) => return self.ignore_unknown(error),
            }
        };
        let id = packet.header.id;
        // An answer may be late, but not for a call that is still to be made. The ids for a Node leader begin again.
        let is_rust = link.settings.leader == Peer::Rust;
        if is_rust && id >> INDEX_BITS >= link.sequence.load(Ordering::Relaxed) {
            return Err(Violation::NeverAsked(id));
        }
        let data = self.consumed + HEADER_LEN + packet.conn.len();
        self.large |= packet.data.len() > COPIED;
        self.answers.push(Answered { id, kind, data: data..data + packet.data.len() });
        Ok(())
    }

    fn request(
        &mut self,
        packet: &Packet<'_>,
        link: &LeaderLink,
        events: &dyn LinkEvents,
    ) -> Result<(), Violation> {
        if packet.conn == HEARTBEAT.as_bytes() {
            self.reply(packet.header.id, HEARTBEAT_RES, link);
            return self.control();
        }
        match ConnObject::parse(packet.conn) {
            Ok(ConnObject::SubscribeResult { key, item, event, .. }) => {
                // Copied, as a subscription may keep it for long, and the read buffer with it.
                let data = Bytes::copy_from_slice(packet.data);
                events.pushed(Push { key: &key, item: item.as_deref(), event, data });
                if link.settings.leader == Peer::Node {
                    self.reply(packet.header.id, SUBSCRIBE_RESULT_RES, link);
                }
            }
            Ok(ConnObject::Unsubscribed { key }) => events.unsubscribed(&key),
            Ok(ConnObject::PublicationTaken { method, key, call }) => {
                events.publication_taken(&method, &key, call);
            }
            Ok(ConnObject::ChannelState { rs }) => {
                events.channel_state(rs, packet.data);
                return self.control();
            }
            Ok(ConnObject::GoingAway { accepted }) => self.accepted = Some(accepted),
            Ok(ConnObject::Heartbeat) => {
                self.reply(packet.header.id, HEARTBEAT_RES, link);
                return self.control();
            }
            Ok(other) => {
                debug!(?other, "ignored: a leader does not ask this");
                return self.control();
            }
            Err(error) => return self.ignore_unknown(error),
        }
        Ok(())
    }

    fn reply(&mut self, id: u64, conn: &str, link: &LeaderLink) {
        let (conn, limits) = (conn.as_bytes(), &link.settings.frame);
        // Never fails: connection objects are allowed to be longer than this one.
        let _ = write_packet(&mut self.replies, Kind::Response, id, 0, conn, limits, no_data);
    }

    /// A newer leader may say what is not known here yet.
    fn ignore_unknown(&mut self, error: DecodeError) -> Result<(), Violation> {
        match error {
            DecodeError::UnknownType { name } => {
                debug!(name, "ignored: a message of an unknown type");
                self.control()
            }
            error => Err(error.into()),
        }
    }

    /// Such packets may come up to a rate.
    fn control(&mut self) -> Result<(), Violation> {
        if self.control.admit(clock::now()) { Ok(()) } else { Err(Violation::Flood) }
    }
}
