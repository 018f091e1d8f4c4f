impl Registry {
    /// Where a service runs.
    pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> {
        self.ask(service).await
    }
    #[cfg(unix)]
    pub async fn count(&self, cx: CallContext, tags: &[String], deep: bool) -> usize {
        tags.len()
    }
    pub async fn touch(&self, service: String) {}
    fn helper(&self) {}
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
    enum __RegistryMethod {
        lookup,
        #[cfg(unix)]
        count,
        touch,
    }
    pub struct __RegistryClient(::cluster_client::__private::Arc<Registry>);
    impl ::cluster_client::__private::Service for RegistryProxy {
        type Client = __RegistryClient;
        const CHANNEL: &'static str = "Registry";
        const METHODS: &'static [::cluster_client::__private::Method<
            __RegistryClient,
        >] = &[
            ::cluster_client::__private::Method::invoke(
                ::cluster_client::__private::MethodInfo::new(
                        "lookup",
                        "(&str) -> Result<Vec<String>, RegistryError>",
                        ::cluster_client::__private::invoke_object!("lookup", 1, false),
                        |shape| {
                            shape
                                .argument::<::cluster_client::__private::BorrowedStr<'_>>()
                                .result::<Result<Vec<String>, RegistryError>>()
                        },
                    )
                    .idempotent()
                    .timeout_ms(5000),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call
                                .args::<(::cluster_client::__private::BorrowedStr<'_>,)>()
                            {
                                ::core::result::Result::Ok((service,)) => {
                                    ::core::result::Result::Ok(
                                        <Registry>::lookup(&client.0, &service).await,
                                    )
                                }
                                ::core::result::Result::Err(error) => {
                                    ::core::result::Result::Err(error)
                                }
                            };
                            call.reply(result)
                        })
                },
            ),
            #[cfg(unix)]
            ::cluster_client::__private::Method::invoke(
                ::cluster_client::__private::MethodInfo::new(
                    "count",
                    "(&[String], bool) -> usize",
                    ::cluster_client::__private::invoke_object!("count", 2, false),
                    |shape| {
                        shape
                            .argument::<
                                <[String] as ::cluster_client::__private::OwnedForm>::Owned,
                            >()
                            .argument::<bool>()
                            .value::<usize>()
                    },
                ),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call
                                .args::<
                                    (
                                        <[String] as ::cluster_client::__private::OwnedForm>::Owned,
                                        bool,
                                    ),
                                >()
                            {
                                ::core::result::Result::Ok((tags, deep)) => {
                                    ::core::result::Result::Ok(
                                        ::core::result::Result::Ok::<
                                            _,
                                            ::cluster_client::__private::Error,
                                        >(
                                            <Registry>::count(
                                                    &client.0,
                                                    call.context(),
                                                    ::core::borrow::Borrow::<[String]>::borrow(&tags),
                                                    deep,
                                                )
                                                .await,
                                        ),
                                    )
                                }
                                ::core::result::Result::Err(error) => {
                                    ::core::result::Result::Err(error)
                                }
                            };
                            call.reply(result)
                        })
                },
            ),
            ::cluster_client::__private::Method::invoke(
                ::cluster_client::__private::MethodInfo::new(
                        "touch",
                        "(String)",
                        ::cluster_client::__private::invoke_object!("touch", 1, true),
                        |shape| shape.argument::<String>(),
                    )
                    .oneway(),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call.args::<(String,)>() {
                                ::core::result::Result::Ok((service,)) => {
                                    ::core::result::Result::Ok(
                                        ::core::result::Result::Ok::<
                                            _,
                                            ::cluster_client::__private::Error,
                                        >(<Registry>::touch(&client.0, service).await),
                                    )
                                }
                                ::core::result::Result::Err(error) => {
                                    ::core::result::Result::Err(error)
                                }
                            };
                            call.reply(result)
                        })
                },
            ),
        ];
        fn from_proxy(proxy: ::cluster_client::__private::Proxy<Self>) -> Self {
            Self(proxy)
        }
        fn close(
            client: ::cluster_client::__private::Arc<__RegistryClient>,
        ) -> ::cluster_client::__private::BoxFuture<'static, ()> {
            ::cluster_client::__private::Box::pin(async move {
                ::core::mem::drop(client);
            })
        }
    }
    impl ::cluster_client::__private::Accept<
        Registry,
        ::cluster_client::__private::ByValue,
    > for RegistryProxy {
        fn accept(
            client: Registry,
        ) -> ::cluster_client::__private::Arc<__RegistryClient> {
            ::cluster_client::__private::Arc::new(
                __RegistryClient(::cluster_client::__private::Arc::new(client)),
            )
        }
    }
    impl ::cluster_client::__private::Accept<
        ::cluster_client::__private::Arc<Registry>,
        ::cluster_client::__private::Shared,
    > for RegistryProxy {
        fn accept(
            client: ::cluster_client::__private::Arc<Registry>,
        ) -> ::cluster_client::__private::Arc<__RegistryClient> {
            ::cluster_client::__private::Arc::new(__RegistryClient(client))
        }
    }
    fn lookup_on_leader<'a>(
        client: ::cluster_client::__private::Arc<__RegistryClient>,
        _: ::cluster_client::__private::CallContext,
        (service,): (&'a str,),
    ) -> ::cluster_client::__private::BoxFuture<'a, Result<Vec<String>, RegistryError>> {
        ::cluster_client::__private::Box::pin(async move {
            <Registry>::lookup(&client.0, service).await
        })
    }
    #[cfg(unix)]
    fn count_on_leader<'a>(
        client: ::cluster_client::__private::Arc<__RegistryClient>,
        cx: ::cluster_client::__private::CallContext,
        (tags, deep): (&'a [String], bool),
    ) -> ::cluster_client::__private::BoxFuture<
        'a,
        ::core::result::Result<usize, ::cluster_client::__private::Error>,
    > {
        ::cluster_client::__private::Box::pin(async move {
            ::core::result::Result::Ok::<
                _,
                ::cluster_client::__private::Error,
            >(<Registry>::count(&client.0, cx, tags, deep).await)
        })
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
    impl RegistryLeader {
        /// The real client.
        pub fn client(&self) -> &Registry {
            &self.0.client().0
        }
    }
    impl RegistryProxy {
        /// Where a service runs.
        pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> {
            ::cluster_client::__private::invoke(
                    &self.0,
                    __RegistryMethod::lookup as usize,
                    (service,),
                    lookup_on_leader,
                )
                .await
        }
        #[cfg(unix)]
        ///Calls `Registry::count` of the real client.
        pub async fn count(
            &self,
            tags: &[String],
            deep: bool,
        ) -> ::core::result::Result<usize, ::cluster_client::__private::Error> {
            ::cluster_client::__private::invoke(
                    &self.0,
                    __RegistryMethod::count as usize,
                    (tags, deep),
                    count_on_leader,
                )
                .await
        }
        ///Calls `Registry::touch` of the real client.
        pub async fn touch(
            &self,
            service: String,
        ) -> ::core::result::Result<(), ::cluster_client::__private::Error> {
            ::cluster_client::__private::oneway(
                &self.0,
                __RegistryMethod::touch as usize,
                (service,),
            )
        }
    }
    impl RegistryLeader {
        /// Where a service runs.
        pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> {
            ::cluster_client::__private::invoke(
                    &self.0,
                    __RegistryMethod::lookup as usize,
                    (service,),
                    lookup_on_leader,
                )
                .await
        }
        #[cfg(unix)]
        ///Calls `Registry::count` of the real client.
        pub async fn count(
            &self,
            tags: &[String],
            deep: bool,
        ) -> ::core::result::Result<usize, ::cluster_client::__private::Error> {
            ::cluster_client::__private::invoke(
                    &self.0,
                    __RegistryMethod::count as usize,
                    (tags, deep),
                    count_on_leader,
                )
                .await
        }
        ///Calls `Registry::touch` of the real client.
        pub async fn touch(
            &self,
            service: String,
        ) -> ::core::result::Result<(), ::cluster_client::__private::Error> {
            ::cluster_client::__private::oneway(
                &self.0,
                __RegistryMethod::touch as usize,
                (service,),
            )
        }
    }
    impl RegistryFollower {
        /// Where a service runs.
        pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> {
            ::cluster_client::__private::invoke(
                    &self.0,
                    __RegistryMethod::lookup as usize,
                    (service,),
                    lookup_on_leader,
                )
                .await
        }
        #[cfg(unix)]
        ///Calls `Registry::count` of the real client.
        pub async fn count(
            &self,
            tags: &[String],
            deep: bool,
        ) -> ::core::result::Result<usize, ::cluster_client::__private::Error> {
            ::cluster_client::__private::invoke(
                    &self.0,
                    __RegistryMethod::count as usize,
                    (tags, deep),
                    count_on_leader,
                )
                .await
        }
        ///Calls `Registry::touch` of the real client.
        pub async fn touch(
            &self,
            service: String,
        ) -> ::core::result::Result<(), ::cluster_client::__private::Error> {
            ::cluster_client::__private::oneway(
                &self.0,
                __RegistryMethod::touch as usize,
                (service,),
            )
        }
    }
};
