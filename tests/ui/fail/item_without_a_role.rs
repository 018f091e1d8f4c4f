use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    pub async fn lookup(&self) {}
}

fn main() {}
