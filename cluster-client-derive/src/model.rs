//! The annotated item as this crate sees it.
//!
//! What cannot be represented (a pattern in place of an argument's name, say) is left out here and
//! refused by [`check`](crate::check), which looks at the item as written.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, format_ident};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, FnArg, ImplItem, ItemImpl, ItemTrait, Meta, Pat, PatType, Path, ReturnType,
    Signature, Token, TraitItem, Type, Visibility, parse_quote,
};

use crate::attr::{ClientAttr, MethodAttr, Role, is_helper};
use crate::report::Errors;
use crate::types::{is_named, is_str, is_unit, last_segment, peel, type_argument, without_self};

/// What `#[cluster_client]` stands on.
pub(crate) enum Item {
    Impl(ItemImpl),
    Trait(ItemTrait),
}

pub(crate) struct Client {
    pub(crate) attr: ClientAttr,
    pub(crate) form: Form,
    /// `#[cfg(…)]` below our attribute: the compiler has not looked at it yet.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) channel: String,
    pub(crate) names: Names,
    /// That of the generated types.
    pub(crate) vis: Visibility,
    /// The annotated ones.
    pub(crate) methods: Vec<Method>,
}

pub(crate) enum Form {
    /// The type.
    Impl(Type),
    /// The trait and its `#[async_trait]`, which the generated impls repeat.
    Trait(Ident, Option<Attribute>),
}

/// The generated names.
pub(crate) struct Names {
    pub(crate) proxy: Ident,
    pub(crate) leader: Ident,
    pub(crate) follower: Ident,
    /// In the impl form, what holds the real client.
    pub(crate) real: Ident,
    /// An enum whose variants are the methods: their numbers are right under every `#[cfg]`.
    pub(crate) index: Ident,
}

pub(crate) struct Method {
    pub(crate) attr: MethodAttr,
    /// As written.
    pub(crate) sig: Signature,
    pub(crate) vis: Visibility,
    /// `#[cfg(…)]`.
    pub(crate) cfgs: Vec<Attribute>,
    /// What the proxies repeat: docs, `#[must_use]`, `#[deprecated]`.
    pub(crate) docs: Vec<Attribute>,
    pub(crate) wire_name: String,
    /// Whether the first argument is a `CallContext`.
    pub(crate) context: bool,
    /// Those that travel.
    pub(crate) args: Vec<Arg>,
    pub(crate) output: Output,
}

pub(crate) struct Arg {
    pub(crate) ident: Ident,
    /// As written, `Self` spelled out.
    pub(crate) ty: Type,
    pub(crate) passing: Passing,
}

pub(crate) enum Passing {
    Owned,
    /// `&str`.
    Str,
    /// `&T`, with T.
    Ref(Box<Type>),
}

/// A return type, `Self` spelled out.
pub(crate) enum Output {
    Unit,
    Value(Type),
    /// A `Result`, perhaps by an alias.
    Result(Type),
}

impl Client {
    /// None if the item has no name to derive others from.
    pub(crate) fn parse(attr: ClientAttr, item: &Item, errors: &mut Errors) -> Option<Client> {
        let (form, ident, vis) = match item {
            Item::Impl(item) => {
                let ident = last_segment(&item.self_ty)?.ident.clone();
                let self_ty = peel(&item.self_ty).clone();
                (Form::Impl(self_ty), ident, parse_quote!(pub))
            }
            Item::Trait(item) => {
                let form = Form::Trait(item.ident.clone(), async_trait(item).cloned());
                (form, item.ident.clone(), item.vis.clone())
            }
        };
        let self_ty = match &form {
            Form::Impl(ty) => ty.clone(),
            Form::Trait(..) => parse_quote!(Self),
        };
        let attrs = match item {
            Item::Impl(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
        };
        let methods = item
            .methods()
            .filter_map(|method| Method::parse(&method, &attr, &self_ty, errors))
            .collect();
        let stem = attr.proxy.clone().unwrap_or_else(|| ident.unraw());
        Some(Client {
            cfgs: copied(attrs, &["cfg"]),
            channel: attr
                .name
                .as_ref()
                .map_or_else(|| ident.unraw().to_string(), |name| name.value()),
            names: Names {
                proxy: format_ident!("{stem}Proxy", span = ident.span()),
                leader: format_ident!("{stem}Leader", span = ident.span()),
                follower: format_ident!("{stem}Follower", span = ident.span()),
                real: format_ident!("__{stem}Client", span = ident.span()),
                index: format_ident!("__{stem}Method", span = ident.span()),
            },
            vis: attr.vis.as_ref().map_or(vis, |(_, vis)| vis.clone()),
            form,
            attr,
            methods,
        })
    }

    /// The annotated method with this name in Rust.
    pub(crate) fn named(&self, name: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.ident().unraw() == name)
    }
}

