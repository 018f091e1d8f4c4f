use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[publish(undo = "take_back")]
    pub async fn register(&self) {}

    #[cfg(any())]
    #[invoke]
    pub async fn take_back(&self) {}
}

fn main() {}
