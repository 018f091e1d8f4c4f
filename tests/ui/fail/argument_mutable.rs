use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, names: &mut Vec<String>) {
        names.clear();
    }
}

fn main() {}
