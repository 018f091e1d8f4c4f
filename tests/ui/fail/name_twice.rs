use cluster_client::cluster_client;

struct Registry;

#[cluster_client(rename_all = "camelCase")]
impl Registry {
    #[invoke]
    pub async fn get_user(&self) {}

    #[invoke(name = "getUser")]
    pub async fn find_user(&self) {}
}

fn main() {}
