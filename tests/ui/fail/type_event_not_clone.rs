use cluster_client::Subscribe;
use serde::{Deserialize, Serialize};

#[derive(PartialEq, Serialize, Deserialize, Subscribe)]
struct Tick(u64);

fn main() {}
