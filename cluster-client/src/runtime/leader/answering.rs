//! The answers to a follower's calls.

use cluster_protocol::{ConnObject, Kind, write_packet};

use super::follower::Follower;
use crate::node::errors::Thrown;
use crate::serve::{Answered, Reply};

impl Follower {
    /// Answers a call that has run in a task of its own.
    pub(super) fn respond(&self, id: u64, method: &str, reply: &Reply) {
        let mut packet = Vec::with_capacity(128 + reply.answer.len());
        self.write_response(&mut packet, id, method, reply);
        self.send(&packet);
        // Its calls were let in before there were answers to keep it out.
        if self.leaves_others_no_room() {
            self.end("it does not read its answers (limits.outbound_bytes_total)".to_owned());
        }
    }

    /// Writes the answer of a call behind `out`.
    pub(super) fn write_response(&self, out: &mut Vec<u8>, id: u64, method: &str, reply: &Reply) {
        let made;
        let conn = match reply.answered {
            Answered::Ok => cluster_protocol::RESULT_OK.as_bytes(),
            Answered::Err => cluster_protocol::RESULT_ERR.as_bytes(),
            // It learns that when its connection ends, which is next.
            Answered::CutOff => return,
            Answered::Failed(_) if self.node().is_some() => cluster_protocol::RESULT_ERR.as_bytes(),
            Answered::Failed(failure) => {
                made =
                    ConnObject::InvokeResult { success: false, failure: Some(failure) }.to_bytes();
                &made
            }
        };
        let limits = self.leadership().frame_limits();
        let written = write_packet(out, Kind::Response, id, 0, conn, &limits, |out| {
            match reply.answered {
                Answered::Failed(failure) if self.node().is_some() => {
                    let message = String::from_utf8_lossy(&reply.answer);
                    Thrown::by_leader(method, failure, &message).encode(out);
                }
                _ => out.extend_from_slice(&reply.answer),
            }
            Ok(())
        });
        // `Call::reply` has checked the length of the answer.
        if let Err(error) = written {
            tracing::error!(%error, "an answer was not sent");
        }
    }
}
