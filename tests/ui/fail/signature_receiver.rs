use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn by_value(self) {}

    #[invoke]
    pub async fn exclusive(&mut self) {}

    #[invoke]
    pub async fn shared(self: std::sync::Arc<Self>) {}

    #[invoke]
    pub async fn none() {}
}

fn main() {}
