use cluster_client::{Error, cluster_client};

#[cluster_client]
pub trait Registry: Send + Sync {
    #[invoke]
    async fn lookup(&self, service: String) -> Result<u64, Error>;
}

fn main() {}
