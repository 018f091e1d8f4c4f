use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, (a, b): (u8, u8), _: u8) {
        let _ = (a, b);
    }
}

fn main() {}
