//! The annotated client.

use cluster_client::{CallContext, Error, Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

use crate::server::Server;

/// The newest value counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub(crate) struct Newest(pub(crate) u64);

/// Every value counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = 16)]
pub(crate) struct Tick(pub(crate) u64);

/// The real client: a connection to the server.
pub(crate) struct Counter {
    server: Server,
    connection: u64,
}

impl Counter {
    pub(crate) fn connect(server: Server) -> Self {
        let connection = server.connect();
        Self { server, connection }
    }
}

#[cluster_client(vis = "pub(crate)")]
impl Counter {
    /// Runs after `wait` milliseconds.
    #[invoke(timeout = "2s")]
    pub(crate) async fn add(
        &self,
        cx: CallContext,
        operation: u64,
        wait: u64,
    ) -> Result<(), Error> {
        tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
        self.server.run(operation, cx.epoch());
        Ok(())
    }

    #[invoke(idempotent, timeout = "2s")]
    pub(crate) async fn set(&self, cx: CallContext, operation: u64) -> Result<(), Error> {
        self.server.run(operation, cx.epoch());
        Ok(())
    }

    #[publish(key = "key", timeout = "2s")]
    pub(crate) async fn announce(&self, key: u64, value: u64) -> Result<(), Error> {
        self.server.publish(self.connection, key, value);
        Ok(())
    }

    #[subscribe]
    pub(crate) async fn newest(&self, key: u64) -> Result<Subscription<Newest>, Error> {
        Ok(self.server.newest(key))
    }

    #[subscribe]
    pub(crate) async fn ticks(&self, key: u64) -> Result<Subscription<Tick>, Error> {
        Ok(self.server.ticks(key))
    }
}
