use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn name(&self) -> &str {
        ""
    }

    #[invoke]
    pub async fn names(&self) -> Vec<std::borrow::Cow<'_, str>> {
        Vec::new()
    }
}

fn main() {}
