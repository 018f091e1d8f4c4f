use cluster_client::Subscribe;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(receivers = "some")]
struct Tick(u64);

fn main() {}
