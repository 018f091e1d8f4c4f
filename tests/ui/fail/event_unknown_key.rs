use cluster_client::Subscribe;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(broadcast = true)]
struct Tick(u64);

fn main() {}
