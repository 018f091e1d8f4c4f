//! What the macros make of an annotated client: a table of methods.
//!
//! [`Service`] ties the generated proxy to the real client's type; [`Served`] is the same table with that type
//! erased, so that nothing in `runtime` is generic.

use std::any::Any;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::event::{Delivery, EventOptions, Events, ReadItemKey, Receivers};
use crate::interface::{MethodDescription, MethodKind, Shape};
use crate::proxy::Proxy;
use crate::serve::{Call, Opened, Slot};

/// A boxed future that can be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An annotated client, implemented by its generated proxy type.
pub trait Service: Sized + Send + Sync + 'static {
    /// The real client: the annotated type, or `dyn Trait`.
    type Client: ?Sized + Send + Sync + 'static;
    /// The channel's default name.
    const CHANNEL: &'static str;
    /// The annotated methods, in order.
    const METHODS: &'static [Method<Self::Client>];
    /// Wraps a proxy into the generated type.
    fn from_proxy(proxy: Proxy<Self>) -> Self;
    /// Runs the `#[close]` method, if there is one; its error.
    fn close(client: Arc<Self::Client>) -> BoxFuture<'static, Option<String>>;
}

/// What a `#[close]` method returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a `#[close]` method returns",
    label = "its error has no text",
    note = "write no return type, or `Result<(), E>` with an `E` that implements `Display`"
)]
pub trait Closed {
    /// The text of the error, if it is one.
    fn error(self) -> Option<String>;
}

impl Closed for () {
    fn error(self) -> Option<String> {
        None
    }
}

impl<E: Display> Closed for Result<(), E> {
    fn error(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

/// What a factory may return for a service; `Form` keeps the two forms apart for the compiler.
#[diagnostic::on_unimplemented(
    message = "`{T}` is not the real client of `{Self}`",
    label = "the factory returns `Ok` of another type",
    note = "it returns the annotated type itself, or in an `Arc`; for an annotated trait, an implementer or an `Arc<dyn Trait>`"
)]
pub trait Accept<T, Form>: Service {
    /// Turns it into the real client.
    fn accept(client: T) -> Arc<Self::Client>;
}

/// Form of [`Accept`]: the client itself.
#[derive(Debug)]
pub struct ByValue;

/// Form of [`Accept`]: a client behind an [`Arc`].
#[derive(Debug)]
pub struct Shared;

/// Computes the key of a subscription or publication from its arguments.
pub type KeyFn = fn(&Call) -> Result<String, Error>;

/// One annotated method: what is known of it without the client's type, and how it is run.
pub struct Method<C: ?Sized + 'static> {
    pub(crate) info: MethodInfo,
    pub(crate) handler: Handler<C>,
}

pub(crate) enum Handler<C: ?Sized + 'static> {
    Call(fn(Arc<C>, Call, &mut Slot)),
    Subscribe(fn(Arc<C>, Call) -> BoxFuture<'static, Opened>),
}

impl<C: ?Sized + 'static> Method<C> {
    /// An `#[invoke]` method.
    pub const fn invoke(info: MethodInfo, handler: fn(Arc<C>, Call, &mut Slot)) -> Self {
        Self { info, handler: Handler::Call(handler) }
    }

    /// A `#[publish]` method.
    pub const fn publish(
        mut info: MethodInfo,
        handler: fn(Arc<C>, Call, &mut Slot),
        key: KeyFn,
    ) -> Self {
        info.kind = match info.kind {
            Kind::Publish { remembered, undo, .. } => Kind::Publish { key, remembered, undo },
            _ => Kind::Publish { key, remembered: true, undo: None },
        };
        Self { info, handler: Handler::Call(handler) }
    }

    /// A `#[subscribe]` method.
    pub const fn subscribe(
        mut info: MethodInfo,
        open: fn(Arc<C>, Call) -> BoxFuture<'static, Opened>,
        key: KeyFn,
    ) -> Self {
        info.kind = match info.kind {
            Kind::Subscribe { options, .. } => Kind::Subscribe { key, options },
            _ => Kind::Subscribe {
                key,
                options: EventOptions::new(Delivery::Latest, Receivers::All),
            },
        };
        Self { info, handler: Handler::Subscribe(open) }
    }
}

/// A method as both sides describe it.
#[derive(Clone, Copy)]
pub struct MethodInfo {
    pub(crate) name: &'static str,
    pub(crate) signature: &'static str,
    /// The connection object that calls it, complete.
    pub(crate) conn: &'static str,
    pub(crate) shape: fn(Shape) -> Shape,
    pub(crate) kind: Kind,
    pub(crate) idempotent: bool,
    pub(crate) spawn: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) version: Option<&'static str>,
    /// Whether the user has written its name on the wire.
    pub(crate) named: bool,
    /// Whether it is what a Node process means that names no method.
    pub(crate) default: bool,
    /// How to read the item key of an event, if it has one.
    pub(crate) item_key: Option<ReadItemKey>,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Invoke,
    Oneway,
    Publish { key: KeyFn, remembered: bool, undo: Option<usize> },
    Subscribe { key: KeyFn, options: EventOptions },
}

