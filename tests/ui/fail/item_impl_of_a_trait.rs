use cluster_client::cluster_client;

trait Lookup {
    async fn lookup(&self);
}

struct Registry;

#[cluster_client]
impl Lookup for Registry {
    #[invoke]
    async fn lookup(&self) {}
}

fn main() {}
