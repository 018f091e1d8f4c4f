//! Options from the environment.

use std::ffi::OsString;

use super::invalid;
use crate::Error;

/// An environment variable that is set to something.
pub(super) struct Variable {
    pub(super) name: String,
    value: OsString,
}

impl Variable {
    /// The variable of this name, or the one that the npm package reads.
    pub(super) fn find(name: &str, env: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        [name.to_owned(), format!("NODE_{name}")].into_iter().find_map(|name| {
            let value = env(&name).filter(|value| !value.is_empty())?;
            Some(Self { name, value })
        })
    }

    pub(super) fn parse<T>(
        &self,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let value = self.value.to_string_lossy();
        parse(value.trim()).ok_or_else(|| invalid(&self.name, &value, rule))
    }
}
