use cluster_client::{Error, Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct Instances(Vec<String>);

struct Registry;

#[cluster_client]
impl Registry {
    #[subscribe(default)]
    pub async fn watch(&self, _service: String) -> Result<Subscription<Instances>, Error> {
        Err(Error::Closed)
    }

    #[subscribe(default)]
    pub async fn follow(&self, _service: String) -> Result<Subscription<Instances>, Error> {
        Err(Error::Closed)
    }
}

fn main() {}
