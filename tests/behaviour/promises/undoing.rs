//! What is published under a key, and taken back, by several processes: the real client does it in the order in which the
//! leader writes it down, however long it takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster_client::testing::{Network, Process};
use cluster_client::{ClusterEvent, Error, Outcome, cluster_client};
use tokio::time::sleep;

use crate::samples::soon;

/// How long the real client takes before it has done something.
const SLOW: Duration = Duration::from_secs(1);

/// Whose registration takes longer than anybody waits.
const ENDLESS: u32 = 9;

/// Who is registered by which name.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<BTreeMap<String, u32>>>);

impl Names {
    fn who(&self) -> Option<u32> {
        self.0.lock().unwrap().get("name").copied()
    }
}

#[cluster_client]
impl Names {
    #[publish(key = "name", undo = "deregister", timeout = "5s")]
    async fn register(&self, name: String, who: u32) -> Result<(), Error> {
        sleep(if who == ENDLESS { SLOW * 10 } else { SLOW }).await;
        self.0.lock().unwrap().insert(name, who);
        Ok(())
    }

    #[invoke]
    async fn deregister(&self, name: String, _who: u32) -> Result<(), Error> {
        sleep(SLOW * 2).await;
        self.0.lock().unwrap().remove(&name);
        Ok(())
    }

    /// The first one takes longer than the others.
    #[publish(key = "name")]
    async fn announce(&self, name: String, who: u32) -> Result<(), Error> {
        sleep(if who == 1 { SLOW } else { SLOW / 4 }).await;
        self.0.lock().unwrap().insert(name, who);
        Ok(())
    }

    #[publish(key = "name", undo = "deregister", timeout = "500ms")]
    async fn register_soon(&self, name: String, who: u32) -> Result<(), Error> {
        self.register(name, who).await
    }

    #[close]
    async fn disconnect(&self) {
        sleep(SLOW).await;
    }
}

async fn join(network: &Network, names: &Names) -> (Process, NamesProxy) {
    let process = network.process();
    let proxy = start(&process, "names", names).await;
    (process, proxy)
}

