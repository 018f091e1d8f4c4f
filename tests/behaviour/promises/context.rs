//! What a call knows of itself.

use std::sync::Arc;
use std::sync::Mutex;

use cluster_client::{CallContext, Error, Outcome, RolePreference, cluster_client};
use support::free_port;

use crate::peers::Relay;
use crate::samples::{Log, RegistryError, RegistryProxy, member, soon, start};

#[tokio::test]
async fn a_call_knows_who_called_under_which_leadership_and_how_long_it_may_take() {
    let (port, log) = (free_port(), Log::default());
    let leader = member(port, &log).await;
    let follower = member(port, &log).await;
    for (proxy, local) in [(&leader, true), (&follower, false)] {
        let told = soon(proxy.told("")).await.unwrap();
        assert_eq!(told.instance, proxy.membership().instance().to_string());
        assert_eq!((told.pid, told.local), (std::process::id(), local));
        assert_eq!(told.epoch, leader.membership().leader().unwrap().epoch);
        assert!((1..=5000).contains(&told.millis_left), "{told:?}");
        assert!(told.current_agrees);
        assert_ne!(soon(proxy.told("")).await.unwrap().call, told.call);
    }
}

/// Does not answer the first call, but says by which number it came.
#[derive(Default)]
struct Forgetful {
    calls: Mutex<Vec<String>>,
    log: Log,
}

#[cluster_client]
impl Forgetful {
    #[invoke(idempotent, timeout = "10s")]
    async fn ask(&self, cx: CallContext) -> usize {
        let calls = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(cx.call_id().to_string());
            calls.len()
        };
        self.log.add("asked");
        if calls == 1 { std::future::pending().await } else { calls }
    }
}

#[tokio::test]
async fn an_idempotent_call_is_sent_again_under_the_same_number() {
    let port = free_port();
    let forgetful = Arc::new(Forgetful::default());
    let client = Arc::clone(&forgetful);
    let leader = ForgetfulProxy::builder()
        .port(port)
        .start(move |_| std::future::ready(Ok::<_, Error>(Arc::clone(&client))));
    let _leader = soon(leader).await.unwrap();
    let relay = Relay::to(port, []).await;
    let follower = ForgetfulProxy::builder()
        .port(relay.port)
        .role(RolePreference::Follower)
        .start(async |_| -> Result<Forgetful, Error> { panic!("a follower builds nothing") });
    let follower = soon(follower).await.unwrap();

    let calling = tokio::spawn(async move { follower.ask().await });
    forgetful.log.until("asked", 1).await;
    relay.cut();
    assert_eq!(soon(calling).await.unwrap(), Ok(2));
    let calls = forgetful.calls.lock().unwrap();
    assert_eq!(calls[0], calls[1]);
}

#[tokio::test]
async fn another_call_is_not_sent_again_and_says_that_it_may_have_run() {
    let (port, log) = (free_port(), Log::default());
    let _leader = member(port, &log).await;
    let relay = Relay::to(port, []).await;
    let follower = RegistryProxy::builder().port(relay.port).role(RolePreference::Follower);
    let follower = start(follower, &log).await.unwrap();
    let calling = tokio::spawn(async move { follower.never().await });
    log.until("never", 1).await;
    relay.cut();
    let lost = Error::Disconnected { method: "never".into(), outcome: Outcome::Unknown };
    assert_eq!(soon(calling).await.unwrap(), Err(RegistryError::Cluster(lost)));
    // A follower's death cancels its calls.
    log.until("never given up", 1).await;
    assert_eq!(log.count("never"), 1);
}
