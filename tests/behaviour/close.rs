//! 16 to 18: closing.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use cluster_client::{ClusterEvent, Error, Role, Subscription, SubscriptionSender, cluster_client};
use futures::future::join3;
use support::free_port;
use tokio::sync::watch;

use crate::sample::{Mode, Team, Values, next_event, soon};

both_modes!(b16_the_close_method_closes_the_real_client, b17_closing_needs_no_close_method);

async fn b16_the_close_method_closes_the_real_client(mode: Mode) {
    let (team, leader, follower) = Team::of_two(mode).await;
    // A follower leaves; the real client is not its own.
    soon(follower.destroy()).await;
    assert_eq!(follower.membership().role(), Role::Closed);
    assert_eq!(team.log.count("destroyed"), 0);
    assert_eq!(leader.version().await, Ok(1));

    soon(leader.destroy()).await;
    assert_eq!(team.log.count("destroyed"), 1);
    assert_eq!(leader.version().await, Err(Error::Closed));
    assert!(TcpListener::bind(("127.0.0.1", team.port)).is_ok());
}

/// Has nothing to close, and does not stop by itself either.
struct Plain {
    senders: Arc<watch::Sender<Vec<SubscriptionSender<Values>>>>,
}

#[cluster_client]
impl Plain {
    #[invoke]
    async fn get_data(&self) -> u32 {
        7
    }

    #[subscribe]
    async fn watch(&self) -> Result<Subscription<Values>, Error> {
        let (sender, subscription) = Subscription::channel();
        self.senders.send_modify(|senders| senders.push(sender));
        Ok(subscription)
    }
}

async fn plain(
    mode: Mode,
    port: u16,
    senders: &Arc<watch::Sender<Vec<SubscriptionSender<Values>>>>,
) -> PlainProxy {
    let builder = PlainProxy::builder().port(port).single_mode(mode == Mode::Single);
    let senders = Arc::clone(senders);
    let factory = move |_| {
        let senders = Arc::clone(&senders);
        async { Ok::<_, Infallible>(Plain { senders }) }
    };
    soon(builder.start(factory)).await.unwrap()
}

async fn b17_closing_needs_no_close_method(mode: Mode) {
    let port = free_port();
    let (leader, follower) =
        (plain(mode, port, &Arc::default()).await, plain(mode, port, &Arc::default()).await);
    assert_eq!(follower.get_data().await, Ok(7));
    for member in [follower, leader] {
        soon(member.membership().close()).await;
        assert_eq!(member.get_data().await, Err(Error::Closed));
    }
    assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
}

#[tokio::test]
async fn b18_a_real_client_that_goes_on_after_the_close_does_no_harm() {
    let (port, senders) = (free_port(), Arc::default());
    let member = plain(Mode::Cluster, port, &senders).await;
    let mut subscription = member.watch().await.unwrap();
    soon(member.membership().close()).await;

    let sender = senders.borrow()[0].clone();
    soon(sender.closed()).await;
    assert!(sender.send(Values(vec!["late".into()])).is_err());
    assert_eq!(soon(subscription.next()).await, None);
    let membership = member.membership();
    soon(join3(membership.close(), membership.close(), membership.close())).await;
}

struct Panicking;

#[cluster_client]
impl Panicking {
    #[invoke]
    async fn get_data(&self) -> u32 {
        7
    }

    #[close]
    async fn close(&self) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        panic!("mock error");
    }
}

#[tokio::test]
async fn b18_a_real_client_that_panics_in_its_close_is_closed() {
    let port = free_port();
    let start = async || {
        let builder = PanickingProxy::builder().port(port);
        soon(builder.start(async |_| Ok::<_, Infallible>(Panicking))).await.unwrap()
    };
    let (leader, follower) = (start().await, start().await);
    let mut events = leader.membership().events();
    soon(leader.close()).await;
    let panic = next_event(&mut events, |event| match event {
        ClusterEvent::RealClient(error) => Some(error),
        _ => None,
    });
    let (method, message) = ("#[close]".to_owned(), "mock error".to_owned());
    assert_eq!(panic.await, Error::Panicked { method, message });
    soon(leader.close()).await;

    // And the port is free for the next one.
    assert_eq!(soon(follower.get_data()).await, Ok(7));
    assert_eq!(follower.membership().role(), Role::Leader);
    soon(follower.close()).await;
}
