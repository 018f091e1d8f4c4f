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
    impl ::cluster_client::__private::Subscribe for Price {
        const OPTIONS: ::cluster_client::__private::EventOptions = ::cluster_client::__private::EventOptions::new(
            ::cluster_client::__private::Delivery::Latest,
            ::cluster_client::__private::Receivers::All,
        );
        fn item_key(&self) -> ::core::option::Option<::std::string::String> {
            ::cluster_client::__private::key(&(&self.symbol,)).ok()
        }
    }
};