impl Method {
    /// None if the method is not annotated.
    fn parse(
        method: &AnyMethod<'_>,
        client: &ClientAttr,
        self_ty: &Type,
        errors: &mut Errors,
    ) -> Option<Method> {
        let helper = method.attrs.iter().find(|attribute| is_helper(attribute.path()))?;
        let attr = MethodAttr::parse(helper, errors);
        let name = method.sig.ident.unraw().to_string();
        let wire_name = match (&attr.name, client.rename_all) {
            (Some(given), _) => given.value(),
            (None, Some(case)) => case.apply(&name),
            (None, None) => name,
        };
        let context = typed(method.sig).next().is_some_and(|arg| is_context(&arg.ty));
        Some(Method {
            wire_name,
            context,
            args: typed(method.sig)
                .skip(usize::from(context))
                .filter_map(|arg| Arg::parse(arg, self_ty))
                .collect(),
            output: Output::parse(&method.sig.output, self_ty),
            cfgs: copied(method.attrs, &["cfg"]),
            docs: copied(method.attrs, &["doc", "must_use", "deprecated"]),
            sig: method.sig.clone(),
            vis: method.vis.clone(),
            attr,
        })
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.sig.ident
    }

    pub(crate) fn is_async(&self) -> bool {
        self.sig.asyncness.is_some()
    }

    /// Whether it is reached by its number. `#[close]` is not: it cannot be called over the wire.
    pub(crate) fn is_remote(&self) -> bool {
        !matches!(self.attr.role, Role::Close)
    }

    /// The `E` of a `Subscription<E>` or of a `Result<Subscription<E>, …>`.
    pub(crate) fn event(&self) -> Option<&Type> {
        let stream = match &self.output {
            Output::Unit => return None,
            Output::Value(ty) => ty,
            Output::Result(ty) => type_argument(ty, 0)?,
        };
        type_argument(stream, 0).filter(|_| is_named(stream, "Subscription"))
    }
}

impl Arg {
    fn parse(arg: &PatType, self_ty: &Type) -> Option<Arg> {
        let Pat::Ident(name) = &*arg.pat else {
            return None;
        };
        let ty = without_self(&arg.ty, self_ty);
        let passing = match peel(&ty) {
            Type::Reference(reference) if is_str(&reference.elem) => Passing::Str,
            Type::Reference(reference) => Passing::Ref(reference.elem.clone()),
            _ => Passing::Owned,
        };
        Some(Arg { ident: name.ident.clone(), ty, passing })
    }
}

impl Output {
    fn parse(output: &ReturnType, self_ty: &Type) -> Output {
        match output {
            ReturnType::Default => Output::Unit,
            ReturnType::Type(_, ty) if is_unit(ty) => Output::Unit,
            ReturnType::Type(_, ty) => {
                let ty = without_self(ty, self_ty);
                match is_named(&ty, "Result") {
                    true => Output::Result(ty),
                    false => Output::Value(ty),
                }
            }
        }
    }
}

