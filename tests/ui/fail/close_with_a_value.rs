use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[close]
    pub async fn close(&self) -> u64 {
        0
    }
}

fn main() {}
