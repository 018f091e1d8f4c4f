use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, name: impl Into<String>) {
        drop(name.into());
    }
}

fn main() {}
