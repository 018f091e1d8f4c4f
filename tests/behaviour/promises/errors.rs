//! Errors read the same in every role, and never as those of another call.

use cluster_client::{Error, Outcome, cluster_client};
use serde::{Deserialize, Serialize};
use support::free_port;

use crate::samples::{Log, RegistryError, RegistryProxy, member, soon, start};

/// A real client that is itself a user of another cluster.
struct Shop {
    registry: RegistryProxy,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
enum ShopError {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Cluster(#[from] Error),
}

#[cluster_client]
impl Shop {
    /// Has the other cluster's error inside its own.
    #[invoke]
    async fn address(&self) -> Result<String, ShopError> {
        Ok(self.registry.get("shop").await?)
    }

    /// Passes it on as it is.
    #[invoke]
    async fn pass_on(&self) -> Result<(), Error> {
        match self.registry.get("shop").await {
            Err(RegistryError::Cluster(error)) => Err(error),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_error_of_an_inner_proxy_never_reads_as_the_outer_calls_own() {
    let registry = member(free_port(), &Log::default()).await;
    soon(registry.membership().close()).await;
    let port = free_port();
    let join = async || {
        let registry = registry.clone();
        let shop = ShopProxy::builder().port(port).start(move |_| {
            std::future::ready(Ok::<_, Error>(Shop { registry: registry.clone() }))
        });
        soon(shop).await.unwrap()
    };
    let inner = Error::Relayed(Box::new(Error::Closed));
    assert_eq!(inner.outcome(), Outcome::Executed);
    for proxy in &[join().await, join().await] {
        assert_eq!(
            soon(proxy.address()).await,
            Err(ShopError::Registry(RegistryError::Cluster(inner.clone())))
        );
        assert_eq!(soon(proxy.pass_on()).await, Err(inner.clone()));
    }
}

#[tokio::test]
async fn a_panic_is_an_error_of_its_call_and_the_leader_goes_on() {
    let (port, log) = (free_port(), Log::default());
    let members = [member(port, &log).await, member(port, &log).await];
    for proxy in &members {
        let error = soon(proxy.panics()).await.unwrap_err();
        let panicked = Error::Panicked { method: "panics".into(), message: "mock panic".into() };
        assert_eq!(panicked.outcome(), Outcome::Executed);
        assert_eq!(error, RegistryError::Cluster(panicked));
        assert_eq!(soon(proxy.get("123")).await, Ok("123".to_owned()));
    }
    assert_eq!(log.count("built"), 1);
}

/// Loses something on its way.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
struct Lossy {
    kept: u32,
    #[serde(skip)]
    lost: u32,
}

/// Cannot be read if it is 13.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Lucky(#[serde(deserialize_with = "lucky")] u32);

fn lucky<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        13 => Err(serde::de::Error::custom("bad luck")),
        other => Ok(other),
    }
}

struct Post;

#[cluster_client]
impl Post {
    #[invoke]
    async fn send(&self, kept: u32, lost: u32) -> Lossy {
        Lossy { kept, lost }
    }

    #[invoke]
    async fn draw(&self, number: Lucky) -> u32 {
        number.0
    }
}

#[tokio::test]
async fn with_strict_parity_a_leader_fails_where_a_follower_does() {
    let port = free_port();
    let start = async |port, strict| {
        let post = PostProxy::builder().port(port).strict_parity(strict);
        soon(post.start(async |_| Ok::<_, Error>(Post))).await.unwrap()
    };
    let lax = start(port, false).await;
    assert_eq!(lax.send(1, 2).await, Ok(Lossy { kept: 1, lost: 2 }));
    assert_eq!(lax.draw(Lucky(13)).await, Ok(13));

    let follower = start(port, false).await;
    let strict = start(free_port(), true).await;
    for proxy in [&follower, &strict] {
        assert_eq!(soon(proxy.send(1, 2)).await, Ok(Lossy { kept: 1, lost: 0 }));
        let error = soon(proxy.draw(Lucky(13))).await.unwrap_err();
        let Error::BadArguments { method, message } = &error else { panic!("{error:?}") };
        assert!(method == "draw" && message.contains("bad luck"), "{error}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);
    }
}

#[tokio::test]
async fn what_is_too_large_is_an_error_before_it_is_sent() {
    let (port, log) = (free_port(), Log::default());
    let _leader = member(port, &log).await;
    let limits = cluster_client::Limits { max_data: 1024, ..Default::default() };
    let follower = RegistryProxy::builder().port(port).limits(limits);
    let follower = start(follower, &log).await.unwrap();
    let error = soon(follower.told(&"x".repeat(2048))).await.unwrap_err();
    let RegistryError::Cluster(error) = error else { panic!("{error:?}") };
    assert!(matches!(error, Error::Encode { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert_eq!(soon(follower.get("123")).await, Ok("123".to_owned()));
}
