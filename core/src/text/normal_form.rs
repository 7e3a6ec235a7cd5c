//! Unicode normal forms of names.

use std::sync::OnceLock;

/// Returns the canonical decomposition (NFD) of a text.
pub type Decomposition = fn(&str) -> String;

static DECOMPOSITION: OnceLock<Decomposition> = OnceLock::new();

/// Sets the decomposition of the host, once, for builds without the feature `normal-forms`: the tables of Unicode are
/// large, and JavaScript has them. Without both, texts are compared as they are.
pub fn set_decomposition(decompose: Decomposition) {
    let _ = DECOMPOSITION.set(decompose);
}

/// Returns the canonical decomposition (NFD) of a text: texts that look the same become equal.
pub(crate) fn decomposed(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    DECOMPOSITION.get().map_or_else(|| by_table(text), |decompose| decompose(text))
}

#[cfg(feature = "normal-forms")]
fn by_table(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;

    text.nfd().collect()
}

#[cfg(not(feature = "normal-forms"))]
fn by_table(text: &str) -> String {
    text.to_owned()
}
