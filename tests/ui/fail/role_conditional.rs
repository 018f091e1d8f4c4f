use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, service: String) -> u64 {
        service.len() as u64
    }

    #[cfg_attr(unix, invoke)]
    pub async fn find(&self) {}
}

fn main() {}
