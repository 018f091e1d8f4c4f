use async_trait::async_trait;
use cluster_client::{Subscription, cluster_client};

#[cluster_client]
#[async_trait]
pub trait Registry: Send + Sync {
    #[invoke]
    async fn count(&self) -> u64;

    #[invoke]
    async fn nothing(&self);

    #[subscribe]
    async fn watch(&self) -> Subscription<u64>;
}

fn main() {}
