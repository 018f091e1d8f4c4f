//! A private type whose proxy is public.

use cluster_client::{Error, cluster_client};

use crate::members::members;

mod directory {
    use super::{Error, cluster_client};

    struct Directory(&'static str);

    #[cluster_client]
    impl Directory {
        #[invoke]
        pub async fn owner(&self) -> String {
            self.0.to_owned()
        }
    }

    pub(super) async fn started() -> Result<DirectoryProxy, Error> {
        let builder = DirectoryProxy::builder().single_mode(true);
        builder.start(|_| async { Ok::<_, Error>(Directory("nobody")) }).await
    }

    pub(super) fn client_of(leader: &DirectoryLeader) -> &'static str {
        leader.client().0
    }
}

#[tokio::test]
async fn it_is_started_where_it_is_visible_and_used_everywhere() {
    let proxy: directory::DirectoryProxy = directory::started().await.unwrap();
    assert_eq!(proxy.owner().await.as_deref(), Ok("nobody"));
    let leader = proxy.as_leader().unwrap();
    assert_eq!(directory::client_of(&leader), "nobody");
}

struct Local;

#[cluster_client(vis = "")]
impl Local {
    #[invoke]
    async fn answer(&self) -> u8 {
        42
    }
}

#[tokio::test]
async fn its_proxy_may_be_private_too() {
    let [leader, follower] = members::<LocalProxy, _, _>(|| Local).await;
    assert_eq!(leader.answer().await, Ok(42));
    assert_eq!(follower.answer().await, Ok(42));
}
