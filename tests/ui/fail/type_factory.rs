use cluster_client::{Error, cluster_client};

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self) -> u64 {
        0
    }
}

fn main() {
    let _ = async { RegistryProxy::builder().start(|_| async { Ok::<_, Error>("registry") }).await };
}
