use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self) {
        let count = std::rc::Rc::new(0);
        std::future::ready(()).await;
        drop(count);
    }
}

fn main() {}
