//! Where names of the prelude mean something else.

mod prelude_names_taken {
    #![allow(dead_code, non_camel_case_types)]

    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Option;
    pub(super) struct Box;
    pub(super) struct Vec;
    pub(super) struct String;
    pub(super) struct Clone;
    pub(super) struct Send;
    pub(super) struct Sync;
    pub(super) struct core;
    pub(super) struct std;
}

mod annotated {
    #![no_implicit_prelude]

    #[allow(unused_imports)]
    use super::prelude_names_taken::*;

    #[derive(
        ::core::clone::Clone,
        ::core::cmp::PartialEq,
        ::serde::Serialize,
        ::serde::Deserialize,
        ::cluster_client::Subscribe,
    )]
    #[subscribe(delivery = "latest")]
    pub(crate) struct Tick {
        #[subscribe(key)]
        pub(crate) at: u64,
    }

    pub(crate) struct Clock;

    #[::cluster_client::cluster_client(vis = "pub(crate)")]
    impl Clock {
        #[invoke]
        pub(crate) async fn now(&self, zone: &str, fields: &[u8]) -> u64 {
            zone.len() as u64 + fields.len() as u64
        }

        #[invoke(oneway)]
        pub(crate) async fn set(&self, at: u64) {
            let _ = at;
        }

        #[subscribe]
        pub(crate) async fn ticks(
            &self,
            every: u64,
        ) -> ::core::result::Result<::cluster_client::Subscription<Tick>, ::cluster_client::Error>
        {
            let _ = every;
            ::core::result::Result::Ok(::cluster_client::Subscription::channel().1)
        }

        #[publish]
        pub(crate) async fn zone(&self, name: &str) -> bool {
            name.is_empty()
        }

        #[close]
        pub(crate) async fn stop(&self) {}
    }

    /// `async_trait` itself takes `Box` from the prelude.
    mod in_a_trait {
        use ::std::boxed::Box;

        #[::cluster_client::cluster_client]
        #[::async_trait::async_trait]
        pub(crate) trait Clock: ::core::marker::Send + ::core::marker::Sync {
            #[invoke]
            async fn now(&self, zone: &str)
            -> ::core::result::Result<u64, ::cluster_client::Error>;

            #[invoke(oneway)]
            async fn set(&self, at: u64);
        }
    }
}

#[test]
fn compiles() {
    use cluster_client::__private::Service;
    assert_eq!(annotated::ClockProxy::METHODS.len(), 4);
}
