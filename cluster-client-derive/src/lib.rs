//! The macros of [cluster-client](https://docs.rs/cluster-client): use them through that crate.
//!
//! # What `#[cluster_client]` writes
//!
//! The item stays as it is, without the attributes on its methods. For
//!
//! ```text
//! #[cluster_client]
//! impl Registry {
//!     #[invoke(idempotent, timeout = "5s")]
//!     pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> { … }
//! }
//! ```
//!
//! this is added, with `p` for `::cluster_client::__private`:
//!
//! ```text
//! pub struct RegistryProxy(p::Proxy<RegistryProxy>);          // in whatever role
//! pub struct RegistryLeader(p::LeaderProxy<RegistryProxy>);
//! pub struct RegistryFollower(p::FollowerProxy<RegistryProxy>);
//!
//! const _: () = {
//!     enum __RegistryMethod { lookup }                        // numbers what `#[cfg]` leaves
//!     pub struct __RegistryClient(p::Arc<Registry>);          // a public name for a type that may be private
//!
//!     // The types of the method. Their bounds are checked here and nowhere else.
//!     enum __lookup_method {}
//!     impl p::Returns for __lookup_method { type Ok = <Result<Vec<String>, RegistryError> as p::Fallible>::Ok; }
//!     impl p::Fails for __lookup_method { type Err = <Result<Vec<String>, RegistryError> as p::Fallible>::Err; }
//!
//!     impl p::Service for RegistryProxy {
//!         type Client = __RegistryClient;
//!         const CHANNEL: &'static str = "Registry";
//!         const METHODS: &'static [p::Method<__RegistryClient>] = &[
//!             p::Method::invoke(
//!                 p::MethodInfo::new(
//!                     "lookup",
//!                     "(&str) -> Result<Vec<String>, RegistryError>",
//!                     p::invoke_object!("lookup", 1, false),
//!                     |shape| shape.argument::<String>().result::<__lookup_method>(),
//!                 ).idempotent().timeout_ms(5000),
//!                 // The leader, for a follower: from bytes to bytes.
//!                 |client, call, slot| slot.run(async move {
//!                     let result = match call.args::<(p::BorrowedStr<'_>,)>() {
//!                         Ok((service,)) => {
//!                             Ok(p::answer::<__lookup_method>(lookup_on_client(&client.0, &service).await))
//!                         }
//!                         Err(error) => Err(error),
//!                     };
//!                     call.reply(result)
//!                 }),
//!             ),
//!         ];
//!         …
//!     }
//!
//!     fn lookup_on_client<'a>(client: &'a Registry, service: &'a str)
//!         -> impl Future<Output = Result<Vec<String>, RegistryError>> + Send + 'a
//!     {
//!         <Registry>::lookup(client, service)
//!     }
//!
//!     // The leader, for itself: no bytes.
//!     fn lookup_on_leader<'a>(
//!         client: p::Arc<__RegistryClient>, _: p::CallContext, (service,): (&'a str,),
//!     ) -> p::BoxFuture<'a, p::Answer<__lookup_method>> {
//!         p::Box::pin(async move {
//!             p::answer::<__lookup_method>(lookup_on_client(&client.0, service).await)
//!         })
//!     }
//!
//!     impl RegistryProxy {                                    // and the two others
//!         pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> {
//!             p::result::<__lookup_method>(
//!                 p::invoke(&self.0, __RegistryMethod::lookup as usize, (service,), lookup_on_leader).await,
//!             )
//!         }
//!     }
//! };
//! ```
//!
//! On a trait the three types implement it instead, and the real client is any `dyn Registry`.
//! Everything else is ordinary code in `cluster_client::__private`.
//!
//! # Layout
//!
//! - `attr`: the attribute language
//! - `model`: the annotated item as this crate sees it
//! - `check`: the rules, one function each
//! - `expand`: what is written out
//! - `event`: `#[derive(Subscribe)]`
//! - `fallback`: what is written out instead when a rule is broken
//! - `report`: collects the mistakes

mod attr;
mod check;
mod event;
mod expand;
mod fallback;
mod model;
mod report;
mod types;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::attr::ClientAttr;
use crate::model::{Client, Item};
use crate::report::Errors;

