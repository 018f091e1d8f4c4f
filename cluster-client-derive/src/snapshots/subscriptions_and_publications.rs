impl Registry {
    pub async fn watch(
        &self,
        service: String,
    ) -> Result<Subscription<Instances>, RegistryError> {
        self.open(service).await
    }
    pub async fn register(
        &self,
        instance: Instance,
        weight: u8,
    ) -> Result<(), RegistryError> {
        Ok(())
    }
    async fn deregister(
        &self,
        instance: Instance,
        weight: u8,
    ) -> Result<(), RegistryError> {
        Ok(())
    }
    pub async fn disconnect(&self) {}
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
        watch,
        register,
        deregister,
    }
    pub struct __RegistryClient(::cluster_client::__private::Arc<Registry>);
    enum __watch_method {}
    impl ::cluster_client::__private::Takes<0> for __watch_method {
        type Type = String;
    }
    impl ::cluster_client::__private::Delivers for __watch_method {
        type Event = Instances;
    }
    impl ::cluster_client::__private::Fails for __watch_method {
        type Err = <Result<
            Subscription<Instances>,
            RegistryError,
        > as ::cluster_client::__private::Fallible>::Err;
    }
    enum __register_method {}
    impl ::cluster_client::__private::Takes<0> for __register_method {
        type Type = Instance;
    }
    impl ::cluster_client::__private::Takes<1> for __register_method {
        type Type = u8;
    }
    impl ::cluster_client::__private::Returns for __register_method {
        type Ok = <Result<
            (),
            RegistryError,
        > as ::cluster_client::__private::Fallible>::Ok;
    }
    impl ::cluster_client::__private::Fails for __register_method {
        type Err = <Result<
            (),
            RegistryError,
        > as ::cluster_client::__private::Fallible>::Err;
    }
    enum __deregister_method {}
    impl ::cluster_client::__private::Takes<0> for __deregister_method {
        type Type = Instance;
    }
    impl ::cluster_client::__private::Takes<1> for __deregister_method {
        type Type = u8;
    }
    impl ::cluster_client::__private::Returns for __deregister_method {
        type Ok = <Result<
            (),
            RegistryError,
        > as ::cluster_client::__private::Fallible>::Ok;
    }
    impl ::cluster_client::__private::Fails for __deregister_method {
        type Err = <Result<
            (),
            RegistryError,
        > as ::cluster_client::__private::Fallible>::Err;
    }
    impl ::cluster_client::__private::Service for RegistryProxy {
        type Client = __RegistryClient;
        const CHANNEL: &'static str = "Registry";
        const METHODS: &'static [::cluster_client::__private::Method<
            __RegistryClient,
        >] = &[
            ::cluster_client::__private::Method::subscribe(
                ::cluster_client::__private::MethodInfo::new(
                        "watch",
                        "(String) -> Result<Subscription<Instances>, RegistryError>",
                        ::cluster_client::__private::invoke_object!("watch", 1, false),
                        |shape| {
                            shape
                                .argument::<
                                    ::cluster_client::__private::Owned<__watch_method, 0>,
                                >()
                                .events::<__watch_method>()
                        },
                    )
                    .delivers(::cluster_client::__private::options::<__watch_method>()),
                |client, call| ::cluster_client::__private::Box::pin(async move {
                    let result = match call
                        .args::<
                            (::cluster_client::__private::Owned<__watch_method, 0>,),
                        >()
                    {
                        ::core::result::Result::Ok(
                            (::cluster_client::__private::Owned(service),),
                        ) => {
                            ::core::result::Result::Ok(
                                watch_on_client(&client.0, service).await,
                            )
                        }
                        ::core::result::Result::Err(error) => {
                            ::core::result::Result::Err(error)
                        }
                    };
                    ::cluster_client::__private::opened::<__watch_method>(call, result)
                }),
                |call| {
                    let (service,) = call
                        .args::<
                            (::cluster_client::__private::Owned<__watch_method, 0>,),
                        >()?;
                    ::cluster_client::__private::key(&(&service,))
                },
            ),
            ::cluster_client::__private::Method::publish(
                ::cluster_client::__private::MethodInfo::new(
                        "register",
                        "(Instance, u8) -> Result<(), RegistryError>",
                        ::cluster_client::__private::invoke_object!(
                            "register", 2, false
                        ),
                        |shape| {
                            shape
                                .argument::<
                                    ::cluster_client::__private::Owned<__register_method, 0>,
                                >()
                                .argument::<
                                    ::cluster_client::__private::Owned<__register_method, 1>,
                                >()
                                .result::<__register_method>()
                        },
                    )
                    .undo(__RegistryMethod::deregister as usize),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call
                                .args::<
                                    (
                                        ::cluster_client::__private::Owned<__register_method, 0>,
                                        ::cluster_client::__private::Owned<__register_method, 1>,
                                    ),
                                >()
                            {
                                ::core::result::Result::Ok(
                                    (
                                        ::cluster_client::__private::Owned(instance),
                                        ::cluster_client::__private::Owned(weight),
                                    ),
                                ) => {
                                    ::core::result::Result::Ok(
                                        ::cluster_client::__private::answer::<
                                            __register_method,
                                        >(register_on_client(&client.0, instance, weight).await),
                                    )
                                }
                                ::core::result::Result::Err(error) => {
                                    ::core::result::Result::Err(error)
                                }
                            };
                            call.reply(result)
                        })
                },
                |call| {
                    let (::cluster_client::__private::Owned(instance), _) = call
                        .args::<
                            (
                                ::cluster_client::__private::Owned<__register_method, 0>,
                                ::cluster_client::__private::Owned<__register_method, 1>,
                            ),
                        >()?;
                    ::cluster_client::__private::key(&(&instance.id,))
                },
            ),
            ::cluster_client::__private::Method::invoke(
                ::cluster_client::__private::MethodInfo::new(
                        "unregister",
                        "(Instance, u8) -> Result<(), RegistryError>",
                        ::cluster_client::__private::invoke_object!(
                            "unregister", 2, false
                        ),
                        |shape| {
                            shape
                                .argument::<
                                    ::cluster_client::__private::Owned<__deregister_method, 0>,
                                >()
                                .argument::<
                                    ::cluster_client::__private::Owned<__deregister_method, 1>,
                                >()
                                .result::<__deregister_method>()
                        },
                    )
                    .spawn()
                    .version("2"),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call
                                .args::<
                                    (
                                        ::cluster_client::__private::Owned<__deregister_method, 0>,
                                        ::cluster_client::__private::Owned<__deregister_method, 1>,
                                    ),
                                >()
                            {
                                ::core::result::Result::Ok(
                                    (
                                        ::cluster_client::__private::Owned(instance),
                                        ::cluster_client::__private::Owned(weight),
                                    ),
                                ) => {
                                    ::core::result::Result::Ok(
                                        ::cluster_client::__private::answer::<
                                            __deregister_method,
                                        >(deregister_on_client(&client.0, instance, weight).await),
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
                let _ = <Registry>::disconnect(&client.0).await;
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
    fn watch_on_client<'a>(
        client: &'a Registry,
        service: String,
    ) -> impl ::core::future::Future<
        Output = Result<Subscription<Instances>, RegistryError>,
    > + ::core::marker::Send + 'a {
        <Registry>::watch(client, service)
    }
    fn register_on_client<'a>(
        client: &'a Registry,
        instance: Instance,
        weight: u8,
    ) -> impl ::core::future::Future<
        Output = Result<(), RegistryError>,
    > + ::core::marker::Send + 'a {
        <Registry>::register(client, instance, weight)
    }
    fn deregister_on_client<'a>(
        client: &'a Registry,
        instance: Instance,
        weight: u8,
    ) -> impl ::core::future::Future<
        Output = Result<(), RegistryError>,
    > + ::core::marker::Send + 'a {
        <Registry>::deregister(client, instance, weight)
    }
    fn deregister_on_leader(
        client: ::cluster_client::__private::Arc<__RegistryClient>,
        _: ::cluster_client::__private::CallContext,
        (
            ::cluster_client::__private::Owned(instance),
            ::cluster_client::__private::Owned(weight),
        ): (
            ::cluster_client::__private::Owned<__deregister_method, 0>,
            ::cluster_client::__private::Owned<__deregister_method, 1>,
        ),
    ) -> ::cluster_client::__private::BoxFuture<
        'static,
        ::cluster_client::__private::Answer<__deregister_method>,
    > {
        ::cluster_client::__private::Box::pin(async move {
            ::cluster_client::__private::answer::<
                __deregister_method,
            >(deregister_on_client(&client.0, instance, weight).await)
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
        ///Calls `Registry::watch` of the real client.
        pub async fn watch(
            &self,
            service: String,
        ) -> Result<Subscription<Instances>, RegistryError> {
            ::cluster_client::__private::subscribe::<
                __watch_method,
                _,
                _,
            >(
                    &self.0,
                    __RegistryMethod::watch as usize,
                    (::cluster_client::__private::Owned::<__watch_method, 0>(service),),
                )
                .await
        }
        ///Calls `Registry::register` of the real client.
        pub async fn register(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::result::<
                __register_method,
            >(
                ::cluster_client::__private::publish(
                        &self.0,
                        __RegistryMethod::register as usize,
                        (
                            ::cluster_client::__private::Owned::<
                                __register_method,
                                0,
                            >(instance),
                            ::cluster_client::__private::Owned::<
                                __register_method,
                                1,
                            >(weight),
                        ),
                    )
                    .await,
            )
        }
        ///Calls `Registry::deregister` of the real client.
        async fn deregister(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::result::<
                __deregister_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __RegistryMethod::deregister as usize,
                        (
                            ::cluster_client::__private::Owned::<
                                __deregister_method,
                                0,
                            >(instance),
                            ::cluster_client::__private::Owned::<
                                __deregister_method,
                                1,
                            >(weight),
                        ),
                        deregister_on_leader,
                    )
                    .await,
            )
        }
        ///Calls `Registry::disconnect` of the real client.
        pub async fn disconnect(&self) {
            ::cluster_client::__private::close(&self.0).await
        }
    }
    impl RegistryLeader {
        ///Calls `Registry::watch` of the real client.
        pub async fn watch(
            &self,
            service: String,
        ) -> Result<Subscription<Instances>, RegistryError> {
            ::cluster_client::__private::subscribe::<
                __watch_method,
                _,
                _,
            >(
                    &self.0,
                    __RegistryMethod::watch as usize,
                    (::cluster_client::__private::Owned::<__watch_method, 0>(service),),
                )
                .await
        }
        ///Calls `Registry::register` of the real client.
        pub async fn register(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::result::<
                __register_method,
            >(
                ::cluster_client::__private::publish(
                        &self.0,
                        __RegistryMethod::register as usize,
                        (
                            ::cluster_client::__private::Owned::<
                                __register_method,
                                0,
                            >(instance),
                            ::cluster_client::__private::Owned::<
                                __register_method,
                                1,
                            >(weight),
                        ),
                    )
                    .await,
            )
        }
        ///Calls `Registry::deregister` of the real client.
        async fn deregister(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::result::<
                __deregister_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __RegistryMethod::deregister as usize,
                        (
                            ::cluster_client::__private::Owned::<
                                __deregister_method,
                                0,
                            >(instance),
                            ::cluster_client::__private::Owned::<
                                __deregister_method,
                                1,
                            >(weight),
                        ),
                        deregister_on_leader,
                    )
                    .await,
            )
        }
        ///Calls `Registry::disconnect` of the real client.
        pub async fn disconnect(&self) {
            ::cluster_client::__private::close(&self.0).await
        }
    }
    impl RegistryFollower {
        ///Calls `Registry::watch` of the real client.
        pub async fn watch(
            &self,
            service: String,
        ) -> Result<Subscription<Instances>, RegistryError> {
            ::cluster_client::__private::subscribe::<
                __watch_method,
                _,
                _,
            >(
                    &self.0,
                    __RegistryMethod::watch as usize,
                    (::cluster_client::__private::Owned::<__watch_method, 0>(service),),
                )
                .await
        }
        ///Calls `Registry::register` of the real client.
        pub async fn register(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::result::<
                __register_method,
            >(
                ::cluster_client::__private::publish(
                        &self.0,
                        __RegistryMethod::register as usize,
                        (
                            ::cluster_client::__private::Owned::<
                                __register_method,
                                0,
                            >(instance),
                            ::cluster_client::__private::Owned::<
                                __register_method,
                                1,
                            >(weight),
                        ),
                    )
                    .await,
            )
        }
        ///Calls `Registry::deregister` of the real client.
        async fn deregister(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::result::<
                __deregister_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __RegistryMethod::deregister as usize,
                        (
                            ::cluster_client::__private::Owned::<
                                __deregister_method,
                                0,
                            >(instance),
                            ::cluster_client::__private::Owned::<
                                __deregister_method,
                                1,
                            >(weight),
                        ),
                        deregister_on_leader,
                    )
                    .await,
            )
        }
        ///Calls `Registry::disconnect` of the real client.
        pub async fn disconnect(&self) {
            ::cluster_client::__private::close(&self.0).await
        }
    }
};
