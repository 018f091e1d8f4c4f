fn main() {
    use cluster_client::{Subscription, cluster_client};

    #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize, cluster_client::Subscribe)]
    struct Tick(u64);

    struct Clock;

    #[cluster_client]
    impl Clock {
        #[subscribe]
        pub async fn ticks(&self, every: u64) -> Subscription<Tick> {
            let _ = every;
            Subscription::channel().1
        }
    }

    let _ = ClockProxy::builder();
}
