use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke(timeout = "5 seconds")]
    pub async fn words(&self) {}

    #[invoke(timeout = "0ms")]
    pub async fn zero(&self) {}

    #[invoke(timeout = 5)]
    pub async fn number(&self) {}

    #[invoke(timeout = "600000m")]
    pub async fn too_long(&self) {}
}

fn main() {}
