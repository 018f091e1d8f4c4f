//! A user who denies every lint hears nothing about generated code.

#![deny(
    warnings,
    keyword_idents,
    let_underscore,
    nonstandard_style,
    refining_impl_trait,
    rust_2018_idioms,
    unused,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    missing_debug_implementations,
    missing_docs,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unnameable_types,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery, clippy::cargo)]
#![deny(
    clippy::absolute_paths,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::implicit_return,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::missing_docs_in_private_items,
    clippy::missing_inline_in_public_items,
    clippy::missing_trait_methods,
    clippy::panic,
    clippy::pattern_type_mismatch,
    clippy::question_mark_used,
    clippy::shadow_reuse,
    clippy::unwrap_used
)]
#![allow(
    clippy::implicit_return,
    clippy::missing_inline_in_public_items,
    clippy::missing_const_for_fn,
    clippy::unused_async,
    clippy::redundant_pub_crate,
    clippy::cargo_common_metadata,
    clippy::multiple_crate_versions,
    reason = "about this file's own methods"
)]

use cluster_client::{Subscribe, Subscription, cluster_client};
use serde::{Deserialize, Serialize};

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Subscribe)]
pub struct Tick {
    /// Its key.
    #[subscribe(key)]
    pub at: u64,
}

/// Private, though its proxy is public.
#[derive(Debug)]
struct Clock;

#[cluster_client]
impl Clock {
    #[invoke]
    pub async fn undocumented(&self, zone: &str) -> u64 {
        u64::from(zone.is_empty())
    }

    /// Documented.
    #[invoke]
    #[must_use]
    pub async fn documented(&self, hidden: Hidden, _unused: u8) -> Hidden {
        hidden
    }

    #[invoke]
    #[deprecated = "use `documented`"]
    pub async fn old(&self) {}

    #[invoke]
    #[allow(non_snake_case, reason = "the wire wants it")]
    pub async fn getData(&self) {}

    #[invoke(oneway)]
    pub async fn touch(&self) {}

    #[subscribe]
    pub async fn ticks(&self) -> Subscription<Tick> {
        Subscription::channel().1
    }

    #[publish(undo = "remove")]
    pub async fn add(&self, a: u8, b: u8) {
        let _ = a + b;
    }

    #[invoke]
    pub async fn remove(&self, a: u8, b: u8) {
        let _ = a + b;
    }

    #[close]
    pub async fn stop(&self) -> Result<(), cluster_client::Error> {
        Ok(())
    }
}

/// Not to be named by others.
#[derive(Debug, Serialize, Deserialize)]
struct Hidden;

mod in_a_trait {
    use async_trait::async_trait;
    use cluster_client::{Error, cluster_client};

    /// A clock.
    #[cluster_client]
    #[async_trait]
    pub(super) trait Clock: Send + Sync {
        /// The time.
        #[invoke]
        #[must_use]
        async fn now(&self, zone: &str) -> Result<u64, Error>;

        /// Sets it.
        #[invoke(oneway)]
        async fn set(&self, at: u64);

        /// Stops it.
        #[close]
        async fn stop(&self);
    }
}

#[test]
fn compiles() {
    use cluster_client::__private::Service;
    assert_eq!(ClockProxy::METHODS.len(), 8);
    assert_eq!(in_a_trait::ClockProxy::METHODS.len(), 2);
}
