use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke(oneway, idempotent)]
    pub async fn touch(&self) {}
}

fn main() {}
