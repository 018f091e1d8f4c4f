use cluster_client::cluster_client;

macro_rules! client {
    ($name:ident, $method:ident, $arg:ty, $out:ty) => {
        pub struct $name;

        #[cluster_client]
        impl $name {
            #[invoke]
            pub async fn $method(&self, value: $arg, client: $arg) -> $out {
                let _ = (value, client);
                Default::default()
            }

            #[publish(key = "value")]
            pub async fn set(&self, value: &str, more: $arg) {
                let _ = (value, more);
            }
        }
    };
}

client!(Counter, count, &str, u64);
client!(Names, all, Vec<u8>, Vec<String>);

fn main() {
    let _ = CounterProxy::builder();
    let _ = NamesProxy::builder();
}
