use async_trait::async_trait;
use cluster_client::{Error, cluster_client};

#[cluster_client]
#[async_trait]
pub trait Registry: Send + Sync {
    #[invoke]
    async fn lookup(&self, service: String) -> Result<u64, Error>;

    #[invoke]
    async fn count(&self) -> u64;

    #[close]
    async fn close(&self);
}

fn main() {
    // What uses the proxy is not blamed for the mistake above.
    let _ = async {
        let registry = RegistryProxy::builder().port(7777);
        let registry: Box<dyn Registry> = Box::new(registry.start(factory).await?);
        registry.count().await;
        registry.close().await;
        registry.lookup(String::new()).await
    };
}

async fn factory(_: cluster_client::LeaderContext) -> Result<(), Error> {
    Ok(())
}
