use cluster_client::{CallContext, cluster_client};

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, name: String, cx: CallContext) {
        drop((name, cx));
    }
}

fn main() {}
