//! Calls of the leader's own process that take the way of a follower's.

use std::sync::Arc;

use cluster_protocol::Failure;

use super::{Leadership, refusal};
use crate::serve::{Call, Reply, Slot};
use crate::session::topics::SubscriberId;

impl Leadership {
    /// Runs a call of this process by way of its bytes.
    pub(crate) async fn call_bytes(
        self: &Arc<Self>,
        method: usize,
        call: Call,
        caller: SubscriberId,
    ) -> Reply {
        let Some(client) = self.client() else {
            return Reply::failed(Failure::GoingAway, "the leader is going away");
        };
        let _permit = match self.enter() {
            Ok(permit) => permit.hold(call.data.len()),
            Err(refused) => {
                let (failure, message) = refusal(refused);
                return Reply::failed(failure, message);
            }
        };
        let settlement = match self.settlement(method, &call) {
            Ok(settlement) => settlement,
            Err(error) => return Reply::failed(Failure::BadArguments, &error.to_string()),
        };
        let mut slot = Slot::default();
        slot.prepare(&call);
        client.serve(method, call, &mut slot);
        let reply = match slot.take() {
            Some(served) => self.scope(served).await,
            None => Reply::failed(Failure::UnknownMethod, "the method cannot be called"),
        };
        self.settle(settlement, reply.answered, caller);
        reply
    }
}
