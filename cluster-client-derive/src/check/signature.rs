//! Rules for the signature of an annotated method.

use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{FnArg, GenericParam, Ident, Pat, Receiver, ReceiverKind, ReturnType, Safety, Type};

use super::item::refuse_generics;
use crate::attr::Role;
use crate::model::{Client, Form, Method, Output, is_context, typed};
use crate::report::Errors;
use crate::types::{is_unit, peel, type_argument};

pub(super) fn name_is_free(method: &Method, errors: &mut Errors) {
    const RESERVED: [&str; 5] = ["builder", "membership", "as_leader", "as_follower", "client"];

    let ident = method.ident();
    if RESERVED.iter().any(|name| ident == name) {
        errors.push(
            ident,
            format!(
                "`{ident}` is a method that the proxies have already: rename this one, and write \
                 `name = \"{ident}\"` in its attribute to keep its name on the wire"
            ),
        );
    }
}

pub(super) fn takes_a_shared_self(method: &Method, errors: &mut Errors) {
    const MESSAGE: &str = "all callers share the one real client: write `&self`";
    match method.sig.receiver() {
        Some(Receiver { kind: ReceiverKind::Reference(_, None, None), .. }) => {}
        Some(receiver) => errors.push(receiver, MESSAGE),
        None => errors.push(method.ident(), MESSAGE),
    }
}

pub(super) fn has_no_generics(method: &Method, errors: &mut Errors) {
    let message = match method.sig.generics.params.first() {
        Some(GenericParam::Lifetime(_)) => BORROWED_FOR_THE_CALL,
        _ => "a call cannot carry generic parameters to another process: write concrete types",
    };
    refuse_generics(&method.sig.generics, message, errors);
}

const BORROWED_FOR_THE_CALL: &str =
    "an argument is borrowed for the call only: write `&T`, without a lifetime";

pub(super) fn is_a_plain_fn(method: &Method, errors: &mut Errors) {
    const MESSAGE: &str = "a method that is called from other processes is a plain safe one: \
                           remove this";
    if let Some(token) = &method.sig.constness {
        errors.push(token, MESSAGE);
    }
    if let Safety::Unsafe(token) = &method.sig.safety {
        errors.push(token, MESSAGE);
    }
    if let Some(abi) = &method.sig.abi {
        errors.push(abi, MESSAGE);
    }
}

pub(super) fn is_async(method: &Method, errors: &mut Errors) {
    if !method.is_async() && !matches!(method.attr.role, Role::Oneway) {
        errors.push(
            method.sig.fn_token,
            "the call may have to wait for another process: write `async fn` (only \
             `#[invoke(oneway)]` allows a plain `fn`)",
        );
    }
}

pub(super) fn arguments_are_named(method: &Method, errors: &mut Errors) {
    for arg in typed(&method.sig) {
        let is_name =
            matches!(&*arg.pat, Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none());
        if !is_name {
            errors.push(
                &arg.pat,
                "the proxies repeat this argument: give it a name and take it apart in the body",
            );
        }
        if let Some(attribute) = arg.attrs.iter().find(|attribute| is_cfg(attribute)) {
            errors.push(
                attribute,
                "an argument is there or not, for all processes: write two methods, each with its \
                 `#[cfg]`",
            );
        }
    }
}

