//! The annotated client.

use std::time::Duration;

use cluster_client::{CallContext, Error, LeaderContext, Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

use crate::book::Connection;
use crate::server::Server;

/// How long a call may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);

/// The newest value counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct Newest(pub(crate) u64);

/// Every value counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = 16)]
pub(crate) struct Tick(pub(crate) u64);

/// The newest value of each key counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct Slot {
    #[subscribe(key)]
    pub(crate) key: u64,
    pub(crate) value: u64,
}

/// The real client: a connection to the server.
pub(crate) struct Counter {
    server: Server,
    connection: Connection,
}

impl Counter {
    pub(crate) fn connect(server: Server, process: u32, cx: &LeaderContext) -> Self {
        let connection = server.book().connect(process, cx.epoch(), cx.is_standalone());
        Self { server, connection }
    }
}

#[cluster_client(vis = "pub(crate)")]
impl Counter {
    #[invoke(timeout = "2s")]
    pub(crate) async fn add(
        &self,
        cx: CallContext,
        operation: u64,
        _ballast: Vec<u8>,
    ) -> Result<(), Error> {
        self.server.run(self.connection, operation, &cx).await;
        Ok(())
    }

    #[invoke(idempotent, timeout = "2s")]
    pub(crate) async fn set(&self, cx: CallContext, operation: u64) -> Result<(), Error> {
        self.server.run(self.connection, operation, &cx).await;
        Ok(())
    }

    #[publish(event, timeout = "2s")]
    pub(crate) async fn notify(&self, cx: CallContext, operation: u64) -> Result<(), Error> {
        self.server.run(self.connection, operation, &cx).await;
        Ok(())
    }

    #[invoke(oneway)]
    pub(crate) async fn touch(&self, cx: CallContext, operation: u64, _ballast: Vec<u8>) {
        self.server.run(self.connection, operation, &cx).await;
    }

    #[publish(key = "key", undo = "retract", timeout = "2s")]
    pub(crate) async fn announce(&self, key: u64, value: u64) -> Result<(), Error> {
        self.server.publish(self.connection, key, value).await;
        Ok(())
    }

    #[invoke(timeout = "2s")]
    pub(crate) async fn retract(&self, cx: CallContext, key: u64, value: u64) -> Result<(), Error> {
        self.server.retract(self.connection, key, value, &cx).await;
        Ok(())
    }

    #[subscribe]
    pub(crate) async fn newest(&self, key: u64) -> Result<Subscription<Newest>, Error> {
        Ok(self.server.newest(self.connection, key))
    }

    #[subscribe]
    pub(crate) async fn ticks(&self, key: u64) -> Result<Subscription<Tick>, Error> {
        Ok(self.server.ticks(self.connection, key))
    }

    /// All keys at once.
    #[subscribe]
    pub(crate) async fn board(&self) -> Result<Subscription<Slot>, Error> {
        Ok(self.server.board(self.connection))
    }

    #[close]
    pub(crate) async fn disconnect(&self) {
        self.server.book().disconnect(self.connection);
    }
}
