use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn builder(&self) {}

    #[invoke]
    pub async fn membership(&self) {}

    #[invoke]
    pub async fn as_leader(&self) {}

    #[invoke]
    pub async fn as_follower(&self) {}

    #[invoke]
    pub async fn client(&self) {}
}

fn main() {}
