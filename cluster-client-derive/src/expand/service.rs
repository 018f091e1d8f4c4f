//! The leader's side: from the number of a method to the real client's method.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};

use super::signature::{self, decoded_types};
use super::{here, number, on_leader, private, real_method, this, tuple};
use crate::attr::Role;
use crate::attr::key::KeyPart;
use crate::model::{Arg, Client, Form, Method, Output, Passing};
use crate::types::text;

/// In the impl form: a type as public as the proxies, around one that may be private. The proxies show the client's
/// type in `Service::Client`, where the compiler allows no private one; the price is one more pointer to follow.
pub(super) fn real_client(client: &Client) -> TokenStream {
    let Form::Impl(ty) = &client.form else {
        return TokenStream::new();
    };
    let real = &client.names.real;
    let span = here(ty);
    let private = private(client, span);
    quote_spanned!(span=> pub struct #real(#private::Arc<#ty>);)
}

/// `impl Service for RegistryProxy`, and what a factory may return.
pub(super) fn service(client: &Client) -> TokenStream {
    let span = here(&client.names.proxy);
    let (proxy, private) = (&client.names.proxy, private(client, span));
    let (channel, real) = (&client.channel, super::real_client(client));
    let remote = client.methods.iter().filter(|method| method.is_remote());
    let entries = remote.map(|method| entry(client, method));
    let closes = client.methods.iter().filter(|method| !method.is_remote()).map(|method| {
        let (cfgs, close) = (&method.cfgs, real_method(client, method));
        let this = this(client, span);
        quote_spanned!(span=> #(#cfgs)* #private::Closed::error(#close(#this).await))
    });
    let accept = accept(client);
    quote_spanned! {span=>
        impl #private::Service for #proxy {
            type Client = #real;
            const CHANNEL: &'static str = #channel;
            const METHODS: &'static [#private::Method<#real>] = &[#(#entries,)*];

            fn from_proxy(proxy: #private::Proxy<Self>) -> Self {
                Self(proxy)
            }

            fn close(client: #private::Arc<#real>) -> #private::BoxFuture<'static, ::core::option::Option<#private::String>> {
                #private::Box::pin(async move {
                    let errors = [#(#closes,)*];
                    ::core::mem::drop(client);
                    #private::error(errors)
                })
            }
        }

        #accept
    }
}

fn accept(client: &Client) -> TokenStream {
    let span = here(&client.names.proxy);
    let (proxy, private) = (&client.names.proxy, private(client, span));
    match &client.form {
        Form::Impl(ty) => {
            let real = &client.names.real;
            quote_spanned! {span=>
                impl #private::Accept<#ty, #private::ByValue> for #proxy {
                    fn accept(client: #ty) -> #private::Arc<#real> {
                        #private::Arc::new(#real(#private::Arc::new(client)))
                    }
                }

                impl #private::Accept<#private::Arc<#ty>, #private::Shared> for #proxy {
                    fn accept(client: #private::Arc<#ty>) -> #private::Arc<#real> {
                        #private::Arc::new(#real(client))
                    }
                }
            }
        }
        Form::Trait(name, _) => quote_spanned! {span=>
            impl<T: #name + 'static> #private::Accept<T, #private::ByValue> for #proxy {
                fn accept(client: T) -> #private::Arc<dyn #name> {
                    #private::Arc::new(client)
                }
            }

            impl #private::Accept<#private::Arc<dyn #name>, #private::Shared> for #proxy {
                fn accept(client: #private::Arc<dyn #name>) -> #private::Arc<dyn #name> {
                    client
                }
            }
        },
    }
}

