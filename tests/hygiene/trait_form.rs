//! Code written against the trait does not know whether it holds the client, a mock or a proxy.

use std::sync::Arc;

use async_trait::async_trait;
use cluster_client::{CallContext, Error, Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

use crate::members::members;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
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
    async fn lookup(&self, service: &str, tags: &[String]) -> Result<Vec<String>, Error> {
        Ok([&[service.to_owned()], tags].concat())
    }
    async fn touch(&self, _: &str) {}
    async fn touch_if(&self, _: String) -> Result<(), Error> {
        Ok(())
    }
    fn touch_now(&self, _: String) {}
    async fn watch(&self, service: String) -> Result<Subscription<Instances>, Error> {
        let (instances, subscription) = Subscription::channel();
        instances.send(Instances(vec![service])).expect("the subscription is here");
        Ok(subscription)
    }
    async fn register(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }
    async fn leave(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Knows nothing of clusters.
async fn is_a_directory(directory: &dyn Directory) {
    let found = directory.lookup("a", &["b".to_owned()]).await.unwrap();
    assert_eq!(found, ["a", "b"]);
    assert_eq!(directory.first("a").await.unwrap().as_deref(), Some("a"));
    directory.touch("a").await;
    directory.touch_if("a".to_owned()).await.unwrap();
    directory.touch_now("a".to_owned());
    directory.register("a").await.unwrap();
    directory.withdraw("a").await.unwrap();
    let mut instances = directory.watch("a".to_owned()).await.unwrap();
    assert_eq!(instances.next().await, Some(Instances(vec!["a".to_owned()])));
}

#[tokio::test]
async fn a_mock_a_proxy_and_the_proxies_of_both_roles_are_the_trait() {
    is_a_directory(&Mock).await;
    let by_value = members::<SharedProxy, _, _>(|| Mock).await;
    let shared = members::<SharedProxy, _, _>(|| Arc::new(Mock) as Arc<dyn Directory>).await;
    for [leader, follower] in [by_value, shared] {
        let real: &dyn Directory = &leader;
        is_a_directory(real).await;
        let held: Arc<dyn Directory> = Arc::new(follower.clone());
        is_a_directory(&*held).await;
        is_a_directory(&leader.as_leader().unwrap()).await;
        is_a_directory(leader.as_leader().unwrap().client()).await;
        is_a_directory(&follower.as_follower().unwrap()).await;
        held.leave().await.unwrap();
        leader.leave().await.unwrap();
    }
}

#[test]
fn what_is_annotated_is_served() {
    use cluster_client::__private::Service;
    assert_eq!(SharedProxy::CHANNEL, "directory");
    assert_eq!(SharedProxy::METHODS.len(), 7);
}
