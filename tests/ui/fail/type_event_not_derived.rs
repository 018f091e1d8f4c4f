use cluster_client::{Subscription, cluster_client};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Tick(u64);

struct Registry;

#[cluster_client]
impl Registry {
    #[subscribe]
    pub async fn watch(&self) -> Subscription<Tick> {
        Subscription::channel().1
    }
}

fn main() {}
