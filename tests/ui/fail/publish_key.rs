use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[publish(key = "instance.id()")]
    pub async fn a_call(&self, instance: u64) {
        let _ = instance;
    }

    #[publish(key = "")]
    pub async fn empty(&self, instance: u64) {
        let _ = instance;
    }

    #[publish(key = "(instance, service)")]
    pub async fn no_argument(&self, instance: u64) {
        let _ = instance;
    }
}

fn main() {}
