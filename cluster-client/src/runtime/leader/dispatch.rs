//! What becomes of each packet of a follower.

use std::sync::Arc;

use cluster_protocol::{Failure, Header};

use super::Leadership;
use super::calls::{report_oneway, with_undefined};
use super::request::{self, Incoming};
use super::serving::Connection;
use crate::error::Error;
use crate::membership::ClusterEvent;
use crate::serve::Reply;
use crate::session::payload::Payload;
use crate::session::publications::PublicationKey;

impl Connection {
    /// Does what the packet asks for. An error ends the connection, with that reason.
    pub(super) fn handle(
        &mut self,
        leadership: &Arc<Leadership>,
        header: &Header,
        incoming: Incoming,
        data: Payload,
    ) -> Result<(), String> {
        if !self.is_within_rate(&incoming) {
            return Err("it floods the leader (limits.control_packets_per_second)".to_owned());
        }
        // It cannot be told once and for all.
        let too_late_for_node = self.going_away && self.node.is_some();
        match incoming {
            // Nobody else can tell of it.
            Incoming::Invoke { method, oneway: true, .. } if too_late_for_node => {
                let late = Reply::failed(Failure::GoingAway, "the leader is going away");
                report_oneway(&self.leadership, method, &late);
                Ok(())
            }
            Incoming::UnknownMethod { name, oneway: false } if too_late_for_node => {
                self.fail(header.id, &name, Failure::GoingAway, "the leader is going away");
                Ok(())
            }
            Incoming::Invoke { method, .. } if too_late_for_node => {
                let method = leadership.terms.methods.get(method).map_or("", |info| info.name);
                self.fail(header.id, method, Failure::GoingAway, "the leader is going away");
                Ok(())
            }
            // After "going away" has been said, the follower knows that no more calls are accepted.
            _ if self.going_away && incoming.is_call() => Ok(()),
            Incoming::Invoke { method, oneway, attempt, absent } => {
                self.accepted += 1;
                let data = if absent == 0 { data } else { with_undefined(&data, absent) };
                self.invoke(leadership, header, method, oneway, attempt, data)
            }
            Incoming::UnknownMethod { name: method, oneway: true } => {
                self.accepted += 1;
                let error = Error::UnknownMethod { method: method.clone() };
                leadership.emit(ClusterEvent::OnewayFailed { method, calls: 1, error });
                Ok(())
            }
            Incoming::UnknownMethod { name, oneway: false } => {
                self.accepted += 1;
                let message = format!("the leader has no method `{name}`");
                self.fail(header.id, &name, Failure::UnknownMethod, &message);
                Ok(())
            }
            Incoming::Subscribe { method, key, restore } => {
                self.accepted += 1;
                self.subscribe(header, method, &key, restore, &data)
            }
            Incoming::Unsubscribe { key } => {
                if self.node.is_some() {
                    self.node_unsubscribe(&key);
                } else {
                    self.leadership.fanout.leave(&key, self.follower.id());
                    self.follower.unsubscribed(&key);
                }
                Ok(())
            }
            Incoming::NodeSubscribe { key, reg } => {
                self.node_subscribe(header, &key, reg.as_deref());
                Ok(())
            }
            Incoming::NodeRegister => {
                if let Some(node) = &mut self.node {
                    node.register(header.id);
                    node.answer(leadership, None, &mut self.out)?;
                }
                Ok(())
            }
            Incoming::Release { method, key } => {
                let Ok(room) = Arc::clone(&self.releases).try_acquire_owned() else {
                    return Err("it takes back more publications than it may have \
                         (limits.publications_per_follower)"
                        .to_owned());
                };
                leadership.release(PublicationKey { method, key }, self.follower.id(), room);
                Ok(())
            }
            Incoming::Cancel => {
                self.follower.cancel(header.id, self.read_at);
                Ok(())
            }
            Incoming::Heartbeat => {
                self.out.extend_from_slice(&request::heartbeat_answer(header.id));
                Ok(())
            }
            Incoming::Answer | Incoming::Ignored => Ok(()),
        }
    }

    /// Whether there are not too many packets that bring no work.
    fn is_within_rate(&mut self, incoming: &Incoming) -> bool {
        match incoming {
            // The call, or the subscription, that is over has brought some.
            Incoming::Cancel | Incoming::Unsubscribe { .. } if self.ended < self.accepted => {
                self.ended += 1;
                true
            }
            // A Node process answers each push.
            Incoming::Answer if self.node.is_some() => true,
            call if call.is_call() => true,
            _ => self.control.admit(self.read_at),
        }
    }
}
