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
    enum __lookup_method {}
    impl ::cluster_client::__private::Returns for __lookup_method {
        type Ok = <Result<
            Vec<String>,
            RegistryError,
        > as ::cluster_client::__private::Fallible>::Ok;
    }
    impl ::cluster_client::__private::Fails for __lookup_method {
        type Err = <Result<
            Vec<String>,
            RegistryError,
        > as ::cluster_client::__private::Fallible>::Err;
    }
    #[cfg(unix)]
    enum __count_method {}
    #[cfg(unix)]
    impl ::cluster_client::__private::Takes<0> for __count_method {
        type Type = [String];
    }
    #[cfg(unix)]
    impl ::cluster_client::__private::Takes<1> for __count_method {
        type Type = bool;
    }
    #[cfg(unix)]
    impl ::cluster_client::__private::Returns for __count_method {
        type Ok = usize;
    }
    #[cfg(unix)]
    impl ::cluster_client::__private::Fails for __count_method {
        type Err = ::cluster_client::__private::Error;
    }
    enum __touch_method {}
    impl ::cluster_client::__private::Takes<0> for __touch_method {
        type Type = String;
    }
    impl ::cluster_client::__private::Returns for __touch_method {
        type Ok = ();
    }
    impl ::cluster_client::__private::Fails for __touch_method {
        type Err = ::cluster_client::__private::Error;
    }
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
                                .argument::<::std::string::String>()
                                .result::<__lookup_method>()
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
                                        ::cluster_client::__private::answer::<
                                            __lookup_method,
                                        >(lookup_on_client(&client.0, &service).await),
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
                                ::cluster_client::__private::Owned<__count_method, 0>,
                            >()
                            .argument::<
                                ::cluster_client::__private::Owned<__count_method, 1>,
                            >()
                            .value::<__count_method>()
                    },
                ),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call
                                .args::<
                                    (
                                        ::cluster_client::__private::Owned<__count_method, 0>,
                                        ::cluster_client::__private::Owned<__count_method, 1>,
                                    ),
                                >()
                            {
                                ::core::result::Result::Ok(
                                    (
                                        ::cluster_client::__private::Owned(tags),
                                        ::cluster_client::__private::Owned(deep),
                                    ),
                                ) => {
                                    ::core::result::Result::Ok(
                                        ::cluster_client::__private::answer::<
                                            __count_method,
                                        >(
                                            ::core::result::Result::Ok::<
                                                _,
                                                ::cluster_client::__private::Error,
                                            >(
                                                count_on_client(
                                                        &client.0,
                                                        call.context(),
                                                        ::core::borrow::Borrow::<[String]>::borrow(&tags),
                                                        deep,
                                                    )
                                                    .await,
                                            ),
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
                        |shape| {
                            shape
                                .argument::<
                                    ::cluster_client::__private::Owned<__touch_method, 0>,
                                >()
                        },
                    )
                    .oneway(),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call
                                .args::<
                                    (::cluster_client::__private::Owned<__touch_method, 0>,),
                                >()
                            {
                                ::core::result::Result::Ok(
                                    (::cluster_client::__private::Owned(service),),
                                ) => {
                                    ::core::result::Result::Ok(
                                        ::cluster_client::__private::answer::<
                                            __touch_method,
                                        >(
                                            ::core::result::Result::Ok::<
                                                _,
                                                ::cluster_client::__private::Error,
                                            >(touch_on_client(&client.0, service).await),
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
    fn lookup_on_client<'a>(
        client: &'a Registry,
        service: &'a str,
    ) -> impl ::core::future::Future<
        Output = Result<Vec<String>, RegistryError>,
    > + ::core::marker::Send + 'a {
        <Registry>::lookup(client, service)
    }
    #[cfg(unix)]
    fn count_on_client<'a>(
        client: &'a Registry,
        cx: ::cluster_client::__private::CallContext,
        tags: &'a [String],
        deep: bool,
    ) -> impl ::core::future::Future<Output = usize> + ::core::marker::Send + 'a {
        <Registry>::count(client, cx, tags, deep)
    }
    fn touch_on_client<'a>(
        client: &'a Registry,
        service: String,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send + 'a {
        <Registry>::touch(client, service)
    }
    fn lookup_on_leader<'a>(
        client: ::cluster_client::__private::Arc<__RegistryClient>,
        _: ::cluster_client::__private::CallContext,
        (service,): (&'a str,),
    ) -> ::cluster_client::__private::BoxFuture<
        'a,
        ::cluster_client::__private::Answer<__lookup_method>,
    > {
        ::cluster_client::__private::Box::pin(async move {
            ::cluster_client::__private::answer::<
                __lookup_method,
            >(lookup_on_client(&client.0, service).await)
        })
    }
    #[cfg(unix)]
    fn count_on_leader<'a>(
        client: ::cluster_client::__private::Arc<__RegistryClient>,
        cx: ::cluster_client::__private::CallContext,
        (
            ::cluster_client::__private::Borrowed(tags),
            ::cluster_client::__private::Owned(deep),
        ): (
            ::cluster_client::__private::Borrowed<'a, __count_method, 0>,
            ::cluster_client::__private::Owned<__count_method, 1>,
        ),
    ) -> ::cluster_client::__private::BoxFuture<
        'a,
        ::cluster_client::__private::Answer<__count_method>,
    > {
        ::cluster_client::__private::Box::pin(async move {
            ::cluster_client::__private::answer::<
                __count_method,
            >(
                ::core::result::Result::Ok::<
                    _,
                    ::cluster_client::__private::Error,
                >(count_on_client(&client.0, cx, tags, deep).await),
            )
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
            ::cluster_client::__private::result::<
                __lookup_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __RegistryMethod::lookup as usize,
                        (service,),
                        lookup_on_leader,
                    )
                    .await,
            )
        }
        #[cfg(unix)]
        ///Calls `Registry::count` of the real client.
        pub async fn count(
            &self,
            tags: &[String],
            deep: bool,
        ) -> ::core::result::Result<usize, ::cluster_client::__private::Error> {
            ::cluster_client::__private::result::<
                __count_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __RegistryMethod::count as usize,
                        (
                            ::cluster_client::__private::Borrowed::<
                                __count_method,
                                0,
                            >(tags),
                            ::cluster_client::__private::Owned::<__count_method, 1>(deep),
                        ),
                        count_on_leader,
                    )
                    .await,
            )
        }
        ///Calls `Registry::touch` of the real client.
        pub async fn touch(
            &self,
            service: String,
        ) -> ::core::result::Result<(), ::cluster_client::__private::Error> {
            ::cluster_client::__private::oneway(
                &self.0,
                __RegistryMethod::touch as usize,
                (::cluster_client::__private::Owned::<__touch_method, 0>(service),),
            )
        }
    }
    impl RegistryLeader {
        /// Where a service runs.
        pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> {
            ::cluster_client::__private::result::<
                __lookup_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __RegistryMethod::lookup as usize,
                        (service,),
                        lookup_on_leader,
                    )
                    .await,
            )
        }
        #[cfg(unix)]
        ///Calls `Registry::count` of the real client.
        pub async fn count(
            &self,
            tags: &[String],
            deep: bool,
        ) -> ::core::result::Result<usize, ::cluster_client::__private::Error> {
            ::cluster_client::__private::result::<
                __count_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __RegistryMethod::count as usize,
                        (
                            ::cluster_client::__private::Borrowed::<
                                __count_method,
                                0,
                            >(tags),
                            ::cluster_client::__private::Owned::<__count_method, 1>(deep),
                        ),
                        count_on_leader,
                    )
                    .await,
            )
        }
        ///Calls `Registry::touch` of the real client.
        pub async fn touch(
            &self,
            service: String,
        ) -> ::core::result::Result<(), ::cluster_client::__private::Error> {
            ::cluster_client::__private::oneway(
                &self.0,
                __RegistryMethod::touch as usize,
                (::cluster_client::__private::Owned::<__touch_method, 0>(service),),
            )
        }
    }
    impl RegistryFollower {
        /// Where a service runs.
        pub async fn lookup(&self, service: &str) -> Result<Vec<String>, RegistryError> {
            ::cluster_client::__private::result::<
                __lookup_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __RegistryMethod::lookup as usize,
                        (service,),
                        lookup_on_leader,
                    )
                    .await,
            )
        }
        #[cfg(unix)]
        ///Calls `Registry::count` of the real client.
        pub async fn count(
            &self,
            tags: &[String],
            deep: bool,
        ) -> ::core::result::Result<usize, ::cluster_client::__private::Error> {
            ::cluster_client::__private::result::<
                __count_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __RegistryMethod::count as usize,
                        (
                            ::cluster_client::__private::Borrowed::<
                                __count_method,
                                0,
                            >(tags),
                            ::cluster_client::__private::Owned::<__count_method, 1>(deep),
                        ),
                        count_on_leader,
                    )
                    .await,
            )
        }
        ///Calls `Registry::touch` of the real client.
        pub async fn touch(
            &self,
            service: String,
        ) -> ::core::result::Result<(), ::cluster_client::__private::Error> {
            ::cluster_client::__private::oneway(
                &self.0,
                __RegistryMethod::touch as usize,
                (::cluster_client::__private::Owned::<__touch_method, 0>(service),),
            )
        }
    }
};
