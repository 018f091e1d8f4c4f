use cluster_client::cluster_client;

struct Query(u64);

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn by_value(&self, deep: bool, query: Query) -> u64 {
        query.0 + u64::from(deep)
    }

    #[publish]
    pub async fn borrowed(&self, service: &str, queries: &[Query]) {
        let _ = (service, queries);
    }

    #[invoke(oneway)]
    pub async fn contained(&self, queries: Vec<Query>) {
        drop(queries);
    }
}

fn main() {}
