//! What is written out, for an item without mistakes.
//!
//! All tokens have mixed-site hygiene, so that no name of ours meets one of the user's, and the
//! location of the method they are for, so that the compiler's messages point there.

mod event;
mod on_leader;
mod proxy;
mod service;
mod signature;
mod trait_form;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Attribute;
use syn::spanned::Spanned as _;

pub(crate) use self::event::event;
pub(crate) use self::proxy::{access, types};
use crate::model::{Client, Form, Item, Method, Output};

pub(crate) fn client(client: &Client, item: Item) -> TokenStream {
    let types = types(client);
    let item = item.stripped();
    let index = index(client);
    let real = service::real_client(client);
    let service = service::service(client);
    let access = access(client);
    let leader_access = proxy::leader_access(client);
    let signatures = client.methods.iter().map(|method| signature::definition(client, method));
    let futures = client.methods.iter().map(|method| on_leader::future(client, method));
    let local = client.methods.iter().map(|method| on_leader::function(client, method));
    let methods = match &client.form {
        Form::Impl(_) => proxy::methods(client),
        Form::Trait(name, attribute) => trait_form::methods(client, name, attribute.as_ref()),
    };
    let body = quote! {
        #index #real #(#signatures)* #service #(#futures)* #(#local)* #access #leader_access #methods
    };
    let body = silent(&client.cfgs, &body);
    quote!(#item #types #body)
}

/// Items in a scope of their own, where the user's lints have no say.
pub(crate) fn silent(cfgs: &[Attribute], items: &TokenStream) -> TokenStream {
    quote! {
        #(#cfgs)*
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
        const _: () = { #items };
    }
}

/// Numbers the methods: a `#[cfg]` on a variant moves those after it.
fn index(client: &Client) -> TokenStream {
    let index = &client.names.index;
    let variants = client.methods.iter().filter(|method| method.is_remote()).map(|method| {
        let (cfgs, ident) = (&method.cfgs, method.ident());
        quote!(#(#cfgs)* #ident)
    });
    quote!(enum #index { #(#variants,)* })
}

/// `__RegistryMethod::lookup as usize`.
fn number(client: &Client, method: &Method, span: Span) -> TokenStream {
    let (mut index, mut ident) = (client.names.index.clone(), method.ident().clone());
    index.set_span(index.span().located_at(span));
    ident.set_span(ident.span().located_at(span));
    quote_spanned!(span=> #index::#ident as usize)
}

/// `::cluster_client::__private`, at `span`.
fn private(client: &Client, span: Span) -> TokenStream {
    let krate = client.attr.krate.to_token_stream().into_iter().map(|mut token| {
        token.set_span(token.span().located_at(span));
        token
    });
    quote_spanned!(span=> #(#krate)*::__private)
}

/// The run time's name for the real client: `__RegistryClient` or `dyn Registry`.
fn real_client(client: &Client) -> TokenStream {
    match &client.form {
        Form::Impl(_) => client.names.real.to_token_stream(),
        Form::Trait(name, _) => quote!(dyn #name),
    }
}

/// `<Registry>::lookup` or `<dyn Registry as Registry>::lookup`.
fn real_method(client: &Client, method: &Method) -> TokenStream {
    let ident = method.ident();
    let span = here(ident);
    match &client.form {
        Form::Impl(ty) => quote_spanned!(span=> <#ty>::#ident),
        Form::Trait(name, _) => quote_spanned!(span=> <dyn #name as #name>::#ident),
    }
}

/// The real client behind `client`, as `&self`.
fn this(client: &Client, span: Span) -> TokenStream {
    match &client.form {
        Form::Impl(_) => quote_spanned!(span=> &client.0),
        Form::Trait(..) => quote_spanned!(span=> &*client),
    }
}

/// `(a, b,)`.
fn tuple(method: &Method, items: impl IntoIterator<Item = impl ToTokens>) -> TokenStream {
    let items = items.into_iter();
    quote_spanned!(here(method.ident())=> (#(#items,)*))
}

/// The return type as a `Result`, which it becomes on its way; an infallible one gets our error.
fn result_type(client: &Client, method: &Method) -> TokenStream {
    let span = output_span(method);
    let private = private(client, span);
    match &method.output {
        Output::Result(ty) => ty.to_token_stream(),
        Output::Value(ty) => quote_spanned!(span=> ::core::result::Result<#ty, #private::Error>),
        Output::Unit => quote_spanned!(span=> ::core::result::Result<(), #private::Error>),
    }
}

/// Our names at the user's token.
fn here(tokens: &impl ToTokens) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

/// Where the compiler shows what is wrong with the return type: at the error type if that is
/// written.
fn output_span(method: &Method) -> Span {
    match &method.output {
        Output::Result(ty) => match crate::types::type_argument(ty, 1) {
            Some(error) => here(error),
            None => here(ty),
        },
        Output::Value(ty) => here(ty),
        Output::Unit => here(method.ident()),
    }
}
