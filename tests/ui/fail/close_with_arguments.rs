use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[close]
    pub async fn close(&self, now: bool) {
        let _ = now;
    }
}

fn main() {}
