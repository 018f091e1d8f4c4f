//! Arguments, results and errors arrive as they were sent, in every role and in both codecs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cluster_client::{CallContext, Codec, Error, cluster_client};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    id: String,
    place: (u8, u16),
}

#[derive(Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum RegistryError {
    #[error("there is no {0}")]
    NotFound(String),
    #[error(transparent)]
    Cluster(#[from] Error),
}

type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// What the real client was told, where the caller is not answered.
#[derive(Default)]
struct Heard {
    sum: AtomicU64,
    more: Notify,
}

impl Heard {
    fn add(&self, number: u64) {
        self.sum.fetch_add(number, Ordering::SeqCst);
        self.more.notify_one();
    }

    async fn reaches(&self, sum: u64) {
        while self.sum.load(Ordering::SeqCst) != sum {
            self.more.notified().await;
        }
    }
}

#[derive(Default)]
pub struct Registry {
    heard: Arc<Heard>,
}

#[cluster_client]
impl Registry {
    #[invoke]
    pub async fn borrowed(
        &self,
        text: &str,
        bytes: &[u8],
        one: &Instance,
        many: &[Instance],
        path: &Path,
        number: &u64,
    ) -> Result<String> {
        let ids: String = many.iter().map(|instance| instance.id.as_str()).collect();
        Ok(format!("{text} {bytes:?} {} {ids} {} {number}", one.id, path.display()))
    }

    #[invoke]
    pub async fn fails(&self, name: String) -> Result<()> {
        Err(RegistryError::NotFound(name))
    }

    #[invoke(timeout = "7s")]
    pub async fn context(&self, cx: CallContext, number: u8) -> (bool, bool, u64, u8) {
        let in_time = cx.remaining().is_some_and(|left| left.as_secs() < 7);
        (cx.caller().local, in_time, cx.epoch(), number)
    }

    /// A plain function, and one that can fail.
    #[invoke(oneway)]
    pub fn note(&self, number: u64) {
        self.heard.add(number);
    }

    #[invoke(oneway)]
    pub async fn note_if(&self, cx: CallContext, number: &u64) -> Result<()> {
        self.heard.add(*number + u64::from(cx.epoch() == 0));
        Ok(())
    }

    /// Errors when closing have nobody to go to.
    #[close]
    pub async fn shut(&self) -> Result<()> {
        self.heard.add(1000);
        Err(RegistryError::NotFound("door".to_owned()))
    }
}

#[tokio::test]
async fn in_every_role_and_codec() {
    for codec in codecs() {
        let port = support::free_port();
        let heard = Arc::new(Heard::default());
        let start = || {
            let heard = Arc::clone(&heard);
            RegistryProxy::builder().port(port).codec(codec).start(move |_| {
                let heard = Arc::clone(&heard);
                async move { Ok::<_, Error>(Registry { heard }) }
            })
        };
        let leader = start().await.unwrap();
        let follower = start().await.unwrap();
        let pinned = follower.as_follower().unwrap();
        arrives(&leader).await;
        arrives(&follower).await;
        let fields = pinned.borrowed("", &[], &instance("d"), &[], Path::new("/"), &0).await;
        assert_eq!(fields.unwrap(), " [] d  / 0");

        let (local, in_time, epoch, number) = follower.context(3).await.unwrap();
        assert_eq!((local, in_time, number), (false, true, 3));
        let (local, in_time, own_epoch, _) = leader.context(3).await.unwrap();
        assert_eq!((local, in_time, own_epoch), (true, true, epoch));

        leader.note(1).unwrap();
        follower.note(10).unwrap();
        leader.note_if(&100).await.unwrap();
        follower.note_if(&200).await.unwrap();
        heard.reaches(311).await;

        assert_eq!(follower.shut().await, Ok(()));
        assert_eq!(leader.shut().await, Ok(()));
        heard.reaches(1311).await;
    }
}

async fn arrives(proxy: &RegistryProxy) {
    let many = [instance("b"), instance("c")];
    let (one, path) = (instance("a"), Path::new("/srv/x"));
    let told = proxy.borrowed("a\"\n", &[1, 2], &one, &many, path, &9);
    assert_eq!(told.await.unwrap(), "a\"\n [1, 2] a bc /srv/x 9");
    let failed = proxy.fails("key".to_owned()).await;
    assert_eq!(failed, Err(RegistryError::NotFound("key".to_owned())));
}

fn codecs() -> Vec<Codec> {
    let mut codecs = vec![Codec::default(), Codec::Json];
    codecs.dedup();
    codecs
}

fn instance(id: &str) -> Instance {
    Instance { id: id.to_owned(), place: (1, 2) }
}
