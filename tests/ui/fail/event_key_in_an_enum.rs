use cluster_client::Subscribe;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
enum Tick {
    At {
        #[subscribe(key)]
        at: u64,
    },
}

fn main() {}
