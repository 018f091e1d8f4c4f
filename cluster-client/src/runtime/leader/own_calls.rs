//! Calls of the leader's own process that take the way of a follower's.

use std::sync::Arc;

use cluster_protocol::Failure;

use super::{HeldPermit, Leadership, refusal};
use crate::serve::{Call, Reply, Slot};
use crate::service::Served;
use crate::session::topics::SubscriberId;

/// One call may run. A leadership that goes waits for it.
pub(crate) struct Admitted {
    client: Arc<dyn Served>,
    _permit: HeldPermit,
}

impl Leadership {
    /// Lets a call in that has so many bytes of arguments.
    pub(crate) fn admit(&self, bytes: usize) -> Result<Admitted, (Failure, &'static str)> {
        // First: who is let in finds a client.
        let client = self.client().ok_or((Failure::GoingAway, "the leader is going away"))?;
        let permit = self.enter().map_err(refusal)?.hold(bytes);
        Ok(Admitted { client, _permit: permit })
    }

    /// Runs a call of this process by way of its bytes.
    pub(crate) async fn call_bytes(
        self: &Arc<Self>,
        method: usize,
        call: Call,
        caller: SubscriberId,
    ) -> Reply {
        match self.admit(call.data.len()) {
            Ok(admitted) => self.call_admitted(admitted, method, call, caller).await,
            Err((failure, message)) => Reply::failed(failure, message),
        }
    }

    /// The same for one that was let in before.
    pub(crate) async fn call_admitted(
        self: &Arc<Self>,
        admitted: Admitted,
        method: usize,
        call: Call,
        caller: SubscriberId,
    ) -> Reply {
        let settlement = match self.settlement(method, &call) {
            Ok(settlement) => settlement,
            Err(error) => return Reply::failed(Failure::BadArguments, &error.to_string()),
        };
        let mut slot = Slot::default();
        slot.prepare(&call);
        admitted.client.serve(method, call, &mut slot);
        let reply = match slot.take() {
            Some(served) => self.scope(served).await,
            None => Reply::failed(Failure::UnknownMethod, "the method cannot be called"),
        };
        self.settle(settlement, reply.answered, caller);
        reply
    }
}
