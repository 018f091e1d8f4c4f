//! Single mode: the members of one process share a real client without a port.

use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use cluster_client::{CloseReason, Error, Event, Limits, Role};
use support::free_port;
use tokio::sync::oneshot;

use crate::samples::{Hosts, Log, RegistryError, RegistryProxy, next, next_is, soon, start};

#[tokio::test]
async fn three_members_share_one_real_client_until_the_last_one_leaves() {
    let (port, log) = (free_port(), Log::default());
    // Nobody competes for the port.
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let join = async || start(RegistryProxy::builder().port(port).single_mode(true), &log).await;
    let members = [join().await.unwrap(), join().await.unwrap(), join().await.unwrap()];
    let roles = members.each_ref().map(|member| member.membership().role());
    assert_eq!(roles, [Role::Leader, Role::Follower, Role::Follower]);
    assert_eq!(log.count("built"), 1);

    let mut watching = Vec::new();
    for member in &members {
        assert_eq!(soon(member.get("123")).await, Ok("123".to_owned()));
        assert_eq!(soon(member.get("error")).await, Err(RegistryError::mock()));
        watching.push(soon(member.watch("s".into())).await.unwrap());
    }
    soon(members[2].register("s".into(), "h".into())).await.unwrap();
    for watching in &mut watching {
        next_is(watching, &Hosts(vec!["h".into()])).await;
    }
    assert_eq!(log.count("watch s"), 1);

    // The one whose factory it was is no more than a member.
    soon(members[0].membership().close()).await;
    assert_eq!(soon(watching[0].next()).await, None);
    assert_eq!(watching[0].close_reason(), Some(CloseReason::Closed));
    assert_eq!(soon(members[1].get("123")).await, Ok("123".to_owned()));

    // Its publications go with a member.
    soon(members[2].membership().close()).await;
    assert_eq!(next(&mut watching[1]).await, Hosts(vec![]));
    assert_eq!(log.count("closing"), 0);
    soon(members[1].membership().close()).await;
    assert_eq!((log.count("built"), log.count("closed")), (1, 1));

    let again = join().await.unwrap();
    assert_eq!(again.membership().role(), Role::Leader);
    assert_eq!(log.count("built"), 2);
}

/// As when the last proxy is dropped and a new one is started.
#[tokio::test]
async fn the_next_real_client_is_built_when_the_one_before_is_closed() {
    let (port, log) = (free_port(), Log::default());
    let limits = Limits { drain: Duration::from_millis(100), ..Limits::default() };
    let join = async |limits: Limits| {
        let builder = RegistryProxy::builder().port(port).single_mode(true).limits(limits);
        start(builder, &log).await.unwrap()
    };
    let first = join(limits).await;
    let endless = first.clone();
    tokio::spawn(async move { endless.never().await });
    log.until("never", 1).await;

    let closes = first.clone();
    let closing = tokio::spawn(async move { closes.membership().close().await });
    let closed = Err(RegistryError::Cluster(Error::Closed));
    soon(async {
        while first.get("x").await != closed {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let second = soon(join(Limits::default())).await;
    soon(closing).await.unwrap();
    assert_eq!(second.membership().role(), Role::Leader);
    let order = ["built", "never", "never given up", "closed", "built"];
    assert!(log.is_in_order(&order), "{log:?}");
}

/// As when tests run one after the other, and one of them fails.
#[test]
fn a_real_client_whose_runtime_is_gone_is_followed_by_another_one() {
    for by_a_panic in [false, true] {
        follows_one_whose_runtime_is_gone(by_a_panic);
    }
}

fn follows_one_whose_runtime_is_gone(by_a_panic: bool) {
    let (port, log) = (free_port(), Log::default());
    let join = || async {
        let builder = RegistryProxy::builder().port(port).single_mode(true);
        soon(start(builder, &log)).await.unwrap()
    };
    let (started, first_leads) = mpsc::channel();
    let (end, ends) = oneshot::channel::<()>();
    let leading_log = log.clone();
    // One whose tasks are dropped where it ends.
    let first = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let builder = RegistryProxy::builder().port(port).single_mode(true);
            let leads = soon(start(builder, &leading_log)).await.unwrap();
            started.send(()).unwrap();
            ends.await.unwrap();
            assert!(!by_a_panic, "so it ends by one");
            leads
        })
    });
    first_leads.recv().unwrap();
    let second = runtime();
    let stays = second.block_on(join());
    let mut watching = second.block_on(async {
        soon(stays.register("s".into(), "h".into())).await.unwrap();
        let mut watching = soon(stays.watch("s".into())).await.unwrap();
        next_is(&mut watching, &Hosts(vec!["h".into()])).await;
        watching
    });
    end.send(()).unwrap();
    let gone = first.join();
    assert_eq!(gone.is_err(), by_a_panic);
    second.block_on(async {
        let mut roles = stays.membership().role_changes();
        while soon(roles.next()).await != Some(Role::Leader) {}
        assert_eq!(log.count("built"), 2);
        soon(stays.note("line".into())).await.unwrap();
        soon(log.until("line", 1)).await;
        assert_eq!(soon(watching.next_event()).await, Some(Event::Resynced));
        soon(stays.register("s".into(), "i".into())).await.unwrap();
        while next(&mut watching).await != Hosts(vec!["h".into(), "i".into()]) {}
        assert_eq!(soon(stays.get("123")).await, Ok("123".to_owned()));
    });
    drop((gone, watching, stays, second));

    runtime().block_on(async {
        let anew = join().await;
        assert_eq!(anew.membership().role(), Role::Leader);
        assert_eq!(log.count("built"), 3);
        soon(anew.membership().close()).await;
    });
}

/// It leaves as if it had closed: its publications are taken back, and it holds up nobody's end.
#[test]
fn a_member_whose_runtime_is_gone_has_left() {
    let (port, log) = (free_port(), Log::default());
    let join = || async {
        let builder = RegistryProxy::builder().port(port).single_mode(true);
        soon(start(builder, &log)).await.unwrap()
    };
    let (first, second) = (runtime(), runtime());
    let leads = first.block_on(join());
    let gone = second.block_on(async {
        let gone = join().await;
        soon(gone.register("s".into(), "h".into())).await.unwrap();
        gone
    });
    drop(second);
    first.block_on(async {
        let mut watching = soon(leads.watch("s".into())).await.unwrap();
        next_is(&mut watching, &Hosts(vec![])).await;
        soon(leads.membership().close()).await;
    });
    assert_eq!((log.count("built"), log.count("closed")), (1, 1));
    drop(gone);
}

fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap()
}
