use cluster_client::cluster_client;

struct Registry<'a>(&'a str);

#[cluster_client]
impl Registry<'_> {
    #[invoke]
    pub async fn lookup(&self) {}
}

fn main() {}
