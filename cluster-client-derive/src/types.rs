//! Questions about types as the user wrote them.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit::Visit;
use syn::{GenericArgument, Lifetime, PathArguments, PathSegment, Type};

/// `ty` without the invisible groups that `macro_rules!` adds, and without parentheses.
pub(crate) fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        _ => ty,
    }
}

/// `Result<T, E>` of `std::result::Result<T, E>`.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match peel(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// Whether the last segment of `ty`'s path is `name`.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// The `index`th type between the angle brackets of `ty`'s last segment.
pub(crate) fn type_argument(ty: &Type, index: usize) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last_segment(ty)?.arguments else {
        return None;
    };
    arguments
        .args
        .iter()
        .filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
        .nth(index)
}

pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(peel(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}

pub(crate) fn is_str(ty: &Type) -> bool {
    matches!(peel(ty), Type::Path(path) if path.path.is_ident("str"))
}

/// The first lifetime in `ty` that is not `'static`.
pub(crate) fn borrow_in(ty: &Type) -> Option<&Lifetime> {
    struct Finder<'a>(Option<&'a Lifetime>);

    impl<'a> Visit<'a> for Finder<'a> {
        fn visit_lifetime(&mut self, lifetime: &'a Lifetime) {
            if lifetime.ident != "static" {
                self.0.get_or_insert(lifetime);
            }
        }
    }

    let mut finder = Finder(None);
    finder.visit_type(ty);
    finder.0
}

/// `ty` with `Self` spelled out: in the generated types `Self` would be another one.
pub(crate) fn without_self(ty: &Type, self_ty: &Type) -> Type {
    let self_ty = self_ty.to_token_stream();
    syn::parse2(replace_self(ty.to_token_stream(), &self_ty)).unwrap_or_else(|_| ty.clone())
}

fn replace_self(tokens: TokenStream, self_ty: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => self_ty.clone(),
            TokenTree::Group(group) => {
                let mut replaced =
                    Group::new(group.delimiter(), replace_self(group.stream(), self_ty));
                replaced.set_span(group.span());
                TokenTree::Group(replaced).into()
            }
            other => other.into(),
        })
        .collect()
}

/// The text of a type, equal however it was formatted and whatever compiler printed it: it is
/// compared between programs.
pub(crate) fn text(ty: &Type) -> String {
    let mut out = String::new();
    write(&mut out, ty.to_token_stream());
    out
}

fn write(out: &mut String, tokens: TokenStream) {
    use proc_macro2::Delimiter;

    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                write(out, group.stream());
                out.push_str(close);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' => out.push_str(", "),
                '+' => out.push_str(" + "),
                ';' => out.push_str("; "),
                other => out.push(other),
            },
            word => {
                if out.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
                    out.push(' ');
                }
                out.push_str(&word.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::{text, type_argument, without_self};

    #[test]
    fn text_does_not_depend_on_the_formatting() {
        assert_eq!(
            text(&parse_quote!(std::collections::HashMap<String, Vec<u8>>)),
            "std::collections::HashMap<String, Vec<u8>>"
        );
        assert_eq!(text(&parse_quote!(&[[u8; 4]])), "&[[u8; 4]]");
        assert_eq!(text(&parse_quote!((u8, Box<dyn A + Send>,))), "(u8, Box<dyn A + Send>, )");
    }

    #[test]
    fn self_is_spelled_out_at_any_depth() {
        let replaced = without_self(&parse_quote!(Vec<(Self, u8)>), &parse_quote!(api::Registry));
        assert_eq!(text(&replaced), "Vec<(api::Registry, u8)>");
    }

    #[test]
    fn type_arguments_are_counted_without_lifetimes() {
        let second = parse_quote!(Result<'static, A, B>);
        assert_eq!(type_argument(&second, 1).map(text).as_deref(), Some("B"));
        assert_eq!(type_argument(&second, 2).map(text), None);
    }
}
