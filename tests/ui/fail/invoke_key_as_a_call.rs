use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke(timeout("5s"))]
    pub async fn lookup(&self) {}
}

fn main() {}