/// A method of either kind of item.
pub(crate) struct AnyMethod<'a> {
    pub(crate) attrs: &'a [Attribute],
    pub(crate) vis: Visibility,
    pub(crate) sig: &'a Signature,
    /// Whether there is a body to fall back to.
    pub(crate) has_body: bool,
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let first = input.fork();
        match input.parse()? {
            syn::Item::Impl(item) => Ok(Item::Impl(item)),
            syn::Item::Trait(item) => Ok(Item::Trait(item)),
            _ => Err(first.error(
                "`#[cluster_client]` stands on `impl Type { … }` or on a trait: move it there",
            )),
        }
    }
}

impl Item {
    pub(crate) fn methods(&self) -> Box<dyn Iterator<Item = AnyMethod<'_>> + '_> {
        match self {
            Item::Impl(item) => Box::new(item.items.iter().filter_map(|item| match item {
                ImplItem::Fn(method) => Some(AnyMethod {
                    attrs: &method.attrs,
                    vis: method.vis.clone(),
                    sig: &method.sig,
                    has_body: true,
                }),
                _ => None,
            })),
            Item::Trait(item) => Box::new(item.items.iter().filter_map(|item| match item {
                TraitItem::Fn(method) => Some(AnyMethod {
                    attrs: &method.attrs,
                    vis: Visibility::Inherited,
                    sig: &method.sig,
                    has_body: method.default.is_some(),
                }),
                _ => None,
            })),
        }
    }

    /// The item as written, without the attributes that are ours.
    pub(crate) fn stripped(mut self) -> TokenStream {
        match &mut self {
            Item::Impl(item) => {
                for item in &mut item.items {
                    match item {
                        ImplItem::Fn(method) => strip(&mut method.attrs),
                        ImplItem::Const(item) => strip(&mut item.attrs),
                        ImplItem::Type(item) => strip(&mut item.attrs),
                        ImplItem::Macro(item) => strip(&mut item.attrs),
                        _ => {}
                    }
                }
                item.to_token_stream()
            }
            Item::Trait(item) => {
                for item in &mut item.items {
                    if let TraitItem::Fn(method) = item {
                        strip(&mut method.attrs);
                    }
                }
                item.to_token_stream()
            }
        }
    }
}

/// Also a helper under a condition: it has been refused, and the compiler would refuse it again.
fn strip(attrs: &mut Vec<Attribute>) {
    attrs.retain(|attribute| {
        let (_, metas) = conditional(attribute);
        !is_helper(attribute.path()) && !metas.iter().any(|meta| is_helper(meta.path()))
    });
}

/// The trait's `#[async_trait]`, by whatever path.
pub(crate) fn async_trait(item: &ItemTrait) -> Option<&Attribute> {
    item.attrs.iter().find(|attribute| {
        let last = attribute.path().segments.last();
        last.is_some_and(|last| last.ident == "async_trait")
    })
}

pub(crate) fn is_context(ty: &Type) -> bool {
    is_named(ty, "CallContext")
}

/// The arguments after the receiver.
pub(crate) fn typed(sig: &Signature) -> impl Iterator<Item = &PatType> {
    sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(arg) => Some(arg),
        FnArg::Receiver(_) => None,
    })
}

/// The attributes with one of these names, also those under a `cfg_attr`.
fn copied(attrs: &[Attribute], names: &[&str]) -> Vec<Attribute> {
    let is_wanted = |path: &Path| names.iter().any(|name| path.is_ident(name));
    attrs
        .iter()
        .flat_map(|attribute| {
            if is_wanted(attribute.path()) {
                return vec![attribute.clone()];
            }
            let (condition, metas) = conditional(attribute);
            let wanted = metas.into_iter().filter(|meta| is_wanted(meta.path()));
            wanted.map(|meta| parse_quote!(#[cfg_attr(#condition, #meta)])).collect()
        })
        .collect()
}

/// The condition and the attributes of a `#[cfg_attr(…)]`; of any other attribute, nothing.
pub(crate) fn conditional(attribute: &Attribute) -> (Option<Meta>, Vec<Meta>) {
    if !attribute.path().is_ident("cfg_attr") {
        return (None, Vec::new());
    }
    let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let mut metas = metas.unwrap_or_default().into_iter();
    (metas.next(), metas.collect())
}
