use cluster_client::cluster_client;

#[cluster_client]
pub struct Registry;

fn main() {
    let _ = Registry;
}
