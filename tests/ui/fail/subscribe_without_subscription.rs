use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[subscribe]
    pub async fn watch(&self) -> Vec<u64> {
        Vec::new()
    }

    #[subscribe]
    pub async fn nothing(&self) {}
}

fn main() {}
