use cluster_client::cluster_client;

struct Query(u64);

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, query: Query) -> u64 {
        query.0
    }
}

fn main() {}
