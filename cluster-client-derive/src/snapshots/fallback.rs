::core::compile_error! {
    "all callers share the one real client: write `&self`"
}
impl Registry {
    pub async fn lookup(&mut self) {}
}
///`Registry`, shared by all processes: each call goes to the one real client, wherever it is.
#[allow(dead_code, nonstandard_style, private_interfaces, unreachable_pub)]
pub struct RegistryProxy(::cluster_client::__private::Proxy<RegistryProxy>);
///A [`RegistryProxy`] in the process that holds the real client.
#[allow(dead_code, nonstandard_style, private_interfaces, unreachable_pub)]
pub struct RegistryLeader(::cluster_client::__private::LeaderProxy<RegistryProxy>);
///A [`RegistryProxy`] in a process that another one leads.
#[allow(dead_code, nonstandard_style, private_interfaces, unreachable_pub)]
pub struct RegistryFollower(::cluster_client::__private::FollowerProxy<RegistryProxy>);
#[allow(
    dead_code,
    deprecated,
    let_underscore_drop,
    nonstandard_style,
    private_interfaces,
    unnameable_types,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
const _: () = {
    impl ::cluster_client::__private::Service for RegistryProxy {
        type Client = ();
        const CHANNEL: &'static str = "";
        const METHODS: &'static [::cluster_client::__private::Method<()>] = &[];
        fn from_proxy(proxy: ::cluster_client::__private::Proxy<Self>) -> Self {
            Self(proxy)
        }
        fn close(
            _: ::cluster_client::__private::Arc<()>,
        ) -> ::cluster_client::__private::BoxFuture<'static, ()> {
            loop {}
        }
    }
    impl<T> ::cluster_client::__private::Accept<T, ::cluster_client::__private::ByValue>
    for RegistryProxy {
        fn accept(_: T) -> ::cluster_client::__private::Arc<()> {
            loop {}
        }
    }
    impl ::core::clone::Clone for RegistryProxy {
        fn clone(&self) -> Self {
            Self(::core::clone::Clone::clone(&self.0))
        }
    }
    impl ::core::fmt::Debug for RegistryProxy {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("RegistryProxy").finish_non_exhaustive()
        }
    }
    impl ::core::clone::Clone for RegistryLeader {
        fn clone(&self) -> Self {
            Self(::core::clone::Clone::clone(&self.0))
        }
    }
    impl ::core::fmt::Debug for RegistryLeader {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("RegistryLeader").finish_non_exhaustive()
        }
    }
    impl ::core::clone::Clone for RegistryFollower {
        fn clone(&self) -> Self {
            Self(::core::clone::Clone::clone(&self.0))
        }
    }
    impl ::core::fmt::Debug for RegistryFollower {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("RegistryFollower").finish_non_exhaustive()
        }
    }
    impl RegistryProxy {
        /// How this process takes part: set what differs from the defaults, then start.
        pub fn builder() -> ::cluster_client::__private::Builder<RegistryProxy> {
            ::cluster_client::__private::Proxy::builder()
        }
        /// The role of this process, who leads, what happens; and how to leave.
        pub fn membership(&self) -> &::cluster_client::__private::Membership {
            self.0.membership()
        }
        /// The proxy of the leader, if this process leads now.
        pub fn as_leader(&self) -> ::core::option::Option<RegistryLeader> {
            self.0.as_leader().map(RegistryLeader)
        }
        /// The proxy of a follower, if another process leads now.
        pub fn as_follower(&self) -> ::core::option::Option<RegistryFollower> {
            self.0.as_follower().map(RegistryFollower)
        }
    }
    impl ::core::ops::Deref for RegistryProxy {
        type Target = Registry;
        fn deref(&self) -> &Registry {
            loop {}
        }
    }
    impl RegistryProxy {
        pub fn client(&self) -> &Registry {
            loop {}
        }
    }
    impl ::core::ops::Deref for RegistryLeader {
        type Target = Registry;
        fn deref(&self) -> &Registry {
            loop {}
        }
    }
    impl RegistryLeader {
        pub fn client(&self) -> &Registry {
            loop {}
        }
    }
    impl ::core::ops::Deref for RegistryFollower {
        type Target = Registry;
        fn deref(&self) -> &Registry {
            loop {}
        }
    }
    impl RegistryFollower {
        pub fn client(&self) -> &Registry {
            loop {}
        }
    }
};
