//! Rules for the attributes, beyond what each key demands by itself.

use crate::attr::{Role, is_helper};
use crate::model::{Client, Form, Item, Method, conditional};
use crate::report::Errors;
use crate::types;

pub(super) fn one_role_a_method(item: &Item, errors: &mut Errors) {
    for method in item.methods() {
        let mut helpers = method.attrs.iter().filter(|attribute| is_helper(attribute.path()));
        let first = helpers.next();
        if let (Some(_), Some(second)) = (first, helpers.next()) {
            errors.push(second, "a method has one role: keep one of these attributes");
        }
    }
}

pub(super) fn no_conditional_role(item: &Item, errors: &mut Errors) {
    for attribute in item.methods().flat_map(|method| method.attrs) {
        let (_, metas) = conditional(attribute);
        for meta in metas.iter().filter(|meta| is_helper(meta.path())) {
            errors.push(
                meta.path(),
                "a role does not depend on a condition: write two methods, each with its `#[cfg]`",
            );
        }
    }
}

pub(super) fn vis_is_the_traits_own(client: &Client, errors: &mut Errors) {
    if let (Form::Trait(..), Some((text, _))) = (&client.form, &client.attr.vis) {
        errors.push(text, "the generated types are as visible as the trait: remove `vis`");
    }
}

pub(super) fn channel_has_a_name(client: &Client, errors: &mut Errors) {
    if let Some(name) = client.attr.name.as_ref().filter(|name| name.value().is_empty()) {
        errors.push(name, "processes find each other by this name: write one, or leave `name` out");
    }
}

pub(super) fn wire_names_are_plain(client: &Client, errors: &mut Errors) {
    let is_plain = |name: &str| {
        !name.is_empty() && !name.chars().any(|c| c == '"' || c == '\\' || c.is_control())
    };
    for name in client.methods.iter().filter_map(|method| method.attr.name.as_ref()) {
        if !is_plain(&name.value()) {
            errors.push(
                name,
                "a name on the wire is not empty and has no quotes, backslashes or control \
                 characters: write a plain one",
            );
        }
    }
}

pub(super) fn wire_names_are_unique(client: &Client, errors: &mut Errors) {
    for (index, method) in client.methods.iter().enumerate() {
        let earlier = client.methods.iter().take(index).find(|earlier| {
            // Two that are never compiled together may share a name.
            let alternatives = !earlier.cfgs.is_empty() && !method.cfgs.is_empty();
            earlier.wire_name == method.wire_name && !alternatives
        });
        let Some(earlier) = earlier else { continue };
        let message = format!(
            "`{}` is called \"{}\" on the wire already: write another `name = \"…\"`",
            earlier.ident(),
            method.wire_name
        );
        match &method.attr.name {
            Some(name) => errors.push(name, message),
            None => errors.push(method.ident(), message),
        }
    }
}

pub(super) fn one_close(client: &Client, errors: &mut Errors) {
    let closes = |method: &&Method| matches!(method.attr.role, Role::Close);
    let mut all = client.methods.iter().filter(closes);
    let Some(first) = all.next() else { return };
    for second in all.filter(|second| first.cfgs.is_empty() || second.cfgs.is_empty()) {
        errors.push(
            second.ident(),
            format!(
                "`{}` closes the client already: call this from there and remove `#[close]` here",
                first.ident()
            ),
        );
    }
}

/// One `#[subscribe(default)]`, one `#[publish(default)]`.
pub(super) fn one_default_a_kind(client: &Client, errors: &mut Errors) {
    let same = |one: &Method, other: &Method| {
        std::mem::discriminant(&one.attr.role) == std::mem::discriminant(&other.attr.role)
    };
    for (index, method) in client.methods.iter().enumerate() {
        let Some(default) = &method.attr.default else { continue };
        let earlier = client.methods.iter().take(index).find(|earlier| {
            let alternatives = !earlier.cfgs.is_empty() && !method.cfgs.is_empty();
            earlier.attr.default.is_some() && same(earlier, method) && !alternatives
        });
        if let Some(earlier) = earlier {
            errors.push(
                default,
                format!("`{}` is the default already: keep one of them", earlier.ident()),
            );
        }
    }
}

pub(super) fn oneway_is_never_repeated(method: &Method, errors: &mut Errors) {
    if let (Role::Oneway, Some(idempotent)) = (&method.attr.role, &method.attr.idempotent) {
        errors.push(
            idempotent,
            "a one-way call is not answered, so it is not known when to repeat it: remove \
             `idempotent` or `oneway`",
        );
    }
}

pub(super) fn events_are_not_kept(method: &Method, errors: &mut Errors) {
    let Role::Publish(publish) = &method.attr.role else {
        return;
    };
    if !publish.event {
        return;
    }
    if let Some(key) = &publish.key {
        errors.push(
            &key.text,
            "an event is not remembered, so it needs no key: remove `key` or `event`",
        );
    }
    if let Some(undo) = &publish.undo {
        errors.push(
            undo,
            "an event is not remembered, so there is nothing to undo: remove `undo` or `event`",
        );
    }
}

pub(super) fn key_names_arguments(method: &Method, errors: &mut Errors) {
    let Role::Publish(publish) = &method.attr.role else {
        return;
    };
    let Some(key) = &publish.key else { return };
    for part in &key.parts {
        if !method.args.iter().any(|arg| arg.ident == part.argument) {
            errors.push(
                &key.text,
                format!(
                    "`{}` has no argument `{}`: begin the key with the name of an argument",
                    method.ident(),
                    part.argument
                ),
            );
        }
    }
}

pub(super) fn undo_takes_the_same(method: &Method, client: &Client, errors: &mut Errors) {
    let Role::Publish(publish) = &method.attr.role else {
        return;
    };
    let Some(undo) = &publish.undo else { return };
    let Some(target) = client.named(&undo.value()) else {
        return errors.push(
            undo,
            format!(
                "there is no annotated method `{}` here: write the name of an `#[invoke]` method",
                undo.value()
            ),
        );
    };
    if !matches!(target.attr.role, Role::Invoke) {
        return errors.push(
            undo,
            format!(
                "`{}` cannot be called and waited for: write `#[invoke]` on it, without `oneway`",
                target.ident()
            ),
        );
    }
    if arguments(target) != arguments(method) {
        errors.push(
            undo,
            format!(
                "`{}` is called with what was published: write `({})` for its arguments",
                target.ident(),
                arguments(method).join(", ")
            ),
        );
    }
}

fn arguments(method: &Method) -> Vec<String> {
    method.args.iter().map(|arg| types::text(&arg.ty)).collect()
}
