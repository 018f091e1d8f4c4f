use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke(oneway)]
    pub async fn touch(&self) -> u64 {
        0
    }

    #[invoke(oneway)]
    pub async fn touch_if(&self) -> Result<u64, cluster_client::Error> {
        Ok(0)
    }
}

fn main() {}
