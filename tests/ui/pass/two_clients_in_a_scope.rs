use cluster_client::cluster_client;

struct Registry<T>(T);
struct Config;

#[cluster_client(proxy = "Numbers")]
impl Registry<u64> {
    #[invoke]
    pub async fn lookup(&self) -> u64 {
        self.0
    }
}

#[cluster_client(proxy = "Names")]
impl Registry<String> {
    #[invoke]
    pub async fn find(&self) -> String {
        self.0.clone()
    }
}

#[cluster_client(vis = "pub(crate)")]
impl Config {
    #[invoke]
    pub async fn lookup(&self) {}
}

fn main() {
    let _ = NumbersProxy::builder();
    let _ = NamesProxy::builder();
    let _ = ConfigProxy::builder();
}
