use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke(name = "say \"hi\"")]
    pub async fn quotes(&self) {}

    #[invoke(name = "back\\slash")]
    pub async fn backslash(&self) {}

    #[invoke(name = "two\nlines")]
    pub async fn control(&self) {}

    #[invoke(name = "")]
    pub async fn empty(&self) {}
}

fn main() {}
