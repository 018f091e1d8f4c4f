//! Code written against the trait does not know whether it holds the client, a mock or a proxy.

use std::sync::Arc;

use async_trait::async_trait;
use cluster_client::{CallContext, Error, Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize, Subscribe)]
pub struct Instances(Vec<String>);

/// The directory.
#[cluster_client(name = "directory", proxy = "Shared")]
#[async_trait]
pub(crate) trait Directory: Send + Sync {
    /// Finds.
    #[invoke(idempotent)]
    async fn lookup(&self, service: &str, tags: &[String]) -> Result<Vec<String>, Error>;

    #[invoke(oneway)]
    async fn touch(&self, service: &str);

    #[invoke(oneway)]
    async fn touch_if(&self, service: String) -> Result<(), Error>;

    #[invoke(oneway)]
    fn touch_now(&self, service: String);

    #[subscribe]
    async fn watch(&self, service: String) -> Result<Subscription<Instances>, Error>;

    #[publish(key = "name", undo = "withdraw")]
    async fn register(&self, name: &str) -> Result<(), Error>;

    #[invoke]
    #[must_use]
    async fn withdraw(&self, name: &str) -> Result<(), Error> {
        let _ = (name, CallContext::current());
        Ok(())
    }

    #[cfg(any())]
    #[invoke]
    async fn absent(&self) -> Result<Undeclared, Error>;

    /// Runs on the proxy.
    async fn first(&self, service: &str) -> Result<Option<String>, Error> {
        Ok(self.lookup(service, &[]).await?.into_iter().next())
    }

    #[close]
    async fn leave(&self) -> Result<(), Error>;
}

struct Mock;

#[async_trait]
impl Directory for Mock {
    async fn lookup(&self, service: &str, _: &[String]) -> Result<Vec<String>, Error> {
        Ok(vec![service.to_owned()])
    }
    async fn touch(&self, _: &str) {}
    async fn touch_if(&self, _: String) -> Result<(), Error> {
        Ok(())
    }
    fn touch_now(&self, _: String) {}
    async fn watch(&self, _: String) -> Result<Subscription<Instances>, Error> {
        Ok(Subscription::channel().1)
    }
    async fn register(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }
    async fn leave(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Never run: a factory may return an implementer or an `Arc<dyn …>`, and all proxies are the trait.
async fn started() -> Result<Vec<Arc<dyn Directory>>, Error> {
    let by_value = SharedProxy::builder().start(|_| async { Ok::<_, Error>(Mock) }).await?;
    let shared = SharedProxy::builder()
        .start(|_| async { Ok::<_, Error>(Arc::new(Mock) as Arc<dyn Directory>) })
        .await?;
    let leader: Option<Arc<dyn Directory>> = by_value.as_leader().map(|leader| {
        let _: &dyn Directory = leader.client();
        Arc::new(leader) as _
    });
    let follower: Option<Arc<dyn Directory>> =
        by_value.as_follower().map(|follower| Arc::new(follower) as _);
    let proxies: [Arc<dyn Directory>; 2] = [Arc::new(by_value), Arc::new(shared)];
    Ok(proxies.into_iter().chain(leader).chain(follower).collect())
}

#[test]
fn compiles() {
    use cluster_client::__private::Service;
    let _ = started;
    assert_eq!(SharedProxy::CHANNEL, "directory");
    assert_eq!(SharedProxy::METHODS.len(), 7);
}
