use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn name(&self) -> impl Iterator<Item = u8> {
        std::iter::empty()
    }

    #[invoke]
    pub async fn failing(&self) -> Result<u64, Box<dyn std::error::Error>> {
        Ok(0)
    }
}

fn main() {}
