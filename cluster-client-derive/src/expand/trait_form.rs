//! In the trait form the three types implement the trait.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Attribute;

use super::proxy::{body, signature};
use super::{here, private};
use crate::attr::Role;
use crate::model::{Client, Method, Output};

pub(super) fn methods(
    client: &Client,
    name: &Ident,
    async_trait: Option<&Attribute>,
) -> TokenStream {
    let methods: Vec<TokenStream> =
        client.methods.iter().map(|method| implemented(client, method)).collect();
    let names = &client.names;
    [&names.proxy, &names.leader, &names.follower]
        .map(|ty| {
            quote! {
                #async_trait
                impl #name for #ty { #(#methods)* }
            }
        })
        .into_iter()
        .collect()
}

fn implemented(client: &Client, method: &Method) -> TokenStream {
    let span = here(method.ident());
    let (cfgs, output) = (&method.cfgs, &method.sig.output);
    let signature = signature(method, &quote!(#output));
    let body = body(client, method);
    let body = match (&method.attr.role, &method.output) {
        // A trait's one-way method returns what the trait says.
        (Role::Oneway, Output::Result(_)) => {
            let (private, this) = (private(client, span), super::signature::name(method));
            quote_spanned!(span=> #private::queued::<#this>(#body))
        }
        (Role::Oneway, _) => quote_spanned!(span=> ::core::mem::drop(#body);),
        _ => body,
    };
    quote_spanned! {span=>
        #(#cfgs)*
        #signature { #body }
    }
}
