use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, #[cfg(unix)] name: String) {
        drop(name);
    }
}

fn main() {}
