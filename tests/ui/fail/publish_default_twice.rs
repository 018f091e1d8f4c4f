use cluster_client::{Error, cluster_client};

struct Registry;

#[cluster_client]
impl Registry {
    #[publish(default)]
    pub async fn register(&self, _instance: String) -> Result<(), Error> {
        Ok(())
    }

    #[publish(event, default)]
    pub async fn announce(&self, _instance: String) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}
