use cluster_client::Subscribe;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
struct Tick {
    #[subscribe(key)]
    at: u64,
    #[subscribe(key)]
    of: u64,
}

fn main() {}
