#[async_trait]
pub(crate) trait Directory: Send + Sync {
    async fn look_up(&self, service: &str) -> Result<Vec<String>, Error>;
    async fn touch(&self, service: &str);
    fn touch_now(&self, service: &str) -> Result<(), Error>;
    async fn leave(&self) -> Result<(), Error>;
    async fn first(&self) -> Result<Option<String>, Error> {
        Ok(None)
    }
}
///`Directory`, shared by all processes: each call goes to the one real client, wherever it is.
#[allow(dead_code, nonstandard_style, private_interfaces, unreachable_pub)]
pub(crate) struct SharedProxy(::cluster_client::__private::Proxy<SharedProxy>);
///A [`SharedProxy`] in the process that holds the real client.
#[allow(dead_code, nonstandard_style, private_interfaces, unreachable_pub)]
pub(crate) struct SharedLeader(::cluster_client::__private::LeaderProxy<SharedProxy>);
///A [`SharedProxy`] in a process that another one leads.
#[allow(dead_code, nonstandard_style, private_interfaces, unreachable_pub)]
pub(crate) struct SharedFollower(
    ::cluster_client::__private::FollowerProxy<SharedProxy>,
);
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
    enum __SharedMethod {
        look_up,
        touch,
        touch_now,
    }
    enum __look_up_method {}
    impl ::cluster_client::__private::Returns for __look_up_method {
        type Ok = <Result<
            Vec<String>,
            Error,
        > as ::cluster_client::__private::Fallible>::Ok;
    }
    impl ::cluster_client::__private::Fails for __look_up_method {
        type Err = <Result<
            Vec<String>,
            Error,
        > as ::cluster_client::__private::Fallible>::Err;
    }
    enum __touch_method {}
    impl ::cluster_client::__private::Returns for __touch_method {
        type Ok = ();
    }
    impl ::cluster_client::__private::Fails for __touch_method {
        type Err = ::cluster_client::__private::Error;
    }
    enum __touch_now_method {}
    impl ::cluster_client::__private::Returns for __touch_now_method {
        type Ok = <Result<(), Error> as ::cluster_client::__private::Fallible>::Ok;
    }
    impl ::cluster_client::__private::Fails for __touch_now_method {
        type Err = <Result<(), Error> as ::cluster_client::__private::Fallible>::Err;
    }
    impl ::cluster_client::__private::Service for SharedProxy {
        type Client = dyn Directory;
        const CHANNEL: &'static str = "directory";
        const METHODS: &'static [::cluster_client::__private::Method<dyn Directory>] = &[
            ::cluster_client::__private::Method::invoke(
                ::cluster_client::__private::MethodInfo::new(
                    "lookUp",
                    "(&str) -> Result<Vec<String>, Error>",
                    ::cluster_client::__private::invoke_object!("lookUp", 1, false),
                    |shape| {
                        shape
                            .argument::<::std::string::String>()
                            .result::<__look_up_method>()
                    },
                ),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call
                                .args::<(::cluster_client::__private::BorrowedStr<'_>,)>()
                            {
                                ::core::result::Result::Ok((service,)) => {
                                    ::core::result::Result::Ok(
                                        ::cluster_client::__private::answer::<
                                            __look_up_method,
                                        >(look_up_on_client(&*client, &service).await),
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
                        "(&str)",
                        ::cluster_client::__private::invoke_object!("touch", 1, true),
                        |shape| shape.argument::<::std::string::String>(),
                    )
                    .oneway(),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call
                                .args::<(::cluster_client::__private::BorrowedStr<'_>,)>()
                            {
                                ::core::result::Result::Ok((service,)) => {
                                    ::core::result::Result::Ok(
                                        ::cluster_client::__private::answer::<
                                            __touch_method,
                                        >(
                                            ::core::result::Result::Ok::<
                                                _,
                                                ::cluster_client::__private::Error,
                                            >(touch_on_client(&*client, &service).await),
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
                        "touchNow",
                        "(&str) -> Result<(), Error>",
                        ::cluster_client::__private::invoke_object!("touchNow", 1, true),
                        |shape| shape.argument::<::std::string::String>(),
                    )
                    .oneway(),
                |client, call, slot| {
                    slot
                        .run(async move {
                            let result = match call
                                .args::<(::cluster_client::__private::BorrowedStr<'_>,)>()
                            {
                                ::core::result::Result::Ok((service,)) => {
                                    ::core::result::Result::Ok(
                                        ::cluster_client::__private::answer::<
                                            __touch_now_method,
                                        >(
                                            <dyn Directory as Directory>::touch_now(&*client, &service),
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
            client: ::cluster_client::__private::Arc<dyn Directory>,
        ) -> ::cluster_client::__private::BoxFuture<'static, ()> {
            ::cluster_client::__private::Box::pin(async move {
                let _ = <dyn Directory as Directory>::leave(&*client).await;
                ::core::mem::drop(client);
            })
        }
    }
    impl<
        T: Directory + 'static,
    > ::cluster_client::__private::Accept<T, ::cluster_client::__private::ByValue>
    for SharedProxy {
        fn accept(client: T) -> ::cluster_client::__private::Arc<dyn Directory> {
            ::cluster_client::__private::Arc::new(client)
        }
    }
    impl ::cluster_client::__private::Accept<
        ::cluster_client::__private::Arc<dyn Directory>,
        ::cluster_client::__private::Shared,
    > for SharedProxy {
        fn accept(
            client: ::cluster_client::__private::Arc<dyn Directory>,
        ) -> ::cluster_client::__private::Arc<dyn Directory> {
            client
        }
    }
    fn look_up_on_client<'a>(
        client: &'a (dyn Directory + 'static),
        service: &'a str,
    ) -> impl ::core::future::Future<
        Output = Result<Vec<String>, Error>,
    > + ::core::marker::Send + 'a {
        <dyn Directory as Directory>::look_up(client, service)
    }
    fn touch_on_client<'a>(
        client: &'a (dyn Directory + 'static),
        service: &'a str,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send + 'a {
        <dyn Directory as Directory>::touch(client, service)
    }
    fn look_up_on_leader<'a>(
        client: ::cluster_client::__private::Arc<dyn Directory>,
        _: ::cluster_client::__private::CallContext,
        (service,): (&'a str,),
    ) -> ::cluster_client::__private::BoxFuture<
        'a,
        ::cluster_client::__private::Answer<__look_up_method>,
    > {
        ::cluster_client::__private::Box::pin(async move {
            ::cluster_client::__private::answer::<
                __look_up_method,
            >(look_up_on_client(&*client, service).await)
        })
    }
    impl ::core::clone::Clone for SharedProxy {
        fn clone(&self) -> Self {
            Self(::core::clone::Clone::clone(&self.0))
        }
    }
    impl ::core::fmt::Debug for SharedProxy {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("SharedProxy").finish_non_exhaustive()
        }
    }
    impl ::core::clone::Clone for SharedLeader {
        fn clone(&self) -> Self {
            Self(::core::clone::Clone::clone(&self.0))
        }
    }
    impl ::core::fmt::Debug for SharedLeader {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("SharedLeader").finish_non_exhaustive()
        }
    }
    impl ::core::clone::Clone for SharedFollower {
        fn clone(&self) -> Self {
            Self(::core::clone::Clone::clone(&self.0))
        }
    }
    impl ::core::fmt::Debug for SharedFollower {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("SharedFollower").finish_non_exhaustive()
        }
    }
    impl SharedProxy {
        /// How this process takes part: set what differs from the defaults, then start.
        pub fn builder() -> ::cluster_client::__private::Builder<SharedProxy> {
            ::cluster_client::__private::Proxy::builder()
        }
        /// The role of this process, who leads, what happens; and how to leave.
        pub fn membership(&self) -> &::cluster_client::__private::Membership {
            self.0.membership()
        }
        /// The proxy of the leader, if this process leads now.
        pub fn as_leader(&self) -> ::core::option::Option<SharedLeader> {
            self.0.as_leader().map(SharedLeader)
        }
        /// The proxy of a follower, if another process leads now.
        pub fn as_follower(&self) -> ::core::option::Option<SharedFollower> {
            self.0.as_follower().map(SharedFollower)
        }
    }
    impl SharedLeader {
        /// The real client.
        pub fn client(&self) -> &(dyn Directory + 'static) {
            self.0.client()
        }
    }
    #[async_trait]
    impl Directory for SharedProxy {
        async fn look_up(&self, service: &str) -> Result<Vec<String>, Error> {
            ::cluster_client::__private::result::<
                __look_up_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __SharedMethod::look_up as usize,
                        (service,),
                        look_up_on_leader,
                    )
                    .await,
            )
        }
        async fn touch(&self, service: &str) {
            ::core::mem::drop(
                ::cluster_client::__private::oneway(
                    &self.0,
                    __SharedMethod::touch as usize,
                    (service,),
                ),
            );
        }
        fn touch_now(&self, service: &str) -> Result<(), Error> {
            ::cluster_client::__private::queued::<
                __touch_now_method,
            >(
                ::cluster_client::__private::oneway(
                    &self.0,
                    __SharedMethod::touch_now as usize,
                    (service,),
                ),
            )
        }
        async fn leave(&self) -> Result<(), Error> {
            ::core::result::Result::Ok(::cluster_client::__private::close(&self.0).await)
        }
    }
    #[async_trait]
    impl Directory for SharedLeader {
        async fn look_up(&self, service: &str) -> Result<Vec<String>, Error> {
            ::cluster_client::__private::result::<
                __look_up_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __SharedMethod::look_up as usize,
                        (service,),
                        look_up_on_leader,
                    )
                    .await,
            )
        }
        async fn touch(&self, service: &str) {
            ::core::mem::drop(
                ::cluster_client::__private::oneway(
                    &self.0,
                    __SharedMethod::touch as usize,
                    (service,),
                ),
            );
        }
        fn touch_now(&self, service: &str) -> Result<(), Error> {
            ::cluster_client::__private::queued::<
                __touch_now_method,
            >(
                ::cluster_client::__private::oneway(
                    &self.0,
                    __SharedMethod::touch_now as usize,
                    (service,),
                ),
            )
        }
        async fn leave(&self) -> Result<(), Error> {
            ::core::result::Result::Ok(::cluster_client::__private::close(&self.0).await)
        }
    }
    #[async_trait]
    impl Directory for SharedFollower {
        async fn look_up(&self, service: &str) -> Result<Vec<String>, Error> {
            ::cluster_client::__private::result::<
                __look_up_method,
            >(
                ::cluster_client::__private::invoke(
                        &self.0,
                        __SharedMethod::look_up as usize,
                        (service,),
                        look_up_on_leader,
                    )
                    .await,
            )
        }
        async fn touch(&self, service: &str) {
            ::core::mem::drop(
                ::cluster_client::__private::oneway(
                    &self.0,
                    __SharedMethod::touch as usize,
                    (service,),
                ),
            );
        }
        fn touch_now(&self, service: &str) -> Result<(), Error> {
            ::cluster_client::__private::queued::<
                __touch_now_method,
            >(
                ::cluster_client::__private::oneway(
                    &self.0,
                    __SharedMethod::touch_now as usize,
                    (service,),
                ),
            )
        }
        async fn leave(&self) -> Result<(), Error> {
            ::core::result::Result::Ok(::cluster_client::__private::close(&self.0).await)
        }
    }
};
