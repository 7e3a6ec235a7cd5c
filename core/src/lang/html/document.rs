//! What the scan of a document finds.

use super::offsets::{Jump, Offsets};
use crate::text::Span;

/// What a document holds, in the order of the source.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// Every start tag.
    pub(crate) elements: Vec<Element>,
    /// Where the text of each `<style>` is.
    pub(crate) styles: Vec<Span>,
    /// Where the text of each `<script>` is that is JavaScript.
    pub(crate) scripts: Vec<Span>,
}

/// A start tag.
#[derive(Debug)]
pub(crate) struct Element {
    /// Name in lower case.
    pub(crate) name: String,
    /// Attributes in the order of the source; of two with one name the first counts, as in browsers.
    pub(crate) attributes: Vec<Attribute>,
    /// The whole tag.
    pub(crate) span: Span,
}

/// An attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// Name in lower case.
    pub(crate) name: String,
    /// Value with entities decoded and line ends normalized.
    pub(crate) value: String,
    /// Where the value is in the source, without its quotes; empty where there is none.
    pub(crate) span: Span,
    /// What surrounds the value.
    pub(crate) quote: Quote,
    /// From the value to the source.
    pub(super) jumps: Vec<Jump>,
}

/// What surrounds an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    /// `"`
    Double,
    /// `'`
    Single,
    /// Nothing.
    None,
}

impl Attribute {
    /// Returns the map from the value to the source.
    pub(crate) fn offsets(&self) -> Offsets {
        Offsets::new(self.span, self.jumps.clone())
    }
}

impl Element {
    /// The attribute named `name`.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The value of the attribute named `name`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|attribute| attribute.value.as_str())
    }
}
