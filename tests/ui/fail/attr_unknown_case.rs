use cluster_client::cluster_client;

struct Registry;

#[cluster_client(rename_all = "camel")]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, service: String) -> u64 {
        service.len() as u64
    }
}

fn main() {}
