use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke(one_way)]
    pub async fn lookup(&self) {}
}

fn main() {}
