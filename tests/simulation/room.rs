//! Small bounds, one at a time.

use cluster_client::testing::{Network, Process};
use cluster_client::{Error, Limits};

use crate::counter::{Counter, CounterProxy, Newest};
use crate::server::Server;

async fn member(process: &Process, server: &Server, limits: &Limits) -> CounterProxy {
    let (server, id) = (server.clone(), process.id());
    let builder = CounterProxy::builder().process(process).limits(limits.clone());
    let started = builder.start(move |cx| {
        let client = Counter::connect(server.clone(), id, &cx);
        async { Ok::<_, Error>(client) }
    });
    started.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn to_subscribe_takes_room_for_one_call_only() {
    let (network, server) = (Network::new(1), Server::new(1, std::time::Duration::ZERO));
    let limits = Limits { in_flight: 1, ..Limits::default() };
    let _leader = member(&network.process(), &server, &limits).await;
    let follower = member(&network.process(), &server, &limits).await;
    let mut newest = follower.newest(0).await.unwrap();
    assert_eq!(newest.next().await, Some(Newest(0)));
}
