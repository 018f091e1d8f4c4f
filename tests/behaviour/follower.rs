//! 32: a port whose owner hangs up.

use std::time::Duration;

use cluster_client::{Error, Outcome, RolePreference};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::sample::{Mode, Team};

#[tokio::test]
async fn b32_an_owner_that_hangs_up_is_foreign() {
    for role in [RolePreference::Follower, RolePreference::Any] {
        let team = Team::new(Mode::Cluster);
        let listener = TcpListener::bind(("127.0.0.1", team.port)).await.unwrap();
        let (said, mut heard) = mpsc::unbounded_channel();
        let owner = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut first = vec![0; 1024];
                let len = stream.read(&mut first).await.unwrap_or(0);
                said.send(first[..len].to_vec()).unwrap();
            }
        });
        let builder = team.builder().role(role).connect_timeout(Duration::from_millis(100));
        let error = team.start(builder).await.err().unwrap();
        let Error::ForeignPort { endpoint, detail } = &error else { panic!("{error:?}") };
        assert_eq!(*endpoint, format!("127.0.0.1:{}", team.port));
        assert!(detail.contains("closes every connection"), "{detail}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);

        // It registered once on each connection, and never on one that was dead.
        owner.abort();
        while let Some(first) = heard.recv().await {
            let text = String::from_utf8_lossy(&first);
            assert_eq!(text.matches("register_channel").count(), 1, "{text}");
        }
    }
}
