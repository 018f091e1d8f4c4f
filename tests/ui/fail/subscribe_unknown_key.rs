use cluster_client::{Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
struct Tick(u64);

struct Registry;

#[cluster_client]
impl Registry {
    #[subscribe(timeout = "5s")]
    pub async fn watch(&self) -> Subscription<Tick> {
        Subscription::channel().1
    }
}

fn main() {}