/// The method's element of `METHODS`.
fn entry(client: &Client, method: &Method) -> TokenStream {
    let span = here(method.ident());
    let (cfgs, private) = (&method.cfgs, private(client, span));
    let info = info(client, method);
    let run = run(client, method);
    let this = signature::name(method);
    let handler = quote_spanned! {span=>
        |client, call, slot| slot.run(async move {
            #run
            call.reply(result)
        })
    };
    let constructed = match &method.attr.role {
        Role::Subscribe => {
            let key = key(client, method, &[]);
            quote_spanned! {span=>
                #private::Method::subscribe(
                    #info,
                    |client, call| #private::Box::pin(async move {
                        #run
                        #private::opened::<#this>(call, result)
                    }),
                    #key,
                )
            }
        }
        Role::Publish(publish) => {
            let parts = publish.key.as_ref().map_or(&[][..], |key| &key.parts);
            let key = key(client, method, parts);
            quote_spanned!(span=> #private::Method::publish(#info, #handler, #key))
        }
        Role::Invoke | Role::Oneway | Role::Close => {
            quote_spanned!(span=> #private::Method::invoke(#info, #handler))
        }
    };
    quote!(#(#cfgs)* #constructed)
}

/// Name, signature, connection object and shape of the method, and its options.
fn info(client: &Client, method: &Method) -> TokenStream {
    let span = here(method.ident());
    let private = private(client, span);
    let (name, written, shape) = (&method.wire_name, written(method), shape(client, method));
    let count = Literal::usize_unsuffixed(method.args.len());
    let oneway = matches!(method.attr.role, Role::Oneway);

    let mut options = TokenStream::new();
    if oneway {
        options.extend(quote_spanned!(span=> .oneway()));
    }
    if method.attr.idempotent.is_some() {
        options.extend(quote_spanned!(span=> .idempotent()));
    }
    if method.attr.spawn {
        options.extend(quote_spanned!(span=> .spawn()));
    }
    if method.attr.name.is_some() {
        options.extend(quote_spanned!(span=> .named()));
    }
    if method.attr.default.is_some() {
        options.extend(quote_spanned!(span=> .default_of_its_kind()));
    }
    if let Some(millis) = method.attr.timeout_ms {
        let millis = Literal::u64_unsuffixed(millis);
        options.extend(quote_spanned!(span=> .timeout_ms(#millis)));
    }
    if let Some(version) = method.attr.version.as_ref().or(client.attr.version.as_ref()) {
        options.extend(quote_spanned!(span=> .version(#version)));
    }
    if let Role::Publish(publish) = &method.attr.role {
        if publish.event {
            options.extend(quote_spanned!(span=> .event()));
        }
        let undo =
            publish.undo.as_ref().and_then(|undo| Some((undo, client.named(&undo.value())?)));
        if let Some((written, undo)) = undo {
            // The method may be compiled out: that is a mistake in `undo`.
            let undo = number(client, undo, here(written));
            options.extend(quote_spanned!(span=> .undo(#undo)));
        }
    }
    if matches!(method.attr.role, Role::Subscribe) {
        let this = signature::name(method);
        options.extend(quote_spanned! {span=>
            .delivers(#private::events::<#this>())
        });
    }
    quote_spanned! {span=>
        #private::MethodInfo::new(
            #name,
            #written,
            #private::invoke_object!(#name, #count, #oneway),
            |shape| shape #shape,
        )
        #options
    }
}

/// `(&str, u32) -> Result<T, E>`: the types as written. Names of arguments may differ between
/// programs.
fn written(method: &Method) -> String {
    let args: Vec<String> = method.args.iter().map(|arg| text(&arg.ty)).collect();
    let output = match &method.output {
        Output::Unit => String::new(),
        Output::Value(ty) | Output::Result(ty) => format!(" -> {}", text(ty)),
    };
    format!("({}){output}", args.join(", "))
}

/// `.argument::<A>().result::<M>()`.
fn shape(client: &Client, method: &Method) -> TokenStream {
    let span = here(method.ident());
    let (private, this) = (private(client, span), signature::name(method));
    let args = method.args.iter().enumerate().map(|(index, arg)| match &arg.passing {
        Passing::Str => quote_spanned!(span=> .argument::<::std::string::String>()),
        Passing::Owned | Passing::Ref(_) => {
            let index = Literal::usize_unsuffixed(index);
            quote_spanned!(span=> .argument::<#private::Owned<#this, #index>>())
        }
    });
    let output = match (&method.attr.role, &method.output) {
        (Role::Oneway, _) => TokenStream::new(),
        (Role::Subscribe, _) => quote_spanned!(span=> .events::<#this>()),
        (_, Output::Unit | Output::Value(_)) => quote_spanned!(span=> .value::<#this>()),
        (_, Output::Result(_)) => quote_spanned!(span=> .result::<#this>()),
    };
    quote!(#(#args)* #output)
}

/// `let result = …;`: decodes the arguments of `call` and calls the real client.
fn run(client: &Client, method: &Method) -> TokenStream {
    let span = here(method.ident());
    let types = decoded_types(client, method);
    let names = tuple(method, method.args.iter().map(|arg| unwrapped(client, method, arg)));
    let args = method.args.iter().map(|arg| {
        let ident = &arg.ident;
        let span = here(ident);
        match &arg.passing {
            Passing::Owned => quote!(#ident),
            Passing::Str => quote_spanned!(span=> &#ident),
            Passing::Ref(ty) => {
                quote_spanned!(span=> ::core::borrow::Borrow::<#ty>::borrow(&#ident))
            }
        }
    });
    let context = method.context.then(|| quote_spanned!(span=> call.context(),));
    let called = on_leader::called(client, method, &quote!(#context #(#args,)*));
    quote_spanned! {span=>
        let result = match call.args::<#types>() {
            ::core::result::Result::Ok(#names) => ::core::result::Result::Ok(#called),
            ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
        };
    }
}

/// The pattern that a decoded argument is taken out of.
fn unwrapped(client: &Client, method: &Method, arg: &Arg) -> TokenStream {
    let ident = &arg.ident;
    match &arg.passing {
        Passing::Str => quote!(#ident),
        Passing::Owned | Passing::Ref(_) => {
            let span = here(method.ident());
            let private = private(client, span);
            quote_spanned!(span=> #private::Owned(#ident))
        }
    }
}

/// A closure from a call to its key; no `parts` are all arguments.
fn key(client: &Client, method: &Method, parts: &[KeyPart]) -> TokenStream {
    let span = here(method.ident());
    let private = private(client, span);
    let types = decoded_types(client, method);
    // What is taken whole stays in the form that is known to be serialisable.
    let is_opened =
        |arg: &Arg| parts.iter().any(|part| part.argument == arg.ident && part.whole().is_none());
    let is_used =
        |arg: &Arg| parts.is_empty() || parts.iter().any(|part| part.argument == arg.ident);
    let pattern = tuple(
        method,
        method.args.iter().map(|arg| match (is_used(arg), is_opened(arg)) {
            (_, true) => unwrapped(client, method, arg),
            (true, false) => {
                let ident = &arg.ident;
                quote!(#ident)
            }
            (false, false) => quote!(_),
        }),
    );
    let key = match parts {
        [] => tuple(method, method.args.iter().map(borrowed)),
        _ => tuple(
            method,
            parts.iter().map(|part| {
                let whole = method.args.iter().find(|arg| part.whole() == Some(&arg.ident));
                let path = &part.path;
                whole.map_or_else(|| quote_spanned!(here(path)=> &#path), borrowed)
            }),
        ),
    };
    quote_spanned! {span=>
        |call| {
            let #pattern = call.args::<#types>()?;
            #private::key(&#key)
        }
    }
}

fn borrowed(arg: &Arg) -> TokenStream {
    let ident = &arg.ident;
    let span = here(ident);
    match arg.passing {
        Passing::Str => quote_spanned!(span=> &*#ident),
        Passing::Owned | Passing::Ref(_) => quote_spanned!(span=> &#ident),
    }
}
