use cluster_client::cluster_client;
use serde::{Deserialize, Serialize};

#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[error("not found")]
struct RegistryError;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self) -> Result<u64, RegistryError> {
        Err(RegistryError)
    }
}

fn main() {}
