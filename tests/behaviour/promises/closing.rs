//! Closing, from within and by dropping.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cluster_client::{ClusterEvent, Error, Limits, Membership, Outcome, Role, cluster_client};
use support::free_port;

use crate::samples::{
    Hosts, Log, Registry, RegistryError, RegistryProxy, event, member, next_is, role, soon,
};

/// A real client that holds its own proxy.
#[derive(Default)]
struct Selfish {
    proxy: OnceLock<SelfishProxy>,
    log: Log,
}

#[cluster_client]
impl Selfish {
    #[invoke]
    async fn quit(&self) {
        self.membership().close().await;
        self.log.add("closed from within");
    }

    #[invoke]
    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Calls itself until that fails.
    #[invoke]
    async fn linger(&self) -> Result<(), Error> {
        self.log.add("lingering");
        loop {
            if let Err(error) = self.proxy.get().expect("it was set").ping().await {
                self.log.add(format!("{:?}", error.outcome()));
                return Err(error);
            }
            tokio::task::yield_now().await;
        }
    }

    #[close]
    async fn disconnect(&self) {
        self.log.add("closing");
    }
}

impl Selfish {
    fn membership(&self) -> &Membership {
        self.proxy.get().expect("it was set").membership()
    }
}

async fn selfish(port: u16) -> (SelfishProxy, Arc<Selfish>) {
    let client = Arc::new(Selfish::default());
    let given = Arc::clone(&client);
    let proxy = SelfishProxy::builder()
        .port(port)
        .start(move |_| std::future::ready(Ok::<_, Error>(Arc::clone(&given))));
    let proxy = soon(proxy).await.unwrap();
    assert!(client.proxy.set(proxy.clone()).is_ok());
    (proxy, client)
}

#[tokio::test]
async fn close_within_a_method_returns() {
    let (proxy, client) = selfish(free_port()).await;
    assert_eq!(soon(proxy.quit()).await, Ok(()));
    assert_eq!(client.log.count("closed from within"), 1);
    assert_eq!(client.log.count("closing"), 1);
    assert_eq!(proxy.membership().role(), Role::Closed);
}

#[tokio::test]
async fn a_call_to_oneself_while_draining_is_not_executed_at_once() {
    let (proxy, client) = selfish(free_port()).await;
    let calling = {
        let proxy = proxy.clone();
        tokio::spawn(async move { proxy.linger().await })
    };
    client.log.until("lingering", 1).await;
    soon(proxy.membership().close()).await;
    // An accepted call is answered, though what it has waited for is an error.
    let error = soon(calling).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Relayed(_)), "{error:?}");
    assert_eq!(client.log.count(&format!("{:?}", Outcome::NotExecuted)), 1);
}

#[tokio::test]
async fn a_call_of_the_own_proxy_in_the_factory_is_an_error() {
    let (port, log) = (free_port(), Log::default());
    let first = member(port, &log).await;
    let own = Arc::new(OnceLock::<RegistryProxy>::new());
    let (proxy, connecting) = (Arc::clone(&own), log.clone());
    let heir = RegistryProxy::builder().port(port).start(move |cx| {
        let (proxy, log) = (Arc::clone(&proxy), connecting.clone());
        async move {
            let proxy = proxy.get().expect("set while it followed");
            let method = |name: &str| Error::CalledFromFactory { method: name.to_owned() };
            assert_eq!(proxy.get("x").await, Err(RegistryError::Cluster(method("get"))));
            assert_eq!(proxy.note("x".into()).await, Err(method("note")));
            let watching = proxy.watch("x".into()).await.map(drop);
            assert_eq!(watching, Err(RegistryError::Cluster(method("watch"))));
            Registry::connect(&log, &cx)
        }
    });
    let heir = soon(heir).await.unwrap();
    assert!(own.set(heir.clone()).is_ok());
    soon(first.membership().close()).await;
    assert_eq!(soon(heir.get("123")).await, Ok("123".to_owned()));
    assert_eq!((log.count("built"), log.count("get x")), (2, 0));
    soon(heir.membership().close()).await;
}

#[tokio::test]
async fn dropping_the_last_proxy_leaves() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let follower = member(port, &log).await;
    let clone = leader.clone();
    drop(leader);
    assert_eq!(clone.membership().role(), Role::Leader);
    let membership = clone.membership().clone();
    drop(clone);
    role(&membership, Role::Closed).await;
    role(follower.membership(), Role::Leader).await;
    assert_eq!((log.count("built"), log.count("closed")), (2, 1));
}

#[tokio::test]
async fn a_subscription_keeps_its_member() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let mut events = leader.membership().events();
    let follower = member(port, &log).await;
    let leaving = follower.membership().instance();
    let mut watching = soon(follower.watch("s".into())).await.unwrap();
    drop(follower);
    leader.register("s".into(), "h".into()).await.unwrap();
    next_is(&mut watching, &Hosts(vec!["h".into()])).await;
    drop(watching);
    let left = event(&mut events, |event| match event {
        ClusterEvent::FollowerLeft { instance, .. } => Some(instance),
        _ => None,
    });
    assert_eq!(left.await, leaving);
}

/// Says that it cannot be closed, or never comes to an end with it.
struct Stubborn {
    hangs: bool,
}

#[cluster_client]
impl Stubborn {
    #[invoke]
    async fn ping(&self) {}

    #[close]
    async fn disconnect(&self) -> Result<(), Error> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Err(Error::CalledFromFactory { method: "commit".to_owned() })
    }
}

#[tokio::test]
async fn a_client_that_is_not_closed_well_is_an_event() {
    for hangs in [false, true] {
        let limits = Limits { drain: Duration::from_millis(50), ..Limits::default() };
        let start = StubbornProxy::builder()
            .port(free_port())
            .limits(limits)
            .start(move |_| std::future::ready(Ok::<_, Error>(Stubborn { hangs })));
        let proxy = soon(start).await.unwrap();
        let mut events = proxy.membership().events();
        soon(proxy.disconnect()).await.unwrap();
        let error = match soon(events.next()).await {
            Some(ClusterEvent::RealClient(error)) => error,
            other => panic!("{other:?}"),
        };
        let method = "#[close]".to_owned();
        let timeout = Duration::from_millis(50);
        let outcome = Outcome::Unknown;
        assert_eq!(
            error,
            if hangs {
                Error::DeadlineExceeded { method, timeout, outcome }
            } else {
                let error = Error::CalledFromFactory { method: "commit".to_owned() };
                Error::MethodFailed { method, message: error.to_string() }
            }
        );
    }
}
