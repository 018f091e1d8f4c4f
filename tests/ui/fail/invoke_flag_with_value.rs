use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke(oneway = true)]
    pub async fn lookup(&self) {}
}

fn main() {}
