//! `rename_all = "camelCase"`: from a method's name to its name on the wire.

use syn::LitStr;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Case {
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const CASES: [(&str, Case); 6] = [
    ("PascalCase", Case::Pascal),
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("kebab-case", Case::Kebab),
    ("SCREAMING-KEBAB-CASE", Case::ScreamingKebab),
];

impl Case {
    pub(crate) fn parse(text: &LitStr) -> syn::Result<Case> {
        let value = text.value();
        CASES.iter().find(|(name, _)| *name == value).map(|(_, case)| *case).ok_or_else(|| {
            let names: Vec<String> = CASES.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let message = format!("unknown case: write one of {}", names.join(", "));
            syn::Error::new_spanned(text, message)
        })
    }

    /// `name` is a method's name, thus in snake case.
    pub(crate) fn apply(self, name: &str) -> String {
        let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
        match self {
            Case::Snake => name.to_owned(),
            Case::ScreamingSnake => words.join("_").to_uppercase(),
            Case::Kebab => words.join("-"),
            Case::ScreamingKebab => words.join("-").to_uppercase(),
            Case::Pascal => words.iter().map(|word| capitalised(word)).collect(),
            Case::Camel => words
                .iter()
                .enumerate()
                .map(|(index, word)| match index {
                    0 => (*word).to_owned(),
                    _ => capitalised(word),
                })
                .collect(),
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{CASES, Case};

    #[test]
    fn every_case() {
        let renamed: Vec<String> =
            CASES.iter().map(|(_, case)| case.apply("get_user_v2")).collect();
        assert_eq!(
            renamed,
            ["GetUserV2", "getUserV2", "get_user_v2", "GET_USER_V2", "get-user-v2", "GET-USER-V2",]
        );
    }

    #[test]
    fn leading_underscores_are_no_words() {
        assert_eq!(Case::Camel.apply("_get__user"), "getUser");
    }
}
