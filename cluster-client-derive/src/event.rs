//! `#[derive(Subscribe)]`: the event type as this crate sees it, and its rules.

use syn::{Data, DeriveInput, Field, Ident, Index, LitStr, Member, Path};

use crate::attr::keys::Keys;
use crate::attr::{arguments, crate_path};
use crate::report::Errors;

pub(crate) struct Event {
    pub(crate) krate: Path,
    pub(crate) delivery: Delivery,
    pub(crate) receivers: Receivers,
    /// The field of `#[subscribe(key)]`.
    pub(crate) key: Option<Member>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Delivery {
    Latest,
    Every { capacity: usize },
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Receivers {
    All,
    One,
}

const DEFAULT_CAPACITY: usize = 1024;

impl Event {
    /// Where a rule is broken the default stands in, so that the type is an event all the same.
    pub(crate) fn parse(item: &DeriveInput, errors: &mut Errors) -> Event {
        let mut attributes = item.attrs.iter().filter(|attr| attr.path().is_ident("subscribe"));
        let tokens = attributes.next().map(|attr| arguments(attr, errors)).unwrap_or_default();
        if let Some(second) = attributes.next() {
            errors.push(second, "write one `#[subscribe(…)]` with all keys");
        }

        const ALLOWED: [&str; 4] = ["delivery", "capacity", "receivers", "crate"];
        let mut keys = Keys::parse("subscribe", &ALLOWED, tokens, errors);
        let krate = crate_path(&mut keys, errors);
        let receivers = keys.parsed("receivers", receivers, errors).unwrap_or(Receivers::All);
        let delivery = delivery(&mut keys, errors);
        let key = key(item, errors);
        if let Some((attribute, _)) = &key
            && (delivery != Delivery::Latest || receivers != Receivers::All)
        {
            errors.push(
                attribute,
                "only the newest value for all is kept per key: remove this, or write `delivery = \
                 \"latest\"` and `receivers = \"all\"`",
            );
        }
        Event { krate, delivery, receivers, key: key.map(|(_, member)| member) }
    }
}

fn receivers(text: &LitStr) -> syn::Result<Receivers> {
    match text.value().as_str() {
        "all" => Ok(Receivers::All),
        "one" => Ok(Receivers::One),
        _ => Err(syn::Error::new_spanned(text, "unknown receivers: write \"all\" or \"one\"")),
    }
}

fn delivery(keys: &mut Keys, errors: &mut Errors) -> Delivery {
    let text = keys.text("delivery", errors);
    let number = keys.number("capacity", errors);
    match text.as_ref().map(LitStr::value).as_deref() {
        Some("every") => {
            let capacity = number.as_ref().map(|number| match number.base10_parse() {
                Ok(0) => Err(syn::Error::new_spanned(
                    number,
                    "no value fits into a capacity of 0: write at least 1",
                )),
                parsed => parsed,
            });
            let capacity = capacity.unwrap_or(Ok(DEFAULT_CAPACITY)).unwrap_or_else(|error| {
                errors.add(error);
                DEFAULT_CAPACITY
            });
            return Delivery::Every { capacity };
        }
        Some("latest") | None => {
            if let Some(number) = number {
                errors.push(
                    number,
                    "only the newest value is kept: remove `capacity`, or write `delivery = \
                     \"every\"`",
                );
            }
        }
        Some(_) => errors.push(text, "unknown delivery: write \"latest\" or \"every\""),
    }
    Delivery::Latest
}

/// The one field with `#[subscribe(key)]`, and the word `key` there.
fn key(item: &DeriveInput, errors: &mut Errors) -> Option<(Ident, Member)> {
    let mut found = None;
    for (index, field) in fields(item).enumerate() {
        for attribute in field.attrs.iter().filter(|attr| attr.path().is_ident("subscribe")) {
            let tokens = arguments(attribute, errors);
            let mut keys = Keys::parse("subscribe", &["key"], tokens, errors);
            let Some(key) = keys.flag("key", errors) else {
                continue;
            };
            let Data::Struct(_) = &item.data else {
                errors.push(
                    key,
                    "the variants of an enum have no field in common: put the key and the enum \
                     into a struct",
                );
                continue;
            };
            if found.is_some() {
                errors.push(
                    key,
                    "one field is the key: remove this, or make a struct of the two its field",
                );
                continue;
            }
            let member = match &field.ident {
                Some(ident) => Member::Named(ident.clone()),
                None => Member::Unnamed(Index::from(index)),
            };
            found = Some((key, member));
        }
    }
    found
}

fn fields(item: &DeriveInput) -> Box<dyn Iterator<Item = &Field> + '_> {
    match &item.data {
        Data::Struct(data) => Box::new(data.fields.iter()),
        Data::Enum(data) => Box::new(data.variants.iter().flat_map(|variant| &variant.fields)),
        Data::Union(data) => Box::new(data.fields.named.iter()),
    }
}
