use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke = "lookup"]
    pub async fn find(&self) {}
}

fn main() {}
