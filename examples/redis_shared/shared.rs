//! The real client: the `redis` crate, annotated. One RESP3 connection carries commands and messages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cluster_client::{Subscribe, Subscription, SubscriptionSender, cluster_client};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, Client, IntoConnectionInfo, Msg, ProtocolVersion, PushInfo};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex as AsyncMutex;

/// A message of a Redis channel. Each counts: what a slow subscriber missed is reported to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
#[subscribe(delivery = "every", capacity = 1024)]
pub struct Message {
    pub channel: String,
    pub text: String,
}

/// The value that a call made, and the leadership in which it ran.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counted {
    pub value: u64,
    pub epoch: u64,
}

#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
pub enum SharedRedisError {
    #[error("redis: {0}")]
    Redis(String),
    #[error(transparent)]
    Cluster(#[from] cluster_client::Error),
}

impl From<redis::RedisError> for SharedRedisError {
    fn from(error: redis::RedisError) -> Self {
        Self::Redis(error.to_string())
    }
}

pub struct SharedRedis {
    epoch: u64,
    connection: ConnectionManager,
    listeners: Listeners,
    /// Held while a channel is subscribed to or unsubscribed from: of two changes at once, Redis and `listeners` must
    /// see the same one last.
    changing: Arc<AsyncMutex<()>>,
}

type Listeners = Arc<Mutex<HashMap<String, SubscriptionSender<Message>>>>;

#[cluster_client]
impl SharedRedis {
    #[invoke(idempotent)]
    pub async fn get(&self, key: &str) -> Result<Option<String>, SharedRedisError> {
        Ok(self.connection.clone().get(key).await?)
    }

    #[invoke(idempotent)]
    pub async fn set(&self, key: &str, value: &str) -> Result<(), SharedRedisError> {
        Ok(self.connection.clone().set(key, value).await?)
    }

    /// Not safe to run twice, so a caller is told when it is not known whether it ran.
    #[invoke]
    pub async fn incr(&self, key: &str) -> Result<Counted, SharedRedisError> {
        Ok(Counted { value: self.connection.clone().incr(key, 1).await?, epoch: self.epoch })
    }

    /// Returns how many clients Redis sent it to.
    #[invoke]
    pub async fn publish(&self, channel: &str, text: &str) -> Result<u64, SharedRedisError> {
        Ok(self.connection.clone().publish(channel, text).await?)
    }

    /// Redis is asked once a channel, however many processes listen.
    #[subscribe]
    pub async fn listen(&self, channel: String) -> Result<Subscription<Message>, SharedRedisError> {
        let (sender, subscription) = Subscription::channel();
        let changing = self.changing.lock().await;
        lock(&self.listeners).insert(channel.clone(), sender.clone());
        self.connection.clone().subscribe(&channel).await?;
        drop(changing);
        let (mut connection, listeners) = (self.connection.clone(), self.listeners.clone());
        let changing = self.changing.clone();
        tokio::spawn(async move {
            sender.closed().await;
            let _changing = changing.lock().await;
            // Unless somebody else listens by now.
            let forgotten = {
                let mut listeners = lock(&listeners);
                let gone = listeners.get(&channel).is_some_and(SubscriptionSender::is_closed);
                gone && listeners.remove(&channel).is_some()
            };
            if forgotten {
                let _ = connection.unsubscribe(&channel).await;
            }
        });
        Ok(subscription)
    }
}

impl SharedRedis {
    /// `name` is what Redis's `CLIENT LIST` shows.
    pub async fn connect(url: &str, name: &str, epoch: u64) -> redis::RedisResult<Self> {
        let listeners = Listeners::default();
        let pushed = listeners.clone();
        let config = ConnectionManagerConfig::new()
            .set_push_sender(move |push: PushInfo| {
                deliver(&pushed, push);
                Ok::<_, redis::aio::SendError>(())
            })
            .set_automatic_resubscription();
        let info = url.into_connection_info()?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let mut connection = ConnectionManager::new_with_config(client, config).await?;
        redis::cmd("CLIENT").arg("SETNAME").arg(name).query_async::<()>(&mut connection).await?;
        Ok(Self { epoch, connection, listeners, changing: Arc::default() })
    }
}

fn deliver(listeners: &Listeners, push: PushInfo) {
    let Some(message) = Msg::from_push_info(push) else {
        return;
    };
    let channel = message.get_channel_name().to_owned();
    let listener = lock(listeners).get(&channel).cloned();
    if let Some(listener) = listener {
        let text = String::from_utf8_lossy(message.get_payload_bytes()).into_owned();
        let _ = listener.send(Message { channel, text });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
