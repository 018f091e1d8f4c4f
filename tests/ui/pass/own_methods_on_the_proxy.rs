use cluster_client::{Error, cluster_client};

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, service: &str) -> u64 {
        service.len() as u64
    }
}

impl RegistryProxy {
    pub async fn cached_lookup(&self, service: &str) -> Result<u64, Error> {
        self.lookup(service).await
    }
}

fn main() {
    let _ = RegistryProxy::cached_lookup;
}
