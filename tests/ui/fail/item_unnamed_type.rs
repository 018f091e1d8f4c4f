use cluster_client::cluster_client;

trait Registry {}

#[cluster_client]
impl dyn Registry {
    #[invoke]
    pub async fn lookup(&self) {}
}

fn main() {}
