use async_trait::async_trait;
use cluster_client::{Error, cluster_client};

#[cluster_client]
#[async_trait]
pub trait Registry: Send + Sync {
    #[invoke]
    async fn lookup(&self, service: String) -> Result<u64, Error>;

    async fn find(&self, service: String) -> Result<u64, Error>;
}

fn main() {}
