use cluster_client::Subscribe;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(capacity = 8)]
struct OfLatest(u64);

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = 0)]
struct Zero(u64);

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = "8")]
struct Text(u64);

fn main() {}
