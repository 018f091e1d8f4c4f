//! The items between the parentheses of an attribute: `key` and `key = "value"`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Ident, Lit, LitInt, LitStr, Token};

use crate::report::Errors;

/// The keys of one attribute, all of them known and given once.
pub(crate) struct Keys(Vec<Entry>);

struct Entry {
    key: Ident,
    value: Option<Lit>,
}

impl Keys {
    /// Reports what is malformed, unknown or given twice, and keeps the rest. `attribute` is its name.
    pub(crate) fn parse(
        attribute: &str,
        allowed: &[&str],
        tokens: TokenStream,
        errors: &mut Errors,
    ) -> Keys {
        let parsed = Punctuated::<Entry, Token![,]>::parse_terminated
            .parse2(tokens)
            .unwrap_or_else(|error| {
                errors.add(error);
                Punctuated::new()
            });

        let mut entries: Vec<Entry> = Vec::new();
        for entry in parsed {
            let key = entry.key.to_string();
            if !allowed.contains(&key.as_str()) {
                errors.push(&entry.key, unknown(attribute, &key, allowed));
            } else if entries.iter().any(|earlier| earlier.key == key) {
                errors.push(&entry.key, format!("`{key}` is given twice: write it once"));
            } else {
                entries.push(entry);
            }
        }
        Keys(entries)
    }

    /// A key without a value: the key itself if it is there.
    pub(crate) fn flag(&mut self, key: &str, errors: &mut Errors) -> Option<Ident> {
        let entry = self.take(key)?;
        if let Some(value) = entry.value {
            errors.push(value, format!("`{key}` takes no value: write `{key}`"));
        }
        Some(entry.key)
    }

    /// `key = "text"`.
    pub(crate) fn text(&mut self, key: &str, errors: &mut Errors) -> Option<LitStr> {
        let entry = self.take(key)?;
        match entry.value {
            Some(Lit::Str(text)) => Some(text),
            Some(other) => {
                errors.push(other, format!("`{key}` takes a string: write `{key} = \"…\"`"));
                None
            }
            None => {
                errors.push(&entry.key, format!("`{key}` needs a value: write `{key} = \"…\"`"));
                None
            }
        }
    }

    /// `key = 1024`.
    pub(crate) fn number(&mut self, key: &str, errors: &mut Errors) -> Option<LitInt> {
        let entry = self.take(key)?;
        match entry.value {
            Some(Lit::Int(number)) => Some(number),
            Some(other) => {
                errors.push(other, format!("`{key}` takes a number: write `{key} = 1024`"));
                None
            }
            None => {
                errors.push(&entry.key, format!("`{key}` needs a value: write `{key} = 1024`"));
                None
            }
        }
    }

    /// `key = "value"` with the value parsed by `parse`, whose message is shown on the value.
    pub(crate) fn parsed<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&LitStr) -> syn::Result<T>,
        errors: &mut Errors,
    ) -> Option<T> {
        let text = self.text(key, errors)?;
        parse(&text).map_err(|error| errors.add(error)).ok()
    }

    fn take(&mut self, key: &str) -> Option<Entry> {
        let index = self.0.iter().position(|entry| entry.key == key)?;
        Some(self.0.swap_remove(index))
    }
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input
            .call(Ident::parse_any)
            .map_err(|_| input.error("expected a key: write `key` or `key = \"value\"`"))?;
        let value = if input.parse::<Option<Token![=]>>()?.is_some() {
            let value = input.parse().map_err(|_| {
                input
                    .error(format!("the value of `{key}` must be a literal: write `{key} = \"…\"`"))
            })?;
            Some(value)
        } else {
            None
        };
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(
                input.error(format!("expected `,` or `=`: write `{key}` or `{key} = \"…\"`"))
            );
        }
        Ok(Entry { key, value })
    }
}

fn unknown(attribute: &str, key: &str, allowed: &[&str]) -> String {
    match allowed {
        [] => format!("`#[{attribute}]` takes no keys: write `#[{attribute}]`"),
        _ => {
            let allowed: Vec<String> = allowed.iter().map(|key| format!("`{key}`")).collect();
            format!("`#[{attribute}]` has no key `{key}`: write one of {}", allowed.join(", "))
        }
    }
}
