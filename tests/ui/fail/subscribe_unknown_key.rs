use cluster_client::{Subscription, cluster_client};

struct Registry;

#[cluster_client]
impl Registry {
    #[subscribe(timeout = "5s")]
    pub async fn watch(&self) -> Subscription<u64> {
        Subscription::channel().1
    }
}

fn main() {}
