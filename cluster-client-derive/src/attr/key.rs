//! `key = "instance.id"` or `key = "(service, instance.id)"`.

use syn::{Expr, Ident, LitStr};

/// What of the arguments names a publication.
pub(crate) struct Key {
    pub(crate) text: LitStr,
    pub(crate) parts: Vec<KeyPart>,
}

pub(crate) struct KeyPart {
    pub(crate) argument: Ident,
    /// The argument itself or a field of it.
    pub(crate) path: Expr,
}

impl Key {
    pub(crate) fn parse(text: &LitStr) -> syn::Result<Key> {
        let refused = || {
            syn::Error::new_spanned(
                text,
                "a key is a field path or a tuple of them: write `key = \"instance.id\"` or \
                 `key = \"(service, instance.id)\"`",
            )
        };
        let parts = match text.parse::<Expr>().map_err(|_| refused())? {
            Expr::Tuple(tuple) => tuple.elems.into_iter().collect(),
            Expr::Paren(single) => vec![*single.expr],
            single => vec![single],
        };
        if parts.is_empty() {
            return Err(refused());
        }
        let parts = parts
            .into_iter()
            .map(|path| {
                let argument = argument(&path).ok_or_else(refused)?;
                Ok(KeyPart { argument, path })
            })
            .collect::<syn::Result<_>>()?;
        Ok(Key { text: text.clone(), parts })
    }
}

impl KeyPart {
    /// The argument, where it is taken as it is.
    pub(crate) fn whole(&self) -> Option<&Ident> {
        match &self.path {
            Expr::Path(path) => path.path.get_ident(),
            _ => None,
        }
    }
}

fn argument(path: &Expr) -> Option<Ident> {
    match path {
        Expr::Path(path) => path.path.get_ident().cloned(),
        Expr::Field(field) => argument(&field.base),
        _ => None,
    }
}
