//! Calls of the leader's own process that take the way of a follower's.

use std::sync::Arc;

use cluster_protocol::Failure;
use tokio::sync::oneshot;

use super::settling::Settling;
use super::{HeldPermit, Leadership, Refusal, refusal};
use crate::serve::{Call, Reply, Slot};
use crate::service::Served;
use crate::session::topics::SubscriberId;

/// A call of this process that was let in: it runs, even if the leadership goes away meanwhile.
pub(crate) struct Admitted {
    client: Arc<dyn Served>,
    permit: HeldPermit,
    /// It makes again what there was before.
    restores: bool,
}

impl Leadership {
    /// Runs a call of this process by way of its bytes.
    pub(crate) async fn call_bytes(
        self: &Arc<Self>,
        method: usize,
        call: Call,
        caller: SubscriberId,
    ) -> Reply {
        match self.admit(call.data.len()) {
            Ok(admitted) => self.call_admitted(admitted, method, call, caller).await,
            Err(refused) => {
                let (failure, message) = refusal(refused);
                Reply::failed(failure, message)
            }
        }
    }

    /// Lets a call of this process in, with so many bytes of arguments.
    pub(crate) fn admit(&self, bytes: usize) -> Result<Admitted, Refusal> {
        // First: who is let in finds a client.
        let client = self.client().ok_or(Refusal::Closed)?;
        Ok(Admitted { client, permit: self.enter()?.hold(bytes), restores: false })
    }

    /// Lets a call in that is to make again what there was before, whatever the bounds.
    pub(crate) fn admit_restoring(&self) -> Result<Admitted, Refusal> {
        let client = self.client().ok_or(Refusal::Closed)?;
        let permit = self.enter_unbounded().ok_or(Refusal::Closed)?;
        Ok(Admitted { client, permit, restores: true })
    }

    /// Runs a call that was let in.
    pub(crate) async fn call_admitted(
        self: &Arc<Self>,
        Admitted { client, permit, restores }: Admitted,
        method: usize,
        call: Call,
        caller: SubscriberId,
    ) -> Reply {
        let settlement = match self.settlement(method, &call, restores) {
            Ok(settlement) => settlement,
            Err(error) => return Reply::failed(Failure::BadArguments, &error.to_string()),
        };
        let deadline = call.context.deadline();
        let mut slot = Slot::default();
        slot.prepare(&call);
        client.serve(method, call, &mut slot);
        let Some(served) = slot.take() else {
            return Reply::failed(Failure::UnknownMethod, "the method cannot be called");
        };
        let settling = Settling::new(self, caller, settlement);
        let is_owed = settling.is_owed();
        let leadership = Arc::clone(self);
        let running = async move {
            let _permit = permit;
            settling.run(&leadership, served, deadline, || true).await
        };
        if !is_owed {
            return running.await;
        }
        let (told, reply) = oneshot::channel();
        self.spawn(async move {
            // The caller may have given up waiting.
            let _ = told.send(running.await);
        });
        // Without a reply its runtime has ended.
        reply.await.unwrap_or_else(|_| Reply::cut_off())
    }
}
