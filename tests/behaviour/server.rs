//! 63 to 66: ports and names.

use std::process::Command;

use cluster_client::{Error, Role};
use support::free_port;

use crate::samples::{Log, RegistryProxy, member, soon, start};

fn named(port: u16, name: &str) -> cluster_client::Builder<RegistryProxy> {
    RegistryProxy::builder().port(port).name(name)
}

#[tokio::test]
async fn b63_names_share_one_port_and_each_has_a_leader() {
    let (port, log) = (free_port(), Log::default());
    let one = start(named(port, "one"), &log).await.unwrap();
    let two = start(named(port, "two"), &log).await.unwrap();
    assert_eq!([one.membership().role(), two.membership().role()], [Role::Leader; 2]);
    // Followers reach each by way of the one port.
    for (name, leader) in [("one", &one), ("two", &two)] {
        let follower = start(named(port, name), &log).await.unwrap();
        let leads = leader.membership().instance();
        assert_eq!(follower.membership().role(), Role::Follower);
        assert_eq!(follower.membership().leader().unwrap().instance, leads);
        assert_eq!(follower.membership().channel(), name);
        assert_eq!(soon(follower.get("123")).await, Ok("123".to_owned()));
    }
    assert_eq!(log.count("built"), 2);
}

#[tokio::test]
async fn b64_a_name_that_is_taken_makes_a_follower() {
    let (port, log) = (free_port(), Log::default());
    let leader = start(named(port, "one"), &log).await.unwrap();
    let second = start(named(port, "one"), &log).await.unwrap();
    assert_eq!(leader.membership().role(), Role::Leader);
    assert_eq!(second.membership().role(), Role::Follower);
    assert_eq!(log.count("built"), 1);
}

#[tokio::test]
async fn b65_a_name_can_be_claimed_again_once_it_is_closed() {
    let (port, log) = (free_port(), Log::default());
    let keeper = start(named(port, "keeper"), &log).await.unwrap();
    for _ in 0..3 {
        let one = start(named(port, "one"), &log).await.unwrap();
        assert_eq!(one.membership().role(), Role::Leader);
        soon(one.membership().close()).await;
    }
    assert_eq!(keeper.membership().role(), Role::Leader);
    assert_eq!((log.count("built"), log.count("closed")), (4, 3));
}

#[tokio::test]
async fn b66_port_0_is_no_port() {
    let log = Log::default();
    let error = start(RegistryProxy::builder().port(0), &log).await.unwrap_err();
    let Error::InvalidOption { option, value, .. } = error else { panic!("{error:?}") };
    assert_eq!((option.as_str(), value.as_str()), ("port", "0"));
}

#[test]
fn b66_a_port_of_the_environment_that_cannot_be_is_named() {
    let cases = ["0", "foo", "65536", "-1"].map(|value| ("CLUSTER_CLIENT_PORT", value));
    for (variable, value) in cases.into_iter().chain([("NODE_CLUSTER_CLIENT_PORT", "foo")]) {
        let child = Command::new(env!("CARGO_BIN_EXE_behaviour_member"))
            .env_remove("CLUSTER_CLIENT_PORT")
            .env(variable, value)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        let expected = format!("failed option `{variable}` cannot be `{value}`: ");
        assert!(!child.status.success() && said.starts_with(&expected), "{said}");
    }
}

#[tokio::test]
async fn b66_a_port_of_somebody_else_is_not_taken_over() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // It answers as a web server would.
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        stream
    });
    let error = start(RegistryProxy::builder().port(port), &Log::default()).await.unwrap_err();
    let Error::ForeignPort { endpoint, detail } = error else { panic!("{error:?}") };
    assert_eq!(endpoint, format!("127.0.0.1:{port}"));
    assert!(detail.contains("HTTP/1.1"), "{detail}");
    answering.join().unwrap();
}

#[tokio::test]
async fn b66_members_can_meet_again_where_members_met_before() {
    let (port, log) = (free_port(), Log::default());
    for _ in 0..3 {
        let leader = member(port, &log).await;
        let follower = member(port, &log).await;
        assert_eq!(soon(follower.get("123")).await, Ok("123".to_owned()));
        soon(async { tokio::join!(leader.membership().close(), follower.membership().close()) })
            .await;
    }
}
