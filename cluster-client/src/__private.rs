//! What generated code needs. Not public API: it changes with every release.

pub use std::boxed::Box;
pub use std::sync::Arc;

pub use cluster_protocol::{BorrowedStr, invoke_object};

pub use crate::calls::{close, invoke, oneway, publish, subscribe};
pub use crate::context::CallContext;
pub use crate::error::Error;
pub use crate::event::{Delivery, EventOptions, Receivers, Subscribe};
pub use crate::interface::Shape;
pub use crate::key::key;
pub use crate::membership::Membership;
pub use crate::options::Builder;
pub use crate::proxy::{FollowerProxy, LeaderProxy, Proxy, Target};
pub use crate::serve::{Call, Opened, Reply, Slot};
pub use crate::service::{
    Accept, BoxFuture, ByValue, Fallible, KeyFn, Method, MethodInfo, OwnedForm, Service, Shared,
};
