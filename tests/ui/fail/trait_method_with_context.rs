use async_trait::async_trait;
use cluster_client::{CallContext, Error, cluster_client};

#[cluster_client]
#[async_trait]
pub trait Registry: Send + Sync {
    #[invoke]
    async fn lookup(&self, cx: CallContext) -> Result<u64, Error>;
}

fn main() {}
