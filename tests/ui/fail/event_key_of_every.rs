use cluster_client::Subscribe;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every")]
struct Tick {
    #[subscribe(key)]
    at: u64,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(receivers = "one")]
struct Job {
    #[subscribe(key)]
    id: u64,
}

fn main() {}
