//! Two versions of a program on one channel.

use cluster_client::{Error, Outcome};
use support::free_port;

use crate::samples::soon;

mod old {
    use cluster_client::cluster_client;

    pub(super) struct Clock;

    #[cluster_client]
    impl Clock {
        #[invoke]
        pub(super) async fn now(&self) -> u64 {
            7
        }

        #[invoke]
        pub(super) async fn zone(&self, name: String) -> String {
            name
        }
    }
}

mod new {
    use cluster_client::cluster_client;

    pub(super) struct Clock;

    #[cluster_client]
    impl Clock {
        #[invoke]
        pub(super) async fn now(&self) -> String {
            "seven".into()
        }

        #[invoke]
        pub(super) async fn zone(&self, name: String) -> String {
            name
        }

        #[invoke]
        pub(super) async fn alarm(&self) {}
    }
}

#[tokio::test]
async fn a_method_that_differs_is_an_error_of_that_method_alone() {
    let port = free_port();
    let leader = old::ClockProxy::builder().port(port);
    let leader = soon(leader.start(async |_| Ok::<_, Error>(old::Clock))).await.unwrap();
    let follower = new::ClockProxy::builder().port(port);
    let follower = soon(follower.start(async |_| Ok::<_, Error>(new::Clock))).await.unwrap();

    let error = soon(follower.now()).await.unwrap_err();
    let Error::InterfaceMismatch { method, leader: theirs, follower: ours } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(method, "now");
    assert!(theirs.contains("u64") && ours.contains("String"), "{error}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);

    let missing = soon(follower.alarm()).await.unwrap_err();
    assert_eq!(missing.outcome(), Outcome::NotExecuted);
    assert!(missing.to_string().contains("alarm"), "{missing}");

    assert_eq!(soon(follower.zone("UTC".into())).await, Ok("UTC".to_owned()));
    assert_eq!(leader.now().await, Ok(7));
}
