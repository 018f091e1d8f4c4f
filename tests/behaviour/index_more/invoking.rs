//! 42 to 50: calls, their errors and deadlines, and what stands in for the real client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cluster_client::{Codec, Error, Outcome, cluster_client};
use support::free_port;

use crate::samples::{Hosts, Log, RegistryError, RegistryProxy, member, next_is, soon, start};

#[tokio::test]
async fn b42_a_value_and_an_error_are_the_same_in_both_roles() {
    let (port, log) = (free_port(), Log::default());
    for proxy in &[member(port, &log).await, member(port, &log).await] {
        assert_eq!(soon(proxy.get("123")).await, Ok("123".to_owned()));
        assert_eq!(soon(proxy.get("error")).await, Err(RegistryError::mock()));
    }
}

#[cluster_client]
#[async_trait]
trait Weather: Send + Sync {
    #[invoke]
    async fn at(&self, place: String) -> Result<i32, Error>;
}

/// Code that is written against the trait.
async fn warmer(weather: &dyn Weather, one: &str, other: &str) -> Result<bool, Error> {
    Ok(weather.at(one.into()).await? > weather.at(other.into()).await?)
}

/// Stands in for the real client, or for the proxy.
#[derive(Default)]
struct MockWeather {
    calls: AtomicUsize,
}

#[async_trait]
impl Weather for MockWeather {
    async fn at(&self, place: String) -> Result<i32, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(place.len() as i32)
    }
}

#[tokio::test]
async fn b44_a_mock_takes_the_place_of_the_proxy() {
    let mock = MockWeather::default();
    assert_eq!(warmer(&mock, "Rome", "Ulm").await, Ok(true));
    assert_eq!(mock.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn b45_a_mock_takes_the_place_of_the_real_client_and_counts_the_calls() {
    let port = free_port();
    let mock = Arc::new(MockWeather::default());
    let join = async || {
        let mock = Arc::clone(&mock) as Arc<dyn Weather>;
        let member = WeatherProxy::builder()
            .port(port)
            .start(move |_| std::future::ready(Ok::<_, Error>(Arc::clone(&mock))));
        soon(member).await.unwrap()
    };
    let (leader, follower) = (join().await, join().await);
    assert_eq!(soon(warmer(&leader, "Rome", "Ulm")).await, Ok(true));
    assert_eq!(soon(warmer(&follower, "Ulm", "Rome")).await, Ok(false));
    assert_eq!(mock.calls.load(Ordering::SeqCst), 4);
}

/// Both members of a cluster in which calls may take `millis`.
async fn impatient(log: &Log, millis: u64) -> [RegistryProxy; 2] {
    let port = free_port();
    let builder =
        || RegistryProxy::builder().port(port).response_timeout(Duration::from_millis(millis));
    [start(builder(), log).await.unwrap(), start(builder(), log).await.unwrap()]
}

#[tokio::test]
async fn b46_a_method_that_never_returns_is_a_deadline_exceeded_in_both_roles() {
    let log = Log::default();
    for proxy in &impatient(&log, 50).await {
        let error = soon(proxy.never()).await.unwrap_err();
        let timeout = Duration::from_millis(50);
        let method = "never".to_owned();
        let outcome = Outcome::Unknown;
        assert_eq!(error, Error::DeadlineExceeded { method, timeout, outcome }.into());
    }
}

#[tokio::test]
async fn b48_a_method_slower_than_its_deadline_is_given_up_in_the_leader() {
    let log = Log::default();
    let [_leader, follower] = impatient(&log, 50).await;
    let error = soon(follower.never()).await.unwrap_err().to_string();
    assert_eq!(error, "`never` was not answered within 50ms (it may have run)");
    log.until("never given up", 1).await;
    // The connection is none the worse for it.
    assert_eq!(soon(follower.get("123")).await, Ok("123".to_owned()));
}

#[tokio::test]
async fn b49_in_the_leader_the_real_client_itself_can_be_reached() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let follower = member(port, &log).await;
    let registry = leader.as_leader().expect("it leads");
    assert_eq!(registry.client().epoch, leader.membership().leader().unwrap().epoch);
    assert!(leader.as_follower().is_none() && follower.as_leader().is_none());
    assert!(follower.as_follower().is_some());
}

/// Everything works whatever codecs the members have chosen.
async fn works_with(codecs: [Codec; 2]) {
    let (port, log) = (free_port(), Log::default());
    let join = async |codec| start(RegistryProxy::builder().port(port).codec(codec), &log).await;
    let [leader, follower] = [join(codecs[0]).await.unwrap(), join(codecs[1]).await.unwrap()];
    let mut at_leader = leader.watch("s".into()).await.unwrap();
    let mut at_follower = soon(follower.watch("s".into())).await.unwrap();
    soon(leader.register("s".into(), "299".into())).await.unwrap();
    soon(follower.register("s".into(), "300".into())).await.unwrap();
    let both = Hosts(vec!["299".into(), "300".into()]);
    next_is(&mut at_leader, &both).await;
    next_is(&mut at_follower, &both).await;
    next_is(&mut soon(follower.watch("s".into())).await.unwrap(), &both).await;
    assert_eq!(soon(follower.get("error")).await, Err(RegistryError::mock()));
    assert_eq!(log.count("watch s"), 1);
}

#[tokio::test]
async fn b50_with_json_everything_works_as_well() {
    works_with([Codec::Json, Codec::Json]).await;
    works_with([Codec::default(), Codec::Json]).await;
    works_with([Codec::Json, Codec::default()]).await;
}
