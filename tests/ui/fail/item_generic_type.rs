use cluster_client::cluster_client;

struct Registry<T>(T);

#[cluster_client]
impl<T> Registry<T> {
    #[invoke]
    pub async fn lookup(&self) {}
}

fn main() {}
