//! Rules for the `impl` or `trait` as a whole.

use syn::{GenericParam, Generics, ImplItem, ItemImpl, ItemTrait, TraitItem, Type, TypeParamBound};

use crate::attr::is_helper;
use crate::model::{Item, async_trait};
use crate::report::Errors;
use crate::types::{borrow_in, peel};

pub(super) fn stands_on_a_plain_item(item: &Item, errors: &mut Errors) {
    const MESSAGE: &str = "a shared client is called from safe code: remove this";
    match item {
        Item::Impl(item) => {
            if let Some(token) = &item.unsafety {
                errors.push(token, MESSAGE);
            }
        }
        Item::Trait(item) => {
            if let Some(token) = &item.unsafety {
                errors.push(token, MESSAGE);
            }
        }
    }
}

pub(super) fn implements_no_trait(item: &ItemImpl, errors: &mut Errors) {
    if let Some((path, _)) = &item.trait_ {
        errors.push(
            path,
            "`#[cluster_client]` stands on `impl Type { … }` or on the trait itself, not on an \
             implementation of a trait: move it to the trait",
        );
    }
}

pub(super) fn has_no_generics(item: &Item, errors: &mut Errors) {
    let generics = match item {
        Item::Impl(item) => &item.generics,
        Item::Trait(item) => &item.generics,
    };
    refuse_generics(
        generics,
        "a shared client has no generic parameters, because all processes share one: write the \
         concrete type",
        errors,
    );
}

/// One message, on the first parameter or on the `where` clause.
pub(super) fn refuse_generics(generics: &Generics, message: &str, errors: &mut Errors) {
    match generics.params.first() {
        Some(GenericParam::Lifetime(param)) => errors.push(&param.lifetime, message),
        Some(GenericParam::Type(param)) => errors.push(&param.ident, message),
        Some(GenericParam::Const(param)) => errors.push(&param.ident, message),
        None => {
            if let Some(clause) = &generics.where_clause {
                errors.push(clause, message);
            }
        }
    }
}

pub(super) fn is_on_a_named_type(item: &ItemImpl, errors: &mut Errors) {
    let ty = peel(&item.self_ty);
    if !matches!(ty, Type::Path(_)) {
        return errors.push(
            &item.self_ty,
            "`#[cluster_client]` stands on the impl of a named type: write `impl Registry { … }`",
        );
    }
    if let Some(lifetime) = borrow_in(ty) {
        errors.push(
            lifetime,
            "a shared client outlives every borrow: write a type without lifetimes, or `'static`",
        );
    }
}

/// An associated item of a trait would be unknown to the proxies and in the way of `dyn Trait`; one
/// of an impl stays as it is, but has no role.
pub(super) fn has_methods_only(item: &Item, errors: &mut Errors) {
    match item {
        Item::Impl(item) => {
            for item in &item.items {
                let attrs = match item {
                    ImplItem::Const(item) => &item.attrs,
                    ImplItem::Type(item) => &item.attrs,
                    ImplItem::Macro(item) => &item.attrs,
                    _ => continue,
                };
                if let Some(helper) = attrs.iter().find(|attribute| is_helper(attribute.path())) {
                    errors.push(helper, "only a method has a role: remove this attribute");
                }
            }
        }
        Item::Trait(item) => {
            const MESSAGE: &str = "the client is used as `dyn Trait`, which has methods only: move \
                                   this to another trait, or write a method";
            for item in &item.items {
                match item {
                    TraitItem::Const(item) => errors.push(&item.ident, MESSAGE),
                    TraitItem::Type(item) => errors.push(&item.ident, MESSAGE),
                    _ => {}
                }
            }
        }
    }
}

pub(super) fn async_trait_is_below(item: &ItemTrait, errors: &mut Errors) {
    match async_trait(item) {
        Some(attribute) if attribute.meta.require_path_only().is_err() => errors.push(
            attribute,
            "the futures of a shared client are `Send`: write `#[async_trait]` without arguments",
        ),
        Some(_) => {}
        None if is_expanded(item) => errors.push(
            &item.ident,
            format!("`#[async_trait]` stands above `#[cluster_client]`: {ORDER}"),
        ),
        None => errors.push(
            &item.ident,
            format!(
                "the trait is used as `dyn {}` and so needs `#[async_trait]`: {ORDER}",
                item.ident
            ),
        ),
    }
}

const ORDER: &str = "write `#[cluster_client]` first and `#[async_trait]` below it";

/// Whether `#[async_trait]` has been at work: the methods are no longer what the user wrote.
pub(super) fn is_expanded(item: &ItemTrait) -> bool {
    item.items.iter().any(|item| match item {
        TraitItem::Fn(method) => {
            method.sig.generics.lifetimes().any(|param| param.lifetime.ident == "async_trait")
        }
        _ => false,
    })
}

pub(super) fn is_send_and_sync(item: &ItemTrait, errors: &mut Errors) {
    let has = |name: &str| {
        item.supertraits.iter().any(|bound| match bound {
            TypeParamBound::Trait(bound) => {
                bound.path.segments.last().is_some_and(|last| last.ident == name)
            }
            _ => false,
        })
    };
    if has("Send") && has("Sync") {
        return;
    }
    let ident = &item.ident;
    errors.push(
        ident,
        format!("the client is shared between threads: write `trait {ident}: Send + Sync`"),
    );
}

pub(super) fn has_an_annotated_method(item: &Item, errors: &mut Errors) {
    if item.methods().any(|method| method.attrs.iter().any(|attribute| is_helper(attribute.path())))
    {
        return;
    }
    const MESSAGE: &str = "no method can be called through the cluster: write `#[invoke]`, \
                           `#[subscribe]`, `#[publish]` or `#[close]` on one";
    match item {
        Item::Impl(item) => errors.push(&item.self_ty, MESSAGE),
        Item::Trait(item) => errors.push(&item.ident, MESSAGE),
    }
}

pub(super) fn others_have_a_body(item: &Item, errors: &mut Errors) {
    for method in item.methods() {
        if !method.has_body && !method.attrs.iter().any(|attribute| is_helper(attribute.path())) {
            errors.push(
                &method.sig.ident,
                "the proxies cannot know what this method does: write `#[invoke]` on it, or give \
                 it a default body",
            );
        }
    }
}
