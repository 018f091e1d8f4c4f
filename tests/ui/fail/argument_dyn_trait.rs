use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, name: &(dyn std::fmt::Display + Sync)) {
        let _ = name;
    }
}

fn main() {}
