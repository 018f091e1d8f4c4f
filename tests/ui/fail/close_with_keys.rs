use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[close(name = "stop")]
    pub async fn close(&self) {}
}

fn main() {}