impl MethodInfo {
    /// An ordinary method.
    pub const fn new(
        name: &'static str,
        signature: &'static str,
        conn: &'static str,
        shape: fn(Shape) -> Shape,
    ) -> Self {
        Self {
            name,
            signature,
            conn,
            shape,
            kind: Kind::Invoke,
            idempotent: false,
            spawn: false,
            timeout: None,
            version: None,
            named: false,
            default: false,
            item_key: None,
        }
    }

    /// Never answered.
    pub const fn oneway(mut self) -> Self {
        self.kind = Kind::Oneway;
        self
    }

    /// May run more than once: sent again when it is not known whether it ran.
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Runs in a task of its own from the start.
    pub const fn spawn(mut self) -> Self {
        self.spawn = true;
        self
    }

    /// How long a caller waits, in milliseconds.
    pub const fn timeout_ms(mut self, millis: u64) -> Self {
        self.timeout = Some(Duration::from_millis(millis));
        self
    }

    /// The user's own version of the method, compared between programs.
    pub const fn version(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// The user has written its name on the wire.
    pub const fn named(mut self) -> Self {
        self.named = true;
        self
    }

    /// Of the methods of its kind, the one that a Node process means.
    pub const fn default_of_its_kind(mut self) -> Self {
        self.default = true;
        self
    }

    /// A publication that is not remembered.
    pub const fn event(mut self) -> Self {
        self.kind = Kind::Publish { key: no_key, remembered: false, undo: None };
        self
    }

    /// The method that takes a publication back, as an index into the table.
    pub const fn undo(mut self, method: usize) -> Self {
        self.kind = Kind::Publish { key: no_key, remembered: true, undo: Some(method) };
        self
    }

    /// How a subscription's events are delivered.
    pub const fn delivers(mut self, events: Events) -> Self {
        self.kind = Kind::Subscribe { key: no_key, options: events.options };
        self.item_key = events.item_key;
        self
    }

    pub(crate) fn describe(&self) -> MethodDescription {
        let kind = match self.kind {
            Kind::Invoke => MethodKind::Invoke,
            Kind::Oneway => MethodKind::Oneway,
            Kind::Publish { .. } => MethodKind::Publish,
            Kind::Subscribe { .. } => MethodKind::Subscribe,
        };
        MethodDescription {
            name: self.name.to_owned(),
            kind,
            signature: self.signature.to_owned(),
            shape: (self.shape)(Shape::default()).finish(),
            version: self.version.map(str::to_owned),
        }
    }
}

/// Stands in until [`Method::publish`] or [`Method::subscribe`] sets the method's own.
fn no_key(_: &Call) -> Result<String, Error> {
    Ok(String::new())
}

/// A real client with its table of methods, the client's type erased.
pub(crate) trait Served: Send + Sync + 'static {
    /// Makes the future of a call; a subscription has none.
    fn serve(&self, method: usize, call: Call, slot: &mut Slot);
    /// Opens a subscription at the real client; other methods have none.
    fn open(&self, method: usize, call: Call) -> Option<BoxFuture<'static, Opened>>;
    /// Runs the `#[close]` method; its error.
    fn close(&self) -> BoxFuture<'static, Option<String>>;
    /// For the way back to the typed client.
    fn as_any(&self) -> &dyn Any;
}

/// The one implementation of [`Served`].
pub(crate) struct Bound<S: Service> {
    pub(crate) client: Arc<S::Client>,
}

impl<S: Service> Served for Bound<S> {
    fn serve(&self, method: usize, call: Call, slot: &mut Slot) {
        if let Some(Method { handler: Handler::Call(handler), .. }) = S::METHODS.get(method) {
            handler(Arc::clone(&self.client), call, slot);
        }
    }

    fn open(&self, method: usize, call: Call) -> Option<BoxFuture<'static, Opened>> {
        match &S::METHODS.get(method)?.handler {
            Handler::Subscribe(open) => Some(open(Arc::clone(&self.client), call)),
            Handler::Call(_) => None,
        }
    }

    fn close(&self) -> BoxFuture<'static, Option<String>> {
        S::close(Arc::clone(&self.client))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The descriptions of a service's methods, made once a member starts.
pub(crate) fn methods<S: Service>() -> Arc<[MethodInfo]> {
    S::METHODS.iter().map(|method| method.info).collect()
}

/// For each method, whether its calls publish something that is remembered, or take it back.
pub(crate) fn settling(methods: &[MethodInfo]) -> Vec<bool> {
    let mut settling = vec![false; methods.len()];
    for (index, info) in methods.iter().enumerate() {
        if let Kind::Publish { remembered: true, undo, .. } = info.kind {
            for method in [Some(index), undo].into_iter().flatten() {
                if let Some(settles) = settling.get_mut(method) {
                    *settles = true;
                }
            }
        }
    }
    settling
}
