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
                                .argument::<String>()
                                .events::<Result<Subscription<Instances>, RegistryError>>()
                        },
                    )
                    .delivers(
                        <Instances as ::cluster_client::__private::Subscribe>::OPTIONS,
                    ),
                |client, call| ::cluster_client::__private::Box::pin(async move {
                    let result = match call.args::<(String,)>() {
                        ::core::result::Result::Ok((service,)) => {
                            ::core::result::Result::Ok(
                                <Registry>::watch(&client.0, service).await,
                            )
                        }
                        ::core::result::Result::Err(error) => {
                            ::core::result::Result::Err(error)
                        }
                    };
                    call.opened(result)
                }),
                |call| {
                    let (service,) = call.args::<(String,)>()?;
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
                                .argument::<Instance>()
                                .argument::<u8>()
                                .result::<Result<(), RegistryError>>()
                        },
                    )
                    .undo(__RegistryMethod::deregister as usize),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call.args::<(Instance, u8)>() {
                                ::core::result::Result::Ok((instance, weight)) => {
                                    ::core::result::Result::Ok(
                                        <Registry>::register(&client.0, instance, weight).await,
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
                    let (instance, _) = call.args::<(Instance, u8)>()?;
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
                                .argument::<Instance>()
                                .argument::<u8>()
                                .result::<Result<(), RegistryError>>()
                        },
                    )
                    .spawn()
                    .version("2"),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call.args::<(Instance, u8)>() {
                                ::core::result::Result::Ok((instance, weight)) => {
                                    ::core::result::Result::Ok(
                                        <Registry>::deregister(&client.0, instance, weight).await,
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
    fn deregister_on_leader(
        client: ::cluster_client::__private::Arc<__RegistryClient>,
        _: ::cluster_client::__private::CallContext,
        (instance, weight): (Instance, u8),
    ) -> ::cluster_client::__private::BoxFuture<'static, Result<(), RegistryError>> {
        ::cluster_client::__private::Box::pin(async move {
            <Registry>::deregister(&client.0, instance, weight).await
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
            ::cluster_client::__private::subscribe(
                    &self.0,
                    __RegistryMethod::watch as usize,
                    (service,),
                )
                .await
        }
        ///Calls `Registry::register` of the real client.
        pub async fn register(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::publish(
                    &self.0,
                    __RegistryMethod::register as usize,
                    (instance, weight),
                )
                .await
        }
        ///Calls `Registry::deregister` of the real client.
        async fn deregister(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::invoke(
                    &self.0,
                    __RegistryMethod::deregister as usize,
                    (instance, weight),
                    deregister_on_leader,
                )
                .await
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
            ::cluster_client::__private::subscribe(
                    &self.0,
                    __RegistryMethod::watch as usize,
                    (service,),
                )
                .await
        }
        ///Calls `Registry::register` of the real client.
        pub async fn register(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::publish(
                    &self.0,
                    __RegistryMethod::register as usize,
                    (instance, weight),
                )
                .await
        }
        ///Calls `Registry::deregister` of the real client.
        async fn deregister(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::invoke(
                    &self.0,
                    __RegistryMethod::deregister as usize,
                    (instance, weight),
                    deregister_on_leader,
                )
                .await
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
            ::cluster_client::__private::subscribe(
                    &self.0,
                    __RegistryMethod::watch as usize,
                    (service,),
                )
                .await
        }
        ///Calls `Registry::register` of the real client.
        pub async fn register(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::publish(
                    &self.0,
                    __RegistryMethod::register as usize,
                    (instance, weight),
                )
                .await
        }
        ///Calls `Registry::deregister` of the real client.
        async fn deregister(
            &self,
            instance: Instance,
            weight: u8,
        ) -> Result<(), RegistryError> {
            ::cluster_client::__private::invoke(
                    &self.0,
                    __RegistryMethod::deregister as usize,
                    (instance, weight),
                    deregister_on_leader,
                )
                .await
        }
        ///Calls `Registry::disconnect` of the real client.
        pub async fn disconnect(&self) {
            ::cluster_client::__private::close(&self.0).await
        }
    }
};
