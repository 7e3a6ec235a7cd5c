//! What the scan of a document finds.

use std::borrow::Cow;

use super::offsets::{Jump, Offsets};
use crate::text::Span;

/// What a document holds, in the order of the source.
#[derive(Debug, Default)]
pub(crate) struct Document<'a> {
    /// Every start tag.
    pub(crate) elements: Vec<Element<'a>>,
    /// Where the text of each `<style>` is.
    pub(crate) styles: Vec<Span>,
    /// Where the text of each `<script>` is that is JavaScript.
    pub(crate) scripts: Vec<Span>,
}

/// A start tag.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    /// Name in lower case.
    pub(crate) name: Cow<'a, str>,
    /// Attributes in the order of the source; of two with one name the first counts, as in browsers.
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// The whole tag.
    pub(crate) span: Span,
}

/// An attribute.
#[derive(Debug)]
pub(crate) struct Attribute<'a> {
    /// Name in lower case.
    pub(crate) name: Cow<'a, str>,
    /// Value with entities decoded and line ends normalized.
    pub(crate) value: Cow<'a, str>,
    /// Where the value is in the source, without its quotes; empty where there is none.
    pub(crate) span: Span,
    /// What surrounds the value.
    pub(crate) quote: Quote,
    /// From the value to the source.
    pub(super) jumps: Box<[Jump]>,
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

impl Attribute<'_> {
    /// Returns the map from the value to the source.
    pub(crate) fn offsets(&self) -> Offsets {
        Offsets::new(self.span, self.jumps.clone())
    }
}

impl<'a> Element<'a> {
    /// The attribute named `name`.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The value of the attribute named `name`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|attribute| &*attribute.value)
    }
}
