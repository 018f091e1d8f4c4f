//! `impl Subscribe for …`.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::DeriveInput;

use super::{here, silent};
use crate::event::{Delivery, Event, Receivers};

pub(crate) fn event(event: &Event, item: &DeriveInput) -> TokenStream {
    let (krate, ident) = (&event.krate, &item.ident);
    let span = here(ident);
    let private = quote_spanned!(span=> #krate::__private);
    let delivery = match event.delivery {
        Delivery::Latest => quote_spanned!(span=> #private::Delivery::Latest),
        Delivery::Every { capacity } => {
            let capacity = proc_macro2::Literal::usize_unsuffixed(capacity);
            quote_spanned!(span=> #private::Delivery::Every { capacity: #capacity })
        }
    };
    let receivers = match event.receivers {
        Receivers::All => quote_spanned!(span=> #private::Receivers::All),
        Receivers::One => quote_spanned!(span=> #private::Receivers::One),
    };
    let item_key = event.key.as_ref().map(|field| {
        quote_spanned! {span=>
            const KEYED: bool = true;

            fn item_key(&self) -> ::core::option::Option<::std::string::String> {
                #private::key(&(&self.#field,)).ok()
            }
        }
    });
    let (impl_generics, ty_generics, where_clause) = item.generics.split_for_impl();
    let implemented = quote_spanned! {span=>
        impl #impl_generics #private::Subscribe for #ident #ty_generics #where_clause {
            const OPTIONS: #private::EventOptions = #private::EventOptions::new(#delivery, #receivers);
            #item_key
        }
    };
    silent(&[], &implemented)
}
