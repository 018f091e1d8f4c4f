//! Collects every mistake of an item, so that the user hears of all of them at once.

use std::fmt::Display;

use quote::ToTokens;

#[derive(Default)]
#[must_use = "mistakes that are not finished are never shown"]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Reports `message` on `tokens`, which are the user's own.
    pub(crate) fn push(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