async fn start(process: &Process, channel: &str, names: &Names) -> NamesProxy {
    let names = names.clone();
    let start = NamesProxy::builder()
        .process(process)
        .name(channel)
        .start(move |_| std::future::ready(Ok::<_, Error>(names.clone())));
    soon(start).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_published_while_it_is_taken_back_stays() {
    let (network, names) = (Network::new(1), Names::default());
    let (_leader, _led) = join(&network, &names).await;
    let (dies, first) = join(&network, &names).await;
    let (_, second) = join(&network, &names).await;
    first.register("name".into(), 1).await.unwrap();
    dies.kill();
    // Its publication is being taken back by then.
    sleep(SLOW / 2).await;
    soon(second.register("name".into(), 2)).await.unwrap();
    sleep(SLOW * 5).await;
    assert_eq!(names.who(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn what_is_being_published_as_its_last_owner_goes_stays() {
    let (network, names) = (Network::new(2), Names::default());
    let (_leader, _led) = join(&network, &names).await;
    let (dies, first) = join(&network, &names).await;
    let (_, second) = join(&network, &names).await;
    first.register("name".into(), 1).await.unwrap();
    let publishing = tokio::spawn(async move {
        second.register("name".into(), 2).await.unwrap();
        second
    });
    sleep(SLOW / 2).await;
    dies.kill();
    let _second = soon(publishing).await.unwrap();
    sleep(SLOW * 5).await;
    assert_eq!(names.who(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_for_its_turn_longer_than_its_caller_does_is_not_made() {
    let (network, names) = (Network::new(3), Names::default());
    let (_, leader) = join(&network, &names).await;
    let (_, follower) = join(&network, &names).await;
    for late in [&follower, &leader] {
        let endless = follower.register("name".into(), ENDLESS);
        let late = async {
            sleep(SLOW).await;
            late.register("name".into(), 2).await
        };
        let (endless, late) = soon(Box::pin(async { tokio::join!(endless, late) })).await;
        assert_eq!(endless.unwrap_err().outcome(), Outcome::Unknown);
        assert_eq!(late.unwrap_err().outcome(), Outcome::Unknown);
        sleep(SLOW * 10).await;
        assert_eq!(names.who(), Some(ENDLESS));
    }
}

/// As above, of a leader that was stopped meanwhile: its turn is there at the first look.
#[tokio::test(start_paused = true)]
async fn one_whose_turn_comes_too_late_for_its_stopped_leader_is_not_made() {
    let (network, names) = (Network::new(6), Names::default());
    let (stops, _leader) = join(&network, &names).await;
    let (_, first) = join(&network, &names).await;
    let (_, second) = join(&network, &names).await;
    let stopped = async {
        sleep(SLOW / 2).await;
        stops.stop();
        sleep(SLOW * 10).await;
        stops.resume();
    };
    let [one, other] =
        [(&first, 1), (&second, 2)].map(|(member, who)| member.register("name".into(), who));
    let (one, other, ()) = Box::pin(async { tokio::join!(one, other, stopped) }).await;
    assert_eq!(one.unwrap_err().outcome(), Outcome::Unknown);
    assert_eq!(other.unwrap_err().outcome(), Outcome::Unknown);
    sleep(SLOW * 10).await;
    assert_eq!(names.who(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_longer_than_its_caller_waits_is_taken_back_too() {
    let (network, names) = (Network::new(4), Names::default());
    let (_, leader) = join(&network, &names).await;
    let (_, follower) = join(&network, &names).await;
    for late in [follower, leader] {
        let error = soon(late.register_soon("name".into(), 1)).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown);
        sleep(SLOW * 5).await;
        assert_eq!(names.who(), Some(1), "it is not cut off halfway");
        soon(late.membership().close()).await;
        sleep(SLOW * 5).await;
        assert_eq!(names.who(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_follower_leaves_behind_while_its_leader_takes_back_its_own_is_taken_back_too() {
    let (network, names) = (Network::new(5), Names::default());
    let (_, leader) = join(&network, &names).await;
    let (dies, follower) = join(&network, &names).await;
    soon(leader.register("name".into(), 1)).await.unwrap();
    soon(follower.register("other".into(), 2)).await.unwrap();
    let closing = tokio::spawn(async move { leader.membership().close().await });
    sleep(SLOW).await;
    assert_eq!(names.who(), Some(1), "it is being taken back");
    dies.kill();
    soon(closing).await.unwrap();
    assert_eq!(*names.0.lock().unwrap(), BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn what_a_follower_leaves_behind_while_its_leader_hands_over_is_taken_back_too() {
    let (network, names) = (Network::new(6), Names::default());
    let (first, _led) = join(&network, &names).await;
    let other = start(&first, "other", &names).await;
    let (second, slow) = join(&network, &names).await;
    let _follows_other = start(&second, "other", &names).await;
    let (dies, follower) = join(&network, &names).await;
    soon(follower.register("left".into(), 2)).await.unwrap();
    // Its leader goes with the other channel's, and waits for this one.
    let registering = tokio::spawn(async move {
        slow.register("name".into(), 1).await.unwrap();
        slow
    });
    sleep(SLOW / 4).await;
    let closing = tokio::spawn(async move { other.membership().close().await });
    sleep(SLOW / 4).await;
    dies.kill();
    let _slow = soon(registering).await.unwrap();
    soon(closing).await.unwrap();
    sleep(SLOW * 5).await;
    assert_eq!(*names.0.lock().unwrap(), BTreeMap::from([("name".to_owned(), 1)]));
}

/// The service sees no more than a connection that ends.
#[tokio::test(start_paused = true)]
async fn what_a_follower_leaves_behind_while_the_client_of_its_leader_is_closed_is_told() {
    let (network, names) = (Network::new(8), Names::default());
    let (_, leader) = join(&network, &names).await;
    let (dies, follower) = join(&network, &names).await;
    soon(follower.register("name".into(), 2)).await.unwrap();
    let mut events = leader.membership().events();
    let closing = tokio::spawn(async move { leader.membership().close().await });
    sleep(SLOW / 2).await;
    dies.kill();
    soon(closing).await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = soon(events.next()).await {
        if let ClusterEvent::PublicationFailed { method, error } = event {
            told.push((method, error));
        }
    }
    let method = "deregister".to_owned();
    assert_eq!(told, [(method.clone(), Error::GoingAway { method })]);
}

/// The leader has to know whose publication came last, or the next leader would be given an older one.
#[tokio::test(start_paused = true)]
async fn what_is_published_under_one_key_is_published_in_order() {
    let (network, names) = (Network::new(7), Names::default());
    let (leader, _led) = join(&network, &names).await;
    let (_, first) = join(&network, &names).await;
    let (_, second) = join(&network, &names).await;
    let later = async {
        sleep(SLOW / 4).await;
        second.announce("name".into(), 2).await
    };
    let announced = async { tokio::join!(first.announce("name".into(), 1), later) };
    assert_eq!(soon(Box::pin(announced)).await, (Ok(()), Ok(())));
    assert_eq!(names.who(), Some(2));
    names.0.lock().unwrap().clear();
    leader.kill();
    sleep(SLOW * 5).await;
    assert_eq!(names.who(), Some(2));
}
