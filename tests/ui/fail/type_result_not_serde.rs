use cluster_client::cluster_client;

struct Answer(u64);

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self) -> Answer {
        Answer(0)
    }
}

fn main() {}
