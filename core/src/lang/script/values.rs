//! Names that hold the values of variables.

use std::collections::BTreeMap;

/// What is known about uses of the values.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// The number of declarations of each name, of any kind.
    pub(super) bindings: BTreeMap<String, usize>,
    /// Names that hold the values, with the number of times that they get them.
    pub(super) aliases: BTreeMap<String, usize>,
    /// Reads through names that hold the values.
    pub(super) reads: Vec<(String, oxc_span::Span)>,
    /// A name is used in a way that may read any variable, or may hold something else.
    pub(super) is_unclear: bool,
}

impl Values {
    pub(super) fn bind(&mut self, name: &str) {
        *self.bindings.entry(name.to_owned()).or_default() += 1;
    }

    /// Returns whether a name is declared once.
    pub(super) fn is_unique(&self, name: &str) -> bool {
        self.bindings.get(name).is_none_or(|count| *count <= 1)
    }

    pub(super) fn is_alias(&self, name: &str) -> bool {
        self.aliases.contains_key(name)
    }
}
