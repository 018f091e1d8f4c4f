//! The types of a method, written down once: the bounds they must meet are checked there, on the user's
//! own tokens. All else that is generated names them through the method.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Lifetime;
use syn::ext::IdentExt as _;

use super::{here, output_span, private, tuple};
use crate::attr::Role;
use crate::model::{Arg, Client, Method, Output, Passing};

/// `__lookup_method`, the type that stands for the method.
pub(super) fn name(method: &Method) -> Ident {
    format_ident!("__{}_method", method.ident().unraw(), span = here(method.ident()))
}

/// The definition of that type, with what the method takes and returns.
pub(super) fn definition(client: &Client, method: &Method) -> TokenStream {
    if !method.is_remote() {
        return TokenStream::new();
    }
    let (cfgs, name) = (&method.cfgs, name(method));
    let takes =
        method.args.iter().enumerate().map(|(index, arg)| takes(client, method, index, arg));
    let span = output_span(method);
    let private = private(client, span);
    let err = match &method.output {
        Output::Result(ty) => quote_spanned!(span=> <#ty as #private::Fallible>::Err),
        Output::Value(_) | Output::Unit => quote_spanned!(span=> #private::Error),
    };
    let returns = match (&method.attr.role, method.event()) {
        (Role::Subscribe, Some(event)) => quote_spanned! {span=>
            impl #private::Delivers for #name {
                type Event = #event;
            }
        },
        _ => {
            let ok = match &method.output {
                Output::Unit => quote_spanned!(span=> ()),
                Output::Value(ty) => quote!(#ty),
                Output::Result(ty) => {
                    let span = crate::types::type_argument(ty, 0).map_or(span, here);
                    quote_spanned!(span=> <#ty as #private::Fallible>::Ok)
                }
            };
            quote_spanned! {span=>
                impl #private::Returns for #name {
                    type Ok = #ok;
                }
            }
        }
    };
    quote_spanned! {span=>
        #(#cfgs)*
        enum #name {}
        #(#takes)*
        #(#cfgs)*
        #returns
        #(#cfgs)*
        impl #private::Fails for #name {
            type Err = #err;
        }
    }
}

fn takes(client: &Client, method: &Method, index: usize, arg: &Arg) -> TokenStream {
    let ty = match &arg.passing {
        Passing::Owned => &arg.ty,
        Passing::Ref(referent) => referent,
        Passing::Str => return TokenStream::new(),
    };
    let span = here(ty);
    let (cfgs, name, private) = (&method.cfgs, name(method), private(client, span));
    let index = Literal::usize_unsuffixed(index);
    quote_spanned! {span=>
        #(#cfgs)*
        impl #private::Takes<#index> for #name {
            type Type = #ty;
        }
    }
}

/// The tuple that the arguments are decoded into.
pub(super) fn decoded_types(client: &Client, method: &Method) -> TokenStream {
    let span = here(method.ident());
    let (private, name) = (private(client, span), name(method));
    let types = method.args.iter().enumerate().map(|(index, arg)| {
        let index = Literal::usize_unsuffixed(index);
        match &arg.passing {
            Passing::Str => quote_spanned!(span=> #private::BorrowedStr<'_>),
            Passing::Owned | Passing::Ref(_) => {
                quote_spanned!(span=> #private::Owned<#name, #index>)
            }
        }
    });
    tuple(method, types)
}

/// The tuple that a proxy sends, or gives to the real client of its own process.
pub(super) fn sent_types(client: &Client, method: &Method, lifetime: &Lifetime) -> TokenStream {
    let span = here(method.ident());
    let (private, name) = (private(client, span), name(method));
    let types = method.args.iter().enumerate().map(|(index, arg)| {
        let index = Literal::usize_unsuffixed(index);
        match &arg.passing {
            Passing::Str => quote_spanned!(span=> &#lifetime str),
            Passing::Owned => quote_spanned!(span=> #private::Owned<#name, #index>),
            Passing::Ref(_) => {
                quote_spanned!(span=> #private::Borrowed<#lifetime, #name, #index>)
            }
        }
    });
    tuple(method, types)
}

/// That tuple, made of the arguments.
pub(super) fn sent(client: &Client, method: &Method) -> TokenStream {
    let args = method.args.iter().enumerate();
    tuple(method, args.map(|(index, arg)| sent_argument(client, method, index, arg)))
}

/// The argument in the form that is known to be serialisable.
pub(super) fn sent_argument(
    client: &Client,
    method: &Method,
    index: usize,
    arg: &Arg,
) -> TokenStream {
    let span = here(method.ident());
    let (private, name, ident) = (private(client, span), name(method), &arg.ident);
    let index = Literal::usize_unsuffixed(index);
    match &arg.passing {
        Passing::Str => quote!(#ident),
        Passing::Owned => quote_spanned!(span=> #private::Owned::<#name, #index>(#ident)),
        Passing::Ref(_) => quote_spanned!(span=> #private::Borrowed::<#name, #index>(#ident)),
    }
}
