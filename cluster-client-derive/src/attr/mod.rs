//! The attribute language: what stands in `#[cluster_client(…)]` and on the methods, typed.

pub(crate) mod case;
pub(crate) mod key;
pub(crate) mod keys;
mod timeout;

use proc_macro2::TokenStream;
use syn::parse::Parser as _;
use syn::{Attribute, Ident, LitStr, Meta, Path, Visibility, parse_quote};

use self::case::Case;
use self::key::Key;
use self::keys::Keys;
use crate::report::Errors;

/// `#[cluster_client(…)]`.
pub(crate) struct ClientAttr {
    pub(crate) name: Option<LitStr>,
    pub(crate) proxy: Option<Ident>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) krate: Path,
    pub(crate) vis: Option<(LitStr, Visibility)>,
    pub(crate) version: Option<LitStr>,
}

impl ClientAttr {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> ClientAttr {
        const ALLOWED: [&str; 6] = ["name", "proxy", "rename_all", "crate", "vis", "version"];
        let mut keys = Keys::parse("cluster_client", &ALLOWED, tokens, errors);
        ClientAttr {
            name: keys.text("name", errors),
            proxy: keys.parsed("proxy", stem, errors),
            rename_all: keys.parsed("rename_all", Case::parse, errors),
            krate: crate_path(&mut keys, errors),
            vis: keys.parsed("vis", visibility, errors),
            version: keys.text("version", errors),
        }
    }
}

/// One of `#[invoke]`, `#[subscribe]`, `#[publish]`, `#[close]` on a method.
pub(crate) struct MethodAttr {
    pub(crate) role: Role,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<LitStr>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) idempotent: Option<Ident>,
    pub(crate) spawn: bool,
    /// What a Node process means that names no method.
    pub(crate) default: Option<Ident>,
}

pub(crate) enum Role {
    Invoke,
    Oneway,
    Subscribe,
    Publish(Publish),
    Close,
}

pub(crate) struct Publish {
    pub(crate) event: bool,
    pub(crate) key: Option<Key>,
    pub(crate) undo: Option<LitStr>,
}

impl MethodAttr {
    /// The path of `attribute` is a [helper's](is_helper).
    pub(crate) fn parse(attribute: &Attribute, errors: &mut Errors) -> MethodAttr {
        let name = attribute.path().get_ident().map(ToString::to_string).unwrap_or_default();
        let allowed: &[&str] = match name.as_str() {
            "invoke" => &["oneway", "idempotent", "spawn", "timeout", "name", "version"],
            "subscribe" => &["default", "name", "version"],
            "publish" => &[
                "key",
                "event",
                "undo",
                "default",
                "idempotent",
                "spawn",
                "timeout",
                "name",
                "version",
            ],
            _ => &[],
        };
        let tokens = arguments(attribute, errors);
        let mut keys = Keys::parse(&name, allowed, tokens, errors);
        let role = match name.as_str() {
            "invoke" if keys.flag("oneway", errors).is_some() => Role::Oneway,
            "invoke" => Role::Invoke,
            "subscribe" => Role::Subscribe,
            "publish" => Role::Publish(Publish {
                event: keys.flag("event", errors).is_some(),
                key: keys.parsed("key", Key::parse, errors),
                undo: keys.text("undo", errors),
            }),
            _ => Role::Close,
        };
        MethodAttr {
            role,
            name: keys.text("name", errors),
            version: keys.text("version", errors),
            timeout_ms: keys.parsed("timeout", timeout::parse, errors),
            idempotent: keys.flag("idempotent", errors),
            spawn: keys.flag("spawn", errors).is_some(),
            default: keys.flag("default", errors),
        }
    }
}

/// Whether it is the path of an attribute that `#[cluster_client]` reads and removes.
pub(crate) fn is_helper(path: &Path) -> bool {
    ["invoke", "subscribe", "publish", "close"].iter().any(|name| path.is_ident(name))
}

/// The tokens between an attribute's parentheses.
pub(crate) fn arguments(attribute: &Attribute, errors: &mut Errors) -> TokenStream {
    match &attribute.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(pair) => {
            let name = pair.path.get_ident().map(ToString::to_string).unwrap_or_default();
            errors.push(
                attribute,
                format!("keys stand in parentheses: write `#[{name}(key = \"value\")]`"),
            );
            TokenStream::new()
        }
    }
}

/// `crate = "::renamed"`, or where the crate is when nobody renamed it.
pub(crate) fn crate_path(keys: &mut Keys, errors: &mut Errors) -> Path {
    keys.parsed("crate", absolute_path, errors).unwrap_or_else(|| parse_quote!(::cluster_client))
}

fn absolute_path(text: &LitStr) -> syn::Result<Path> {
    let refused = || {
        syn::Error::new_spanned(
            text,
            "the generated code needs an absolute path: write `crate = \"::renamed\"` or \
             `crate = \"crate::path\"`",
        )
    };
    let path = Path::parse_mod_style.parse_str(&text.value()).map_err(|_| refused())?;
    let rooted = path.leading_colon.is_some()
        || path.segments.first().is_some_and(|first| first.ident == "crate");
    if !rooted {
        return Err(refused());
    }
    text.parse_with(Path::parse_mod_style)
}

fn stem(text: &LitStr) -> syn::Result<Ident> {
    text.parse().map_err(|_| {
        syn::Error::new_spanned(
            text,
            "`proxy` is what the names of the generated types begin with: write \
             `proxy = \"Catalog\"` for `CatalogProxy`, `CatalogLeader` and `CatalogFollower`",
        )
    })
}

fn visibility(text: &LitStr) -> syn::Result<(LitStr, Visibility)> {
    let vis = text.parse().map_err(|_| {
        syn::Error::new_spanned(
            text,
            "no visibility: write `vis = \"pub(crate)\"`, or `vis = \"\"` for a private proxy",
        )
    })?;
    Ok((text.clone(), vis))
}