/// # What can be written
///
/// For an `impl` block or an `#[async_trait]` trait, `#[cluster_client]` generates `…Proxy`, `…Leader` and
/// `…Follower`, which have the annotated methods. Keys, all optional:
///
/// - `name = "…"`: the channel; processes with the same name (and port) share one client. Default: the name
///   of the type.
/// - `proxy = "…"`: what the generated names begin with. Default: the name of the type.
/// - `rename_all = "camelCase"`: how method names are written on the wire.
/// - `version = "…"`: of every method without one of its own; programs with different versions do
///   not understand each other.
/// - `vis = "pub(crate)"`: the visibility of the generated types. Default: `pub`. A trait gives its
///   own.
/// - `crate = "::renamed"`: where `cluster_client` is.
///
/// On a method, one of:
///
/// - `#[invoke]`: a call with an answer. `oneway`: without one; `idempotent`: may be repeated when
///   it is unknown whether it ran; `spawn`: always run as a task of its own; `timeout = "5s"` (`ms`,
///   `s` or `m`, at most 24 days; default: the builder's `response_timeout`, 3 s).
/// - `#[subscribe]`: returns a `Subscription<E>`.
/// - `#[publish]`: a call that is remembered and made again to a new leader. `key = "a.b"`: what
///   names the publication (default: all arguments); `undo = "method"`: called with the same
///   arguments, by the leader itself, when the publishing process is gone; `event`: not
///   remembered. Also `idempotent`, `spawn` and `timeout`. Publications of one key that a process
///   makes at once are made one after the other, in the order in which they are first polled; the
///   timeout of each begins with the call. One whose leader goes as it answers is made again to the
///   next leader, before the call returns, which may take as long again.
/// - `#[close]`: called when the leader lets go of the client. An error that it returns is an event, `ClusterEvent::RealClient`.
///
/// The first three take `name = "…"` (on the wire) and `version = "…"`.
///
/// # Rules
///
/// A method takes `&self` and at most 12 arguments, owned or borrowed (`&T`, `&[T]`, `&str`); it is an `async fn`, or
/// a plain `fn` if it is one-way. Its first argument may be a `CallContext`, which the proxies' methods do not have.
/// All types are `Serialize + DeserializeOwned + Send + 'static`. A return type called `Result` (an alias too) is a
/// `Result<T, E>` with `E: std::error::Error + From<cluster_client::Error>`; any other is a plain value, which the
/// proxies return as `Result<T, cluster_client::Error>`. No method is called `builder`, `membership`, `as_leader`,
/// `as_follower` or `client`, which the generated types have already.
///
/// On a trait, `#[cluster_client]` stands above `#[async_trait]`. Annotated methods return `Result<T, E>` (one-way
/// ones may return nothing) and take no `CallContext`; the others have a default body, which runs on the proxy.
///
/// # Lints
///
/// Generated code allows what lints would have to say about it (`dead_code` and Clippy's groups, among others), so
/// `#![deny(…)]` stays silent. `#![forbid(…)]` of one of these lints is in conflict with any `allow` and does not
/// compile; `#![forbid(unsafe_code)]` does, since no `unsafe` is generated.
#[proc_macro_attribute]
pub fn cluster_client(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    annotate(args.into(), &item.into()).into()
}

/// Marks a type as an event of a subscription and says how it is delivered.
///
/// - `#[subscribe(delivery = "latest")]`, the default: a slow subscriber gets the newest value.
/// - `#[subscribe(delivery = "every", capacity = 1024)]`: every value counts; what did not fit is
///   reported. 1024 is the default capacity.
/// - `#[subscribe(receivers = "one")]`: each value goes to one subscriber only. Default: `"all"`.
/// - `#[subscribe(key)]` on a field: the newest value for each value of that field.
/// - `#[subscribe(crate = "::renamed")]`: where `cluster_client` is.
#[proc_macro_derive(Subscribe, attributes(subscribe))]
pub fn subscribe(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive_subscribe(item.into()).into()
}

fn annotate(args: TokenStream, tokens: &TokenStream) -> TokenStream {
    let item: Item = match syn::parse2(tokens.clone()) {
        Ok(item) => item,
        Err(error) => return fallback::unparsed(&error, tokens),
    };
    let mut errors = Errors::default();
    let client = Client::parse(ClientAttr::parse(args, &mut errors), &item, &mut errors);
    check::item(&item, &mut errors);
    if let Some(client) = &client {
        check::client(client, &item, &mut errors);
    }
    match (errors.finish(), client) {
        (Ok(()), Some(client)) => expand::client(&client, item),
        // An item without a name is a mistake that has been reported.
        (Ok(()), None) => item.stripped(),
        (Err(error), client) => fallback::client(&error, client.as_ref(), item),
    }
}

fn derive_subscribe(tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let expanded = syn::parse2::<DeriveInput>(tokens).map(|item| {
        let event = event::Event::parse(&item, &mut errors);
        expand::event(&event, &item)
    });
    match (errors.finish(), expanded) {
        (Ok(()), Ok(expanded)) => expanded,
        (Err(error), Ok(expanded)) => {
            let error = error.into_compile_error();
            quote::quote!(#error #expanded)
        }
        (_, Err(error)) => error.into_compile_error(),
    }
}

#[cfg(test)]
mod tests;
