use cluster_client::cluster_client;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct RegistryError(cluster_client::Error);

impl From<cluster_client::Error> for RegistryError {
    fn from(error: cluster_client::Error) -> Self {
        Self(error)
    }
}

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self) -> Result<u64, RegistryError> {
        Ok(0)
    }
}

fn main() {}
