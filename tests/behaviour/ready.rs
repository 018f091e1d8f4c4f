//! 58 and 59: the real client cannot be built.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cluster_client::{ClusterEvent, Error, Role};
use support::free_port;

use crate::samples::{Log, Registry, RegistryError, RegistryProxy, event, member, role, soon};

fn mock_error() -> Error {
    Error::RealClient { channel: "Registry".into(), message: "mock error".into() }
}

#[tokio::test]
async fn b58_start_fails_with_the_error_of_the_factory() {
    for single in [false, true] {
        let (port, log) = (free_port(), Log::default());
        let builder = || RegistryProxy::builder().port(port).single_mode(single);
        let broken = builder().start(async |_| Err::<Registry, _>("mock error"));
        assert_eq!(soon(broken).await.unwrap_err(), mock_error());
        // Nothing of it is left.
        let sound = crate::samples::start(builder(), &log).await.unwrap();
        assert_eq!(sound.membership().role(), Role::Leader);
    }
}

#[tokio::test]
async fn b59_calls_fail_with_that_error_in_both_roles_and_later_ones_try_again() {
    let (port, log) = (free_port(), Log::default());
    let first = member(port, &log).await;

    // Takes over, and then can connect only once it is allowed to.
    let sound = Arc::new(AtomicBool::new(false));
    let (allowed, connecting) = (Arc::clone(&sound), log.clone());
    let heir = RegistryProxy::builder().port(port).start(move |cx| {
        let (sound, log) = (allowed.load(Ordering::SeqCst), connecting.clone());
        async move {
            if sound {
                Registry::connect(&log, &cx).map_err(|error| error.to_string())
            } else {
                Err("mock error".to_owned())
            }
        }
    });
    let heir = soon(heir).await.unwrap();
    let mut events = heir.membership().events();
    let follower =
        RegistryProxy::builder().port(port).role(cluster_client::RolePreference::Follower);
    let follower = crate::samples::start(follower, &log).await.unwrap();
    soon(first.membership().close()).await;
    let failed = event(&mut events, |event| match event {
        ClusterEvent::RealClient(error) => Some(error),
        _ => None,
    });
    assert_eq!(failed.await, mock_error());

    for proxy in [&heir, &follower] {
        let failed = soon(proxy.get("123")).await;
        assert_eq!(failed, Err(RegistryError::Cluster(mock_error())));
    }
    sound.store(true, Ordering::SeqCst);
    // A call makes it try at once; one that came just before may still fail.
    for proxy in [&heir, &follower] {
        let works = async { while proxy.get("123").await != Ok("123".to_owned()) {} };
        soon(works).await;
    }
    role(heir.membership(), Role::Leader).await;
    assert_eq!(log.count("built"), 2);
}