fn is_cfg(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

pub(super) fn arguments_can_travel(method: &Method, errors: &mut Errors) {
    for arg in typed(&method.sig).filter(|arg| !is_context(&arg.ty)) {
        let ty = peel(&arg.ty);
        let inner = match ty {
            Type::Reference(reference) if reference.mutability.is_some() => {
                errors.push(
                    ty,
                    "what the call changes stays in the leader's process: write `&T` or `T`, and \
                     return what changed",
                );
                continue;
            }
            Type::Reference(reference) => {
                if let Some(lifetime) = &reference.lifetime {
                    // A parameter of the method has been refused where it is declared.
                    if method.sig.generics.lifetimes().next().is_none() {
                        errors.push(lifetime, BORROWED_FOR_THE_CALL);
                    }
                    continue;
                }
                &*reference.elem
            }
            _ => ty,
        };
        let found = Untravelled::find(inner);
        match found {
            None => {}
            Some(Untravelled::Borrow(tokens)) => errors.push(
                tokens,
                "an argument is borrowed at the outermost level or not at all: write `&T`, `&str`, \
                 `&[T]`, or own what is inside (`String`, `Vec<T>`)",
            ),
            Some(Untravelled::Opaque(tokens)) => errors.push(
                tokens,
                "an argument is sent to another process: write a concrete type that is `Serialize \
                 + DeserializeOwned`",
            ),
        }
    }
}

pub(super) fn context_comes_first(method: &Method, errors: &mut Errors) {
    for arg in typed(&method.sig).skip(usize::from(method.context)) {
        if is_context(&arg.ty) {
            errors.push(
                &arg.ty,
                "the context is the first argument: write `(&self, cx: CallContext, …)`",
            );
        }
    }
    if method.context && matches!(method.attr.role, Role::Close) {
        errors.push(&method.sig.inputs, NO_ARGUMENTS);
    }
}

const NO_ARGUMENTS: &str = "the leader calls this when it goes, with nothing to tell: write \
                            `(&self)`";

pub(super) fn has_at_most_12_arguments(method: &Method, errors: &mut Errors) {
    match method.attr.role {
        Role::Close if !method.args.is_empty() => {
            errors.push(all_arguments(method), NO_ARGUMENTS);
        }
        _ => {
            if let Some(arg) = typed(&method.sig).nth(12 + usize::from(method.context)) {
                errors.push(
                    &arg.pat,
                    "a call carries at most 12 arguments: put some of them into a struct",
                );
            }
        }
    }
}

fn all_arguments(method: &Method) -> Punctuated<&FnArg, syn::Token![,]> {
    let typed = |input: &&FnArg| matches!(input, FnArg::Typed(_));
    method.sig.inputs.iter().filter(typed).collect()
}

pub(super) fn output_can_travel(method: &Method, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &method.sig.output else {
        return;
    };
    match Untravelled::find(ty) {
        None => {}
        Some(Untravelled::Borrow(tokens)) => {
            errors.push(tokens, "a result outlives the call: own it (`String`, `Vec<T>`)");
        }
        Some(Untravelled::Opaque(tokens)) => errors.push(
            tokens,
            "a result is sent to another process: write a concrete type that is `Serialize + \
             DeserializeOwned`",
        ),
    }
}

pub(super) fn output_suits_the_role(method: &Method, client: &Client, errors: &mut Errors) {
    let ReturnType::Type(_, written) = &method.sig.output else {
        match (&method.attr.role, &client.form) {
            (Role::Oneway | Role::Close, _) => {}
            (Role::Subscribe, _) => errors.push(method.ident(), SUBSCRIPTION),
            (_, Form::Trait(..)) => errors.push(method.ident(), TRAIT_RESULT),
            (_, Form::Impl(_)) => {}
        }
        return;
    };
    match (&method.attr.role, &method.output, &client.form) {
        (Role::Oneway, output, _) if !is_empty(output) => errors.push(
            written,
            "a one-way call is not answered: write no return type, or remove `oneway`",
        ),
        (Role::Close, output, _) if !is_empty(output) => errors.push(
            written,
            "nobody is there to take a value: write no return type, or `Result<(), E>`",
        ),
        (Role::Oneway | Role::Close, ..) => {}
        (Role::Subscribe, ..) if method.event().is_none() => errors.push(written, SUBSCRIPTION),
        (_, Output::Value(_) | Output::Unit, Form::Trait(..)) => errors.push(written, TRAIT_RESULT),
        _ => {}
    }
}

const SUBSCRIPTION: &str = "a subscription hands out events: write `-> Subscription<E>` or \
                            `-> Result<Subscription<E>, …>`";
const TRAIT_RESULT: &str = "a call can fail on its way to the leader, and a trait's method has one \
                            return type for all: write `-> Result<T, E>`";

/// Whether there is nothing in the way of a value; an alias of `Result` is trusted.
fn is_empty(output: &Output) -> bool {
    match output {
        Output::Unit => true,
        Output::Value(_) => false,
        Output::Result(ty) => type_argument(ty, 0).is_none_or(is_unit),
    }
}

pub(super) fn spells_no_self(method: &Method, client: &Client, errors: &mut Errors) {
    if let Form::Trait(ident, _) = &client.form {
        if method.context
            && let Some(arg) = typed(&method.sig).next()
        {
            errors.push(
                &arg.ty,
                "a trait's method has the same arguments on a proxy, which has no context to give: \
                 remove this argument and call `CallContext::current()` in the body",
            );
        }
        let mut finder = SelfFinder(None);
        for arg in typed(&method.sig) {
            finder.visit_type(&arg.ty);
        }
        finder.visit_return_type(&method.sig.output);
        if let Some(found) = finder.0 {
            errors.push(
                found,
                format!("`Self` is another type in every implementation of `{ident}`: write a concrete type"),
            );
        }
    }
}

struct SelfFinder<'a>(Option<&'a Ident>);

impl<'a> Visit<'a> for SelfFinder<'a> {
    fn visit_ident(&mut self, ident: &'a Ident) {
        if ident == "Self" {
            self.0.get_or_insert(ident);
        }
    }
}

/// The first thing in a type that cannot leave the process.
enum Untravelled<'a> {
    Borrow(&'a dyn quote::ToTokens),
    Opaque(&'a Type),
}

impl<'a> Untravelled<'a> {
    fn find(ty: &'a Type) -> Option<Untravelled<'a>> {
        let mut finder = Finder(None);
        finder.visit_type(ty);
        finder.0
    }
}

struct Finder<'a>(Option<Untravelled<'a>>);

impl<'a> Visit<'a> for Finder<'a> {
    fn visit_type(&mut self, ty: &'a Type) {
        match ty {
            _ if self.0.is_some() => {}
            Type::Reference(_) => self.0 = Some(Untravelled::Borrow(ty)),
            Type::ImplTrait(_)
            | Type::TraitObject(_)
            | Type::FnPtr(_)
            | Type::Ptr(_)
            | Type::Infer(_) => {
                self.0 = Some(Untravelled::Opaque(ty));
            }
            _ => syn::visit::visit_type(self, ty),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'a syn::Lifetime) {
        if self.0.is_none() && lifetime.ident != "static" {
            self.0 = Some(Untravelled::Borrow(lifetime));
        }
    }
}
