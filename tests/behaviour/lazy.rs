//! 56 and 57: a follower that is there before its leader. Beside them: a member that leaves before it has started.

use std::pin::pin;
use std::time::{Duration, Instant};

use cluster_client::{Error, Role, RolePreference};
use futures::FutureExt as _;
use futures::future::join_all;
use support::free_port;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::sample::Mode;
use crate::samples::{Log, Registry, RegistryError, RegistryProxy, soon, start};

both_modes!(
    a_member_that_leaves_while_it_starts_builds_nothing,
    a_member_whose_start_fails_tries_no_more,
);

/// How slow the real client is to connect: slower than a call may be.
const SLOW: Duration = Duration::from_millis(150);

fn member(port: u16, role: RolePreference) -> cluster_client::Builder<RegistryProxy> {
    let timeout = Duration::from_millis(50);
    RegistryProxy::builder().port(port).role(role).response_timeout(timeout)
}

#[tokio::test]
async fn b56_a_follower_waits_for_a_leader_that_is_slow_to_be_ready() {
    let (port, log) = (free_port(), Log::default());
    let follower = member(port, RolePreference::Follower);
    let follower = tokio::spawn(
        follower
            .start(async |_| -> Result<Registry, Error> { panic!("a follower builds nothing") }),
    );
    let connecting = log.clone();
    let leader = member(port, RolePreference::Leader).start(move |cx| {
        let log = connecting.clone();
        async move {
            tokio::time::sleep(SLOW).await;
            Registry::connect(&log, &cx)
        }
    });
    let leader = soon(leader).await.unwrap();
    let follower = soon(follower).await.unwrap().unwrap();
    assert_eq!(follower.membership().role(), Role::Follower);
    for proxy in [&leader, &follower] {
        assert_eq!(soon(proxy.get("hello")).await, Ok("hello".to_owned()));
    }
}

#[tokio::test]
async fn b57_both_learn_that_the_real_client_could_not_be_built() {
    let port = free_port();
    let (relay, registered) = relay_to(port).await;
    let follower = member(relay, RolePreference::Follower);
    let follower =
        tokio::spawn(follower.start(async |_| -> Result<Registry, Error> { panic!("never") }));
    let leader = member(port, RolePreference::Leader).start(move |_| {
        let mut registered = registered.clone();
        async move {
            let _ = registered.wait_for(|registered| *registered).await;
            Err::<Registry, _>("init failed")
        }
    });
    let failed = Error::RealClient { channel: "Registry".into(), message: "init failed".into() };
    assert_eq!(soon(leader).await.unwrap_err(), failed);
    assert_eq!(soon(follower).await.unwrap().unwrap_err(), failed);

    // Both are gone, so the port can be had again.
    let log = Log::default();
    let next = crate::samples::member(port, &log).await;
    assert_eq!(next.membership().role(), Role::Leader);
}

/// A port whose connections are passed on to a leader, and whether that leader has taken one of them as a follower.
/// What it says is held back to its end: that its client failed comes together with that it is gone.
async fn relay_to(leader: u16) -> (u16, watch::Receiver<bool>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (taken, registered) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((from, _)) = listener.accept().await {
            // Before the leader is there the follower is hung up on, and comes again.
            if let Ok(to) = TcpStream::connect(("127.0.0.1", leader)).await {
                tokio::spawn(hold_back(from, to, taken.clone()));
            }
        }
    });
    (port, registered)
}

async fn hold_back(
    mut from: TcpStream,
    mut to: TcpStream,
    taken: watch::Sender<bool>,
) -> std::io::Result<()> {
    let (mut reads, mut writes) = to.split();
    let (mut asks, mut hears) = from.split();
    let said = async {
        // A leader says nothing before it has taken the follower.
        let mut said = vec![reads.read_u8().await?];
        taken.send_replace(true);
        reads.read_to_end(&mut said).await?;
        hears.write_all(&said).await
    };
    tokio::select! {
        said = said => said,
        asked = tokio::io::copy(&mut asks, &mut writes) => asked.map(drop),
    }
}

/// More often than chance could let pass.
const TIMES: usize = 20;

async fn a_member_that_leaves_while_it_starts_builds_nothing(mode: Mode) {
    for _ in 0..TIMES {
        let (port, log) = (free_port(), Log::default());
        let builder = || RegistryProxy::builder().port(port).single_mode(mode == Mode::Single);
        {
            let starting = pin!(start(builder(), &log));
            assert!(starting.now_or_never().is_none(), "it has not run yet");
        }
        let next = start(builder(), &log).await.unwrap();
        assert_eq!(next.membership().role(), Role::Leader);
        assert_eq!(log.count("built"), 1, "by the one that stays");
    }
}

/// Even if nobody looks at what has become of its start.
async fn a_member_whose_start_fails_tries_no_more(mode: Mode) {
    tokio::time::pause();
    let (port, log) = (free_port(), Log::default());
    let tried = log.clone();
    let builder = RegistryProxy::builder().port(port).single_mode(mode == Mode::Single);
    let mut starting = pin!(builder.start(move |_| {
        tried.add("tried");
        std::future::ready(Err::<Registry, _>("init failed"))
    }));
    assert!(starting.as_mut().now_or_never().is_none(), "it has not run yet");
    // Longer than any pause between two tries.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(log.count("tried"), 1);
    assert!(matches!(soon(starting).await, Err(Error::RealClient { .. })));
}

#[tokio::test]
async fn calls_cannot_hurry_the_tries_at_a_real_client_that_fails() {
    let (port, log) = (free_port(), Log::default());
    let first = crate::samples::member(port, &log).await;
    let (tried, mut tries) = watch::channel(Vec::new());
    let heir = RegistryProxy::builder().port(port).start(move |_| {
        tried.send_modify(|tries| tries.push(Instant::now()));
        std::future::ready(Err::<Registry, _>("init failed"))
    });
    let heir = soon(heir).await.unwrap();
    let follower = RegistryProxy::builder().port(port).role(RolePreference::Follower);
    let follower = start(follower, &log).await.unwrap();
    soon(first.membership().close()).await;
    soon(tries.changed()).await.unwrap();

    for _ in 0..3 {
        let calls = [&heir, &follower, &heir, &follower].map(|proxy| proxy.get("hello"));
        for failed in soon(join_all(calls)).await {
            assert!(matches!(failed, Err(RegistryError::Cluster(Error::RealClient { .. }))));
        }
    }
    let tries = tries.borrow();
    assert!(tries.len() >= 3, "each call has waited for one");
    for (one, next) in tries.iter().zip(&tries[1..]) {
        assert!(*next - *one >= Duration::from_millis(100), "{:?} is too soon", *next - *one);
    }
}
