//! The calls of the real client, on the leader.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Lifetime;

use super::signature::{self, sent_types};
use super::{here, private, real_client, real_method, this, tuple};
use crate::attr::Role;
use crate::model::{Arg, Client, Form, Method, Output, Passing};

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
    let (name, this) = (name(method), signature::name(method));
    let is_borrowed = |arg: &Arg| !matches!(arg.passing, Passing::Owned);
    let lifetime = match method.args.iter().any(is_borrowed) {
        true => Lifetime::new("'a", span),
        false => Lifetime::new("'static", span),
    };
    let generics = (lifetime.ident != "static").then(|| quote_spanned!(span=> <#lifetime>));
    let types = sent_types(client, method, &lifetime);
    let names = tuple(
        method,
        method.args.iter().map(|arg| {
            let ident = &arg.ident;
            match &arg.passing {
                Passing::Str => quote!(#ident),
                Passing::Owned => quote_spanned!(span=> #private::Owned(#ident)),
                Passing::Ref(_) => quote_spanned!(span=> #private::Borrowed(#ident)),
            }
        }),
    );
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
        ) -> #private::BoxFuture<#lifetime, #private::Answer<#this>> {
            #private::Box::pin(async move { #called })
        }
    }
}

/// The call of the real client's method with `args`, as its answer.
pub(super) fn called(client: &Client, method: &Method, args: &TokenStream) -> TokenStream {
    let span = here(method.ident());
    let (private, this) = (private(client, span), this(client, span));
    let called = if method.is_async() {
        let future = future_name(method);
        quote_spanned!(span=> #future(#this, #args).await)
    } else {
        let real = real_method(client, method);
        quote_spanned!(span=> #real(#this, #args))
    };
    let result = match &method.output {
        Output::Result(_) => called,
        Output::Value(_) | Output::Unit => {
            quote_spanned!(span=> ::core::result::Result::Ok::<_, #private::Error>(#called))
        }
    };
    match &method.attr.role {
        Role::Subscribe => result,
        _ => {
            let this = signature::name(method);
            quote_spanned!(span=> #private::answer::<#this>(#result))
        }
    }
}

fn future_name(method: &Method) -> Ident {
    format_ident!("{}_on_client", method.ident())
}

/// The function that makes the real client's future: that it must be `Send` is said here and nowhere else.
pub(super) fn future(client: &Client, method: &Method) -> TokenStream {
    if !method.is_remote() || !method.is_async() {
        return TokenStream::new();
    }
    let span = here(method.ident());
    let (cfgs, name, private) = (&method.cfgs, future_name(method), private(client, span));
    let real = match &client.form {
        Form::Impl(ty) => quote!(#ty),
        Form::Trait(name, _) => quote_spanned!(span=> (dyn #name + 'static)),
    };
    let lifetime = Lifetime::new("'a", span);
    let args = method.args.iter().map(|arg| {
        let ident = &arg.ident;
        match &arg.passing {
            Passing::Owned => {
                let ty = &arg.ty;
                quote!(#ident: #ty)
            }
            Passing::Str => quote_spanned!(span=> #ident: &#lifetime str),
            Passing::Ref(ty) => quote_spanned!(span=> #ident: &#lifetime #ty),
        }
    });
    let names = method.args.iter().map(|arg| &arg.ident);
    let cx_type = method.context.then(|| quote_spanned!(span=> cx: #private::CallContext,));
    let cx = method.context.then(|| quote_spanned!(span=> cx,));
    let output = match &method.output {
        Output::Unit => quote_spanned!(span=> ()),
        Output::Value(ty) | Output::Result(ty) => quote!(#ty),
    };
    let method = real_method(client, method);
    quote_spanned! {span=>
        #(#cfgs)*
        fn #name<#lifetime>(client: &#lifetime #real, #cx_type #(#args,)*)
            -> impl ::core::future::Future<Output = #output> + ::core::marker::Send + #lifetime
        {
            #method(client, #cx #(#names,)*)
        }
    }
}
