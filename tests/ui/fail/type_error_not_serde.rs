use cluster_client::cluster_client;

#[derive(Debug, thiserror::Error)]
#[error("not found")]
struct RegistryError(#[from] cluster_client::Error);

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self) -> Result<u64, RegistryError> {
        Ok(0)
    }
}

fn main() {}
