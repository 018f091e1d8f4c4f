use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[publish(undo = "unregister")]
    pub async fn unknown(&self, id: u64) {
        let _ = id;
    }

    #[publish(undo = "helper")]
    pub async fn not_annotated(&self, id: u64) {
        let _ = id;
    }

    #[publish(undo = "remove")]
    pub async fn other_arguments(&self, id: u64) {
        let _ = id;
    }

    #[publish(undo = "touch")]
    pub async fn one_way(&self, id: u64) {
        let _ = id;
    }

    #[invoke]
    pub async fn remove(&self, name: &str) {
        let _ = name;
    }

    #[invoke(oneway)]
    pub async fn touch(&self, id: u64) {
        let _ = id;
    }

    pub async fn helper(&self, id: u64) {
        let _ = id;
    }
}

fn main() {}
