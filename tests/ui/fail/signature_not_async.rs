use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub fn lookup(&self) {}

    #[close]
    pub fn close(&self) {}
}

fn main() {}
