use std::sync::Arc;

use cluster_client::{Error, cluster_client};

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self) {}
}

fn main() {
    let _ = async {
        let shared = Arc::new(Registry);
        RegistryProxy::builder()
            .start(move |_| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Error>(shared) }
            })
            .await
    };
}
