use cluster_client::cluster_client;

struct Registry;

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn of_a_type<T: Send>(&self, value: T) {
        drop(value);
    }

    #[invoke]
    pub async fn of_a_lifetime<'a>(&self, value: &'a str) {
        let _ = value;
    }

    #[invoke]
    pub async fn of_a_constant<const N: usize>(&self, value: [u8; N]) {
        let _ = value;
    }

    #[invoke]
    pub async fn with_a_clause(&self)
    where
        Self: Sized,
    {
    }
}

fn main() {}
