use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn lookup(&self, names: &[&str], more: Vec<&str>, cow: std::borrow::Cow<'_, str>) {
        let _ = (names, more, cow);
    }
}

fn main() {}
