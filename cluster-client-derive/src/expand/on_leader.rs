//! A leader's own call: no bytes.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Lifetime;

use super::service::called;
use super::{here, names, private, real_client, result_type, tuple};
use crate::attr::Role;
use crate::model::{Arg, Client, Method, Passing};

pub(super) fn name(method: &Method) -> Ident {
    format_ident!("{}_on_leader", method.ident())
}

/// The function that a leader's own call goes through: no bytes. Only a call with one answer has
/// it; one-way calls, publications and subscriptions are the same on every role.
pub(super) fn function(client: &Client, method: &Method) -> TokenStream {
    if !matches!(method.attr.role, Role::Invoke) {
        return TokenStream::new();
    }
    let span = here(method.ident());
    let (cfgs, private, real) = (&method.cfgs, private(client, span), real_client(client));
    let (name, names, result) = (name(method), names(method), result_type(client, method));
    let is_borrowed = |arg: &Arg| !matches!(arg.passing, Passing::Owned);
    let lifetime = match method.args.iter().any(is_borrowed) {
        true => Lifetime::new("'a", span),
        false => Lifetime::new("'static", span),
    };
    let generics = (lifetime.ident != "static").then(|| quote_spanned!(span=> <#lifetime>));
    let types = tuple(method, method.args.iter().map(|arg| local_type(arg, &lifetime)));
    let cx = match method.context {
        true => quote_spanned!(span=> cx),
        false => quote_spanned!(span=> _),
    };
    let context = method.context.then(|| quote_spanned!(span=> cx,));
    let args = method.args.iter().map(|arg| &arg.ident);
    let called = called(client, method, &quote!(#context #(#args,)*));
    quote_spanned! {span=>
        #(#cfgs)*
        fn #name #generics(
            client: #private::Arc<#real>,
            #cx: #private::CallContext,
            #names: #types,
        ) -> #private::BoxFuture<#lifetime, #result> {
            #private::Box::pin(async move { #called })
        }
    }
}

/// A borrowed argument lives as long as the call.
fn local_type(arg: &Arg, lifetime: &Lifetime) -> TokenStream {
    match &arg.passing {
        Passing::Owned => {
            let ty = &arg.ty;
            quote!(#ty)
        }
        Passing::Str => quote!(&#lifetime str),
        Passing::Ref(ty) => quote!(&#lifetime #ty),
    }
}
