//! Ports that are held by somebody else, or cannot be.

use std::time::{Duration, Instant};

use cluster_client::{Builder, Error, LeaderContext, Outcome, RolePreference};
use support::free_port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::scene::{Victim, VictimProxy};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn an_http_server_on_the_port_is_named_by_its_answer() {
    let (port, _server) = hold(|mut stream| async move {
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    })
    .await;
    let error = fails(builder(port)).await;
    let Error::ForeignPort { endpoint, detail } = &error else { panic!("{error:?}") };
    assert_eq!(*endpoint, format!("127.0.0.1:{port}"));
    assert!(detail.contains("HTTP/1.1 400"), "{detail}");
    assert!(error.to_string().contains("choose another port"), "{error}");
}

#[tokio::test]
async fn a_program_that_only_hangs_up_is_foreign_after_a_while() {
    let (port, _server) = hold(|_| async {}).await;
    let error = fails(builder(port).connect_timeout(SHORT)).await;
    assert!(matches!(error, Error::ForeignPort { .. }), "{error:?}");
    assert!(error.to_string().contains("closes every connection"), "{error}");
}

#[tokio::test]
async fn a_program_that_never_answers_is_reported_after_connect_timeout() {
    let (port, _server) = hold(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let begun = Instant::now();
    let error = fails(builder(port).connect_timeout(SHORT)).await;
    assert!(matches!(error, Error::HandshakeTimeout { waited: SHORT, .. }), "{error:?}");
    assert!(begun.elapsed() >= SHORT);
}

#[tokio::test]
async fn port_0_is_no_port() {
    let error = fails(builder(0)).await;
    let Error::InvalidOption { option, value, .. } = &error else { panic!("{error:?}") };
    assert_eq!((option.as_str(), value.as_str()), ("port", "0"));
}

#[tokio::test]
async fn a_channel_that_is_not_served_is_told_with_the_owner_and_its_channels() {
    let port = free_port();
    let owner = builder(port).start(victim).await.unwrap();
    // Without a role this process would lead the other channel too.
    let other = builder(port).name("Other").role(RolePreference::Follower);
    let error = fails(other.max_wait_time(SHORT)).await;
    let Error::ChannelNotServed { channel, owner_pid, channels, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((channel.as_str(), *owner_pid), ("Other", std::process::id()));
    assert_eq!(channels, &["Victim"]);
    assert!(owner.echo(String::new()).await.is_ok());
}

#[tokio::test]
async fn a_leader_that_is_demanded_needs_the_port() {
    let (port, _server) = hold(|_| async {}).await;
    let error = fails(builder(port).role(RolePreference::Leader)).await;
    assert!(matches!(error, Error::PortOccupied { .. }), "{error:?}");

    let port = free_port();
    let leader = builder(port).start(victim).await.unwrap();
    let error = fails(builder(port).role(RolePreference::Leader)).await;
    assert!(matches!(error, Error::PortOccupied { .. }), "{error:?}");
    assert!(leader.echo(String::new()).await.is_ok());
}

#[tokio::test]
async fn a_follower_without_a_leader_waits_and_says_so() {
    let role = RolePreference::Follower;
    let error = fails(builder(free_port()).role(role).max_wait_time(SHORT)).await;
    assert!(matches!(error, Error::NoLeader { waited: SHORT, .. }), "{error:?}");
    assert!(error.to_string().contains("nobody listens there"), "{error}");
}

/// Once the foreign program is gone, the port is as good as any.
#[tokio::test]
async fn a_port_that_was_foreign_can_be_led_later() {
    let (port, server) = hold(|_| async {}).await;
    fails(builder(port).connect_timeout(SHORT)).await;
    drop(server);
    assert!(builder(port).start(victim).await.is_ok());
}

fn builder(port: u16) -> Builder<VictimProxy> {
    VictimProxy::builder().port(port)
}

async fn fails(builder: Builder<VictimProxy>) -> Error {
    let error = builder.start(victim).await.err().unwrap();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    error
}

async fn victim(_: LeaderContext) -> Result<Victim, Error> {
    Ok(Victim::default())
}

/// A program that holds a port and serves what connects to it in its own way.
async fn hold<F, Fut>(serve: F) -> (u16, Program)
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let program = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream).await;
        }
    });
    (port, Program(program.abort_handle()))
}

struct Program(AbortHandle);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.abort();
    }
}
