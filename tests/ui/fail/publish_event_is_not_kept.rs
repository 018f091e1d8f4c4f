use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[publish(event, key = "id", undo = "remove")]
    pub async fn emit(&self, id: u64) {
        let _ = id;
    }

    #[invoke]
    pub async fn remove(&self, id: u64) {
        let _ = id;
    }
}

fn main() {}
