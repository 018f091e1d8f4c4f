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
//!         tokio::spawn(async move {
//!             let _ = prices.send(Price(symbol.len() as u64));
//!             prices.closed().await; // nobody listens any more: unsubscribe from the market here
//!         });
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
//! let mut prices = market.watch("ACME".into()).await?;
//! assert_eq!(prices.next().await, Some(Price(4)));
//! market.membership().close().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`cluster_client`] documents the attributes, [`Builder`] the options of `builder()` with their defaults,
//! [`Membership`] what a member tells about itself, [`Subscribe`] how events are delivered.
//!
//! # A tour of the rest
//!
//! One-way calls, publications that are taken back, who called, what happened, and whether a failed call ran:
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Mutex;
//!
//! use cluster_client::{CallContext, ClusterEvent, Error, Outcome, Role, cluster_client};
//!
//! #[derive(Default)]
//! pub struct Directory {
//!     services: Mutex<BTreeMap<String, u32>>,
//! }
//!
//! #[cluster_client]
//! impl Directory {
//!     /// Published again to a new leader, and unpublished when the process that published it goes.
//!     #[publish(key = "service", undo = "remove")]
//!     pub async fn add(&self, cx: CallContext, service: String) {
//!         self.services.lock().unwrap().insert(service, cx.caller().pid);
//!     }
//!
//!     #[invoke]
//!     pub async fn remove(&self, service: String) {
//!         self.services.lock().unwrap().remove(&service);
//!     }
//!
//!     #[invoke(idempotent, timeout = "50ms")]
//!     pub async fn owner(&self, service: &str) -> Option<u32> {
//!         if service == "slow" {
//!             std::future::pending::<()>().await;
//!         }
//!         self.services.lock().unwrap().get(service).copied()
//!     }
//!
//!     /// Queued and not answered.
//!     #[invoke(oneway)]
//!     pub async fn touch(&self, service: String) {
//!         assert!(self.services.lock().unwrap().contains_key(&service), "nobody is {service}");
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let directory = DirectoryProxy::builder()
//!     .single_mode(true)
//!     .start(|_cx| async { Ok::<_, std::io::Error>(Directory::default()) })
//!     .await?;
//! assert_eq!(directory.membership().role(), Role::Leader);
//! let mut events = directory.membership().events();
//!
//! directory.add("mail".into()).await?;
//! assert_eq!(directory.owner("mail").await?, Some(std::process::id()));
//!
//! directory.touch("post".into()).await?; // panics in the leader; nobody waits for that, so it is an event
//! let Some(ClusterEvent::OnewayFailed { method, error, .. }) = events.next().await else { panic!() };
//! assert_eq!((method.as_str(), error.outcome()), ("touch", Outcome::Executed));
//!
//! let error = directory.owner("slow").await.unwrap_err();
//! match error.outcome() {
//!     Outcome::NotExecuted => println!("safe to repeat: {error}"),
//!     Outcome::Unknown => println!("look before repeating: {error}"),
//!     Outcome::Executed => println!("do not repeat: {error}"),
//! }
//! # assert_eq!(error.outcome(), Outcome::Unknown);
//! directory.membership().close().await; // takes "mail" back first
//! # Ok(())
//! # }
//! ```
//!
//! # Deadlines, dropping, threads
//!
//! - A call has a deadline: its method's `timeout = "…"`, else [`response_timeout`](Builder::response_timeout), 3 s by
//!   default. Waiting for a leader counts.
//! - Dropping a call's future cancels the call, on the leader too. A publication that has an `undo`, and the `undo`, run to
//!   their ends; what was dropped is not published again to the next leader.
//! - Dropping the last proxy and the last subscription of a member makes it leave, as
//!   [`close`](Membership::close) does, in the background. [`Membership`] and its streams hold nobody.
//! - Proxies are cheap to clone, `Send` and `Sync`. A [`Subscription`] is `Send` and not `Sync`.
//!
//! # What happens to a call when the leader dies
//!
//! Every [`Error`] says by its [`outcome`](Error::outcome) whether the call ran. A call that certainly did not is sent to
//! the next leader within its deadline; one that may have run is [`Outcome::Unknown`], and sent again only if its method
//! is `idempotent`, under the same [`CallContext::call_id`], or a `#[subscribe]`. None is claimed to run exactly once.
//!
//! A leader that is stopped, or hangs, keeps the port: nobody takes over, and calls end at their deadlines. A member with
//! [`Builder::standalone_after`] builds a real client of its own then, and follows again once a leader answers.
//!
//! # Node and Rust in one cluster
//!
//! [`Builder::node_compat`] lets processes that use the npm package cluster-client 3.7 into the channel: any of them may
//! lead or follow, and after the end of a leader any other takes over. Set it in all Rust members.
//!
//! ```
//! use cluster_client::{Error, Subscribe, Subscription, Value, cluster_client};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subscribe)]
//! pub struct Config(Value); // whatever a Node process publishes
//!
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! pub struct Registration {
//!     data_id: String,
//! }
//!
//! # struct Configs;
//! #[cluster_client(name = "ConfigClient", rename_all = "camelCase")]
//! impl Configs {
//!     #[invoke] // getConfig(dataId)
//!     pub async fn get_config(&self, data_id: String) -> Result<Value, Error> {
//!         # Ok(data_id.into())
//!     }
//!
//!     #[subscribe(default)] // subscribe(reg, listener)
//!     pub async fn watch(&self, reg: Registration) -> Result<Subscription<Config>, Error> {
//!         # drop(reg); Ok(Subscription::channel().1)
//!     }
//!
//!     #[publish(default, key = "reg.data_id")] // publish(reg)
//!     pub async fn announce(&self, reg: Registration) -> Result<(), Error> {
//!         # drop(reg); Ok(())
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! # let builder = ConfigsProxy::builder().single_mode(true);
//! let configs = builder.node_compat().start(|_cx| async { Ok::<_, Error>(Configs) }).await?;
//! # assert_eq!(configs.get_config("a".into()).await?, Value::from("a"));
//! # Ok(())
//! # }
//! ```
//!
//! - **Values** travel as [`Codec::SerializeJson`] on every connection of the channel, so JavaScript's own have types here:
//!   [`Date`], [`Buffer`], [`Undefined`], [`JsError`], [`Value`]. `None` is `null` for Node, and left out, so `undefined`, with
//!   `#[serde(skip_serializing_if = "Option::is_none")]`. Node processes use the default `transcode` and `formatKey`.
//! - **Channels**: each process that may win the port runs all channels of that port. A Node owner does not say that it lacks
//!   one: those who wait for it get [`Error::NoLeader`] after [`max_wait_time`](Builder::max_wait_time).
//! - **Methods** are found by their names on the wire: `rename_all` and `name = "…"`. A Node process names none when it
//!   subscribes, and says `publish` when it publishes: that is the only `#[subscribe]`, `#[publish]` method, or the one
//!   marked `default`, which takes the one argument that Node gives (the subscribing one may take none). To a Node leader no
//!   other subscription can be made. A default publication with a `name = "…"` of its own goes by that; without one, no other
//!   method may be called `publish`.
//! - **A Node leader** does not answer subscriptions and publications: `Ok` means queued, and for a `#[publish(event)]` of
//!   which it is not known that it was read when the connection ends there is an event. A publication that returns more than `()` or an `Option`
//!   is [`Error::InterfaceMismatch`] there. It has no epoch ([`LeaderInfo`] says 0, and process 0), is not checked against
//!   the interface, and cannot be told to cancel a call. A method that it does not have, or that throws outside of a
//!   promise, is answered by the deadline, and ends the Node process unless that handles it. One that closes a channel and
//!   keeps another leaves the followers of the first with a closed real client, and does not say so. Whether all subscribers get a
//!   value or one of them (`receivers = "one"`) is its option `isBroadcast`.
//! - **Publications** change owners, and are undone when their owner dies, under a Rust leader only, and there a Node
//!   process cannot be told that its own was taken over or undone: it publishes it again to the next leader. Under a Node
//!   leader each process publishes again what it has published and not itself undone, and `undo` is called for nobody.
//! - **Errors** of a Node leader's method are that method's own, if its type deserializes from `name`, `message`, `code` and
//!   `stack` (an untagged enum with a variant of `code` and `message` does), else [`Error::NodeError`]. Node processes get
//!   these four of ours: those of a [`JsError`] as they are; of any other error the name of its type, its text, its field
//!   `code` or the name of its variant, and where.
//! - **A Node process** that sends more than [`Limits::max_data`] in one call gets an error with the code `TOO_LARGE`, and
//!   the connection goes on.
//! - **A Node follower**'s call ends when its `responseTimeout` is over: the method is dropped where it waits. It is not told of `Missed` and `Resynced`. A call that comes while its leader closes gets an error with
//!   the code `GOING_AWAY`: it did not run, and is not carried over to the next leader.
//! - **Heartbeats**: a Node leader drops who sends nothing for three of its `heartbeatInterval`s (20 s). Set
//!   [`heartbeat_interval`](Builder::heartbeat_interval) to at most half of that one. A Node follower is dropped after 60 s of
//!   silence (thirty of our intervals), but not while it waits for an answer.
//!
//! # What it needs
//!
//! A tokio runtime with I/O and time, and `panic = "unwind"`: a panic in a method is that call's error, not the leader's
//! end. The members are processes of one network namespace: it listens on 127.0.0.1 only. It is developed and tested on
//! Linux, with Rust 1.88 or later.
//!
//! # State on disk
//!
//! The [epoch](LeaderContext::epoch) of the last leadership is kept in `<port>.epoch`, in
//! `$XDG_RUNTIME_DIR/cluster-client`, else in `$HOME/.local/state/cluster-client`, else in a directory of this user among the
//! temporary files. The members of a port should see the same directory. One that others may write to is not used, and a
//! file that cannot be used is a warning: the next epoch goes by the clock. Nothing else is stored, and in single mode
//! nothing at all.
//!
//! # Features
//!
//! - `testing`: the module `testing`, with members on a network in memory, for tests of your own client.
//! - `bincode` (default): the compact codec [`Codec::Bincode`], which is then the default one. Without it [`Codec::Json`] is.
//!
//! # Tracing
//!
//! Spans and events of the [`tracing`](https://docs.rs/tracing) crate under the target `cluster_client`: a span `member` (channel,
//! port, instance) around what a member does in the background, a span `call` (method, call id, process of the caller) around each
//! call of the real client.

// The map of the crate:
//
// proxy, options                what users hold, and how it is started
// calls                         what a proxy's methods do
// member                        what outlives the leaders: subscriptions, publications, waiting calls
// membership                    roles and events, for users
// service, serve, interface     a real client as a table of methods, one call of it, how two tables differ
// signature                     the types of a method, and what they must be able to do
// event, subscription, key      event types, streams of them, what they are the same by
// node                          what is different where a peer is a Node process
// context, error, failure,      who calls, what went wrong, the bounds
// limits
// session                       pure state: it decides
// runtime                       sockets, tasks, timers: it acts
// planted                       bugs that tests are to find
// __private                     what generated code needs

#![warn(missing_docs)]

mod calls;
mod clock;
mod context;
mod error;
mod event;
mod failure;
mod interface;
mod key;
mod limits;
mod member;
mod membership;
mod node;
mod options;
mod planted;
mod proxy;
mod runtime;
mod serve;
mod service;
mod session;
mod signature;
mod subscription;

#[cfg(feature = "testing")]
pub mod testing;

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
pub use cluster_protocol::{
    Buffer, Codec, Date, DateError, ErrorCode, JsError, Object, Undefined, Value,
};

pub use crate::context::{CallContext, CallId, Caller, InstanceId, LeaderContext};
pub use crate::error::{Error, Outcome};
pub use crate::event::Subscribe;
pub use crate::limits::Limits;
pub use crate::membership::{
    ClusterEvent, Events, LeaderInfo, Membership, Role, RoleChanges, RolePreference,
};
pub use crate::options::Builder;
pub use crate::subscription::{CloseReason, Event, SendError, Subscription, SubscriptionSender};
