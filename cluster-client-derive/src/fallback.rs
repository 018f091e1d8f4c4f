//! What is written out beside the messages, so that one mistake does not make a hundred: the user's
//! item, and types under the generated names that code elsewhere can go on using.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{ItemTrait, TraitItem};

use crate::expand;
use crate::model::{Client, Item};
use crate::types::borrow_in;

/// For what is neither an impl nor a trait.
pub(crate) fn unparsed(error: &syn::Error, item: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}

pub(crate) fn client(error: &syn::Error, client: Option<&Client>, item: Item) -> TokenStream {
    let error = error.to_compile_error();
    let types = client.map(|client| {
        let types = expand::types(client);
        let rest = expand::silent(&client.cfgs, &stand_ins(client, &item));
        quote!(#types #rest)
    });
    // Without `#[async_trait]` the compiler has something of its own to say.
    let allow = matches!(item, Item::Trait(_)).then(|| quote!(#[allow(async_fn_in_trait)]));
    let item = item.stripped();
    quote!(#error #allow #item #types)
}

/// Every generated type starts, has the user's methods, and does nothing.
fn stand_ins(client: &Client, item: &Item) -> TokenStream {
    let krate = &client.attr.krate;
    let private = quote!(#krate::__private);
    let (proxy, access) = (&client.names.proxy, expand::access(client));
    let methods = methods(client, item);
    quote! {
        impl #private::Service for #proxy {
            type Client = ();
            const CHANNEL: &'static str = "";
            const METHODS: &'static [#private::Method<()>] = &[];

            fn from_proxy(proxy: #private::Proxy<Self>) -> Self {
                Self(proxy)
            }

            fn close(_: #private::Arc<()>) -> #private::BoxFuture<'static, ::core::option::Option<#private::String>> {
                loop {}
            }
        }

        impl<T> #private::Accept<T, #private::ByValue> for #proxy {
            fn accept(_: T) -> #private::Arc<()> {
                loop {}
            }
        }

        #access
        #methods
    }
}

fn methods(client: &Client, item: &Item) -> TokenStream {
    let names = &client.names;
    let types = [&names.proxy, &names.leader, &names.follower];
    match item {
        // Methods with mistakes are there too: they are those of the user's own type.
        Item::Impl(item)
            if item.generics.params.is_empty() && borrow_in(&item.self_ty).is_none() =>
        {
            let real = &item.self_ty;
            let methods = types.map(|ty| {
                quote! {
                    impl ::core::ops::Deref for #ty {
                        type Target = #real;
                        fn deref(&self) -> &#real {
                            loop {}
                        }
                    }
                    impl #ty {
                        pub fn client(&self) -> &#real {
                            loop {}
                        }
                    }
                }
            });
            quote!(#(#methods)*)
        }
        Item::Trait(item) if item.generics.params.is_empty() && has_methods_only(item) => {
            let implemented = types.map(|ty| implemented(item, ty));
            quote!(#(#implemented)*)
        }
        _ => TokenStream::new(),
    }
}

fn has_methods_only(item: &ItemTrait) -> bool {
    let is_method = |item| matches!(item, &TraitItem::Fn(_));
    item.items.iter().all(is_method)
}

fn implemented(item: &ItemTrait, ty: &impl ToTokens) -> TokenStream {
    let (unsafety, name) = (&item.unsafety, &item.ident);
    let async_trait = crate::model::async_trait(item);
    let methods = item.items.iter().filter_map(|item| match item {
        TraitItem::Fn(method) if method.default.is_none() => {
            let cfgs = method.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
            let sig = &method.sig;
            Some(quote!(#(#cfgs)* #sig { loop {} }))
        }
        _ => None,
    });
    quote! {
        #[allow(unused_variables)]
        #async_trait
        #unsafety impl #name for #ty { #(#methods)* }
    }
}
