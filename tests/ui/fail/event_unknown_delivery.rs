use cluster_client::Subscribe;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "all")]
struct Tick(u64);

fn main() {}
