//! The three types, and in the impl form their methods: one expression each.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};

use super::signature::{self, sent};
use super::{here, number, on_leader, private, result_type};
use crate::attr::Role;
use crate::model::{Client, Form, Method, Output};

/// The definitions, in the user's scope.
pub(crate) fn types(client: &Client) -> TokenStream {
    let names = &client.names;
    let span = here(&names.proxy);
    let (vis, private) = (&client.vis, private(client, span));
    let (proxy, leader, follower) = (&names.proxy, &names.leader, &names.follower);
    let cfgs = &client.cfgs;
    let attrs = quote!(#(#cfgs)* #[allow(dead_code, nonstandard_style, private_interfaces, unreachable_pub)]);
    let target = match &client.form {
        Form::Impl(ty) => crate::types::text(ty),
        Form::Trait(name, _) => name.to_string(),
    };
    let proxy_doc = format!(
        "`{target}`, shared by all processes: each call goes to the one real client, wherever it is."
    );
    let leader_doc = format!("A [`{proxy}`] in the process that holds the real client.");
    let follower_doc = format!("A [`{proxy}`] in a process that another one leads.");
    quote_spanned! {span=>
        #[doc = #proxy_doc]
        #attrs
        #vis struct #proxy(#private::Proxy<#proxy>);

        #[doc = #leader_doc]
        #attrs
        #vis struct #leader(#private::LeaderProxy<#proxy>);

        #[doc = #follower_doc]
        #attrs
        #vis struct #follower(#private::FollowerProxy<#proxy>);
    }
}

/// What every proxy has, whatever its methods.
pub(crate) fn access(client: &Client) -> TokenStream {
    let names = &client.names;
    let span = here(&names.proxy);
    let private = private(client, span);
    let (proxy, leader, follower) = (&names.proxy, &names.leader, &names.follower);
    let common = [proxy, leader, follower].map(|ty| {
        let name = ty.to_string();
        quote_spanned! {span=>
            impl ::core::clone::Clone for #ty {
                fn clone(&self) -> Self {
                    Self(::core::clone::Clone::clone(&self.0))
                }
            }

            impl ::core::fmt::Debug for #ty {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct(#name).finish_non_exhaustive()
                }
            }
        }
    });
    quote_spanned! {span=>
        #(#common)*

        impl #proxy {
            /// How this process takes part: set what differs from the defaults, then start.
            pub fn builder() -> #private::Builder<#proxy> {
                #private::Proxy::builder()
            }

            /// The role of this process, who leads, what happens; and how to leave.
            pub fn membership(&self) -> &#private::Membership {
                self.0.membership()
            }

            /// The proxy of the leader, if this process leads now.
            pub fn as_leader(&self) -> ::core::option::Option<#leader> {
                self.0.as_leader().map(#leader)
            }

            /// The proxy of a follower, if another process leads now.
            pub fn as_follower(&self) -> ::core::option::Option<#follower> {
                self.0.as_follower().map(#follower)
            }
        }
    }
}

/// What only the leader has.
pub(super) fn leader_access(client: &Client) -> TokenStream {
    let leader = &client.names.leader;
    let span = here(leader);
    let inner = quote_spanned!(span=> self.0.client());
    let (real, inner) = match &client.form {
        Form::Impl(ty) => (ty.to_token_stream(), quote_spanned!(span=> &#inner.0)),
        Form::Trait(name, _) => (quote!((dyn #name + 'static)), inner),
    };
    quote_spanned! {span=>
        impl #leader {
            /// The real client.
            pub fn client(&self) -> &#real {
                #inner
            }
        }
    }
}

/// The methods on each of the three types.
pub(super) fn methods(client: &Client) -> TokenStream {
    let methods: Vec<TokenStream> =
        client.methods.iter().map(|method| inherent(client, method)).collect();
    let names = &client.names;
    [&names.proxy, &names.leader, &names.follower]
        .map(|ty| quote!(impl #ty { #(#methods)* }))
        .into_iter()
        .collect()
}

fn inherent(client: &Client, method: &Method) -> TokenStream {
    let span = here(method.ident());
    let (docs, vis, result) = (docs(client, method), &method.vis, result_type(client, method));
    let body = body(client, method);
    let signature = match (&method.attr.role, &method.output) {
        (Role::Close, Output::Unit) => signature(method, &TokenStream::new()),
        (Role::Oneway, _) => {
            let private = private(client, span);
            signature(
                method,
                &quote_spanned!(span=> -> ::core::result::Result<(), #private::Error>),
            )
        }
        _ => signature(method, &quote_spanned!(span=> -> #result)),
    };
    let cfgs = &method.cfgs;
    quote_spanned! {span=>
        #(#cfgs)*
        #docs
        #vis #signature { #body }
    }
}

/// `async fn lookup(&self, service: &str) -> …`.
pub(super) fn signature(method: &Method, output: &TokenStream) -> TokenStream {
    let span = here(method.ident());
    let (asyncness, ident) = (&method.sig.asyncness, method.ident());
    let args = method.args.iter().map(|arg| {
        let (ident, ty) = (&arg.ident, &arg.ty);
        quote!(#ident: #ty)
    });
    quote_spanned!(span=> #asyncness fn #ident(&self, #(#args),*) #output)
}

/// The one expression.
pub(super) fn body(client: &Client, method: &Method) -> TokenStream {
    let span = here(method.ident());
    let private = private(client, span);
    if !method.is_remote() {
        let wait = quote_spanned!(span=> #private::close(&self.0).await);
        return match &method.output {
            Output::Result(_) => quote_spanned!(span=> ::core::result::Result::Ok(#wait)),
            _ => wait,
        };
    }
    let (this, number, args) =
        (signature::name(method), number(client, method, span), sent(client, method));
    match &method.attr.role {
        Role::Oneway => quote_spanned!(span=> #private::oneway(&self.0, #number, #args)),
        Role::Subscribe => quote_spanned! {span=>
            #private::subscribe::<#this, _, _>(&self.0, #number, #args).await
        },
        Role::Publish(_) => quote_spanned! {span=>
            #private::result::<#this>(#private::publish(&self.0, #number, #args).await)
        },
        Role::Invoke | Role::Close => {
            let on_leader = on_leader::name(method);
            quote_spanned! {span=>
                #private::result::<#this>(
                    #private::invoke(&self.0, #number, #args, #on_leader).await
                )
            }
        }
    }
}

/// The user's own docs; a public method needs some.
fn docs(client: &Client, method: &Method) -> TokenStream {
    let docs = &method.docs;
    if docs.iter().any(|attribute| attribute.path().is_ident("doc")) {
        return quote!(#(#docs)*);
    }
    let real = match &client.form {
        Form::Impl(ty) => crate::types::text(ty),
        Form::Trait(name, _) => name.to_string(),
    };
    let text = format!("Calls `{real}::{}` of the real client.", method.ident());
    quote!(#[doc = #text] #(#docs)*)
}
