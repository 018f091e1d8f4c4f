use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke(nmae = "x")]
    pub async fn one(&self) {}

    #[invoke]
    pub async fn two(&mut self) {}

    #[publish(undo = "none")]
    pub async fn three(&self) {}

    #[invoke]
    pub async fn right(&self) -> u64 {
        0
    }
}

fn main() {
    // What uses the proxy is not blamed for the mistakes above.
    let _ = async {
        let registry = RegistryProxy::builder()
            .port(7777)
            .start(|_| async { Ok::<_, cluster_client::Error>(Registry) })
            .await?;
        registry.one().await;
        registry.right().await;
        registry.membership().close().await;
        if let Some(leader) = registry.as_leader() {
            leader.client().right().await;
        }
        Ok::<_, cluster_client::Error>(())
    };
}
