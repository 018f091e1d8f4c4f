use cluster_client::Subscribe;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};

#[derive(Clone, PartialEq, Serialize, serde::Deserialize, Subscribe)]
#[serde(bound = "T: Serialize + DeserializeOwned")]
struct Tick<T>
where
    T: Clone + PartialEq + Serialize + DeserializeOwned + Send + 'static,
{
    #[subscribe(key)]
    of: String,
    value: T,
}

fn event<E: Subscribe>() {}

fn main() {
    event::<Tick<u64>>();
    let _ = <u64 as Deserialize>::deserialize::<serde::de::value::U64Deserializer<serde::de::value::Error>>;
}
