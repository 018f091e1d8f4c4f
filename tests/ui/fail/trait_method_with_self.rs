use async_trait::async_trait;
use cluster_client::{Error, cluster_client};

#[cluster_client]
#[async_trait]
pub trait Registry: Send + Sync {
    #[invoke]
    async fn merge(&self, other: &Self) -> Result<u64, Error>;
}

fn main() {}
