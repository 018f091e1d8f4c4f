//! cluster-client: the server is the leader, the client a follower.

use cluster_client::{Error, RolePreference, cluster_client};

use crate::load::{ARGUMENT, Caller, result};
use crate::server::ready;

pub(crate) struct Cache {
    result: String,
}

#[cluster_client(vis = "pub(crate)")]
impl Cache {
    #[invoke]
    pub(crate) async fn get(&self, _argument: &str) -> Result<String, Error> {
        Ok(self.result.clone())
    }
}

impl Caller for CacheProxy {
    async fn call(&self) -> anyhow::Result<String> {
        Ok(self.get(ARGUMENT).await?)
    }
}

pub(crate) async fn serve(port: u16) -> anyhow::Result<()> {
    let _leader = start(port, RolePreference::Leader).await?;
    ready();
    std::future::pending().await
}

pub(crate) async fn connect(port: u16) -> anyhow::Result<CacheProxy> {
    Ok(start(port, RolePreference::Follower).await?)
}

pub(crate) async fn start(port: u16, role: RolePreference) -> Result<CacheProxy, Error> {
    CacheProxy::builder()
        .port(port)
        .role(role)
        .start(|_| async { Ok::<_, Error>(Cache { result: result() }) })
        .await
}
