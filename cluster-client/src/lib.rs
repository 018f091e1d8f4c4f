//! Many processes on one machine share one real client.
//!
//! They compete for a local port. The winner is the **leader**: it alone builds the real client. The others are
//! **followers**: they forward calls, subscriptions and publications to it. If the leader dies, a follower takes over,
//! builds the real client anew, and everything is restored. Which role a process has does not show in its code.
//!
//! ```
//! use cluster_client::{cluster_client, Subscribe, Subscription};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
//! pub struct Price(u64);
//!
//! /// The real client, of which there is one on the machine.
//! pub struct Market;
//!
//! #[cluster_client]
//! impl Market {
//!     #[invoke(idempotent, timeout = "1s")]
//!     pub async fn quote(&self, symbol: &str) -> Result<Price, cluster_client::Error> {
//!         Ok(Price(symbol.len() as u64))
//!     }
//!
//!     #[subscribe]
//!     pub async fn watch(&self, symbol: String) -> Result<Subscription<Price>, cluster_client::Error> {
//!         let (prices, subscription) = Subscription::channel();
//!         prices.send(Price(symbol.len() as u64)).ok();
//!         Ok(subscription)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cluster_client::Error> {
//! let market = MarketProxy::builder()
//!     .single_mode(true) // all in this process; leave it out to share a port
//!     .start(|_cx| async { Ok::<_, std::io::Error>(Market) })
//!     .await?;
//! assert_eq!(market.quote("ACME").await?, Price(4));
//! assert_eq!(market.watch("ACME".into()).await?.next().await, Some(Price(4)));
//! market.membership().close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What happens to a call when the leader dies
//!
//! Every [`Error`] says by its [`outcome`](Error::outcome) whether the call ran. A call that certainly did not is sent to
//! the next leader within its deadline; one that may have run is returned as [`Outcome::Unknown`], and sent again only if
//! its method is `#[invoke(idempotent)]`. Nothing is ever claimed to run exactly once; [`CallContext::call_id`] is the
//! same each time a call is sent, for those who deduplicate.
//!
//! # What it needs
//!
//! A tokio runtime with I/O and time, and `panic = "unwind"`: a panic in a method is that call's error, not the leader's
//! end. The members are processes of one network namespace: it listens on 127.0.0.1 only.
//!
//! # Layout
//!
//! | | |
//! |---|---|
//! | `proxy`, `options` | what users hold, and how it is started |
//! | `calls` | what a proxy's methods do |
//! | `member` | what outlives the leaders: subscriptions, publications, waiting calls |
//! | `membership` | roles and events, for users |
//! | `service`, `serve`, `interface` | a real client as a table of methods, one call of it, how two tables differ |
//! | `signature` | the types of a method, and what they must be able to do |
//! | `event`, `subscription`, `key` | event types, streams of them, what they are the same by |
//! | `context`, `error`, `failure`, `limits` | who calls, what went wrong, the bounds |
//! | `session` | pure state: it decides |
//! | `runtime` | sockets, tasks, timers: it acts |
//! | `__private` | what generated code needs |

#![warn(missing_docs)]

mod calls;
mod context;
mod error;
mod event;
mod failure;
mod interface;
mod key;
mod limits;
mod member;
mod membership;
mod options;
mod proxy;
mod runtime;
mod serve;
mod service;
mod session;
mod signature;
mod subscription;

#[doc(hidden)]
pub mod __private;

pub use cluster_client_derive::Subscribe;
/// Makes a client that many processes share out of an `impl` block or an `#[async_trait]` trait.
///
/// On an `impl`:
///
/// ```
/// use cluster_client::{CallContext, Error, cluster_client};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, thiserror::Error, Serialize, Deserialize)]
/// pub enum RegistryError {
///     #[error("no such service: {0}")]
///     NotFound(String),
///     /// What went wrong on the way to the leader.
///     #[error(transparent)]
///     Cluster(#[from] Error),
/// }
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// pub struct Instance {
///     pub id: String,
///     pub address: String,
/// }
///
/// pub struct Registry;
///
/// #[cluster_client(rename_all = "camelCase")]
/// impl Registry {
///     #[invoke(idempotent, timeout = "5s")]
///     pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> {
///         Err(RegistryError::NotFound(service.to_owned()))
///     }
///
///     #[invoke(oneway)]
///     pub fn touch(&self, cx: CallContext, service: &str) {
///         println!("{} is alive, says call {}", service, cx.call_id());
///     }
///
///     #[publish(key = "instance.id", undo = "deregister")]
///     pub async fn register(&self, instance: Instance) -> Result<(), RegistryError> {
///         Ok(())
///     }
///
///     #[invoke]
///     pub async fn deregister(&self, instance: Instance) -> Result<(), RegistryError> {
///         Ok(())
///     }
///
///     #[close]
///     pub async fn disconnect(&self) {}
/// }
///
/// async fn address(registry: &RegistryProxy, service: &str) -> Result<Option<String>, RegistryError> {
///     registry.touch(service)?;
///     Ok(registry.lookup(service).await?.into_iter().next())
/// }
/// ```
///
/// On a trait, so that code that uses it need not know what it is given:
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use cluster_client::{Error, cluster_client};
///
/// #[cluster_client]
/// #[async_trait]
/// pub trait Registry: Send + Sync {
///     #[invoke]
///     async fn lookup(&self, service: &str) -> Result<Vec<String>, Error>;
/// }
///
/// struct Mock;
///
/// #[async_trait]
/// impl Registry for Mock {
///     async fn lookup(&self, service: &str) -> Result<Vec<String>, Error> {
///         Ok(vec![format!("{service}:1")])
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let shared = RegistryProxy::builder()
///     .single_mode(true)
///     .start(|_cx| async { Ok::<_, Error>(Mock) })
///     .await?;
/// let registries: [Arc<dyn Registry>; 2] = [Arc::new(Mock), Arc::new(shared)];
/// for registry in registries {
///     assert_eq!(registry.lookup("web").await?, ["web:1"]);
/// }
/// # Ok(())
/// # }
/// ```
#[doc(inline)]
pub use cluster_client_derive::cluster_client;
pub use cluster_protocol::Codec;

pub use crate::context::{CallContext, CallId, Caller, InstanceId, LeaderContext};
pub use crate::error::{Error, Outcome};
pub use crate::event::Subscribe;
pub use crate::limits::Limits;
pub use crate::membership::{
    ClusterEvent, Events, LeaderInfo, Membership, Role, RoleChanges, RolePreference,
};
pub use crate::options::Builder;
pub use crate::subscription::{CloseReason, Event, SendError, Subscription, SubscriptionSender};
