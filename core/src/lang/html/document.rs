//! The result of scanning a document.

use std::borrow::Cow;

use super::offsets::{Jump, Offsets};
use crate::text::Span;

/// The embedded styles and scripts of a document, in source order.
#[derive(Debug, Default)]
pub(crate) struct EmbeddedTexts {
    /// The contents of each `<style>`.
    pub(crate) styles: Vec<Span>,
    /// The contents of each `<script>` that is a classic script.
    pub(crate) scripts: Vec<Span>,
    /// The contents of each `<script type="module">`.
    pub(crate) modules: Vec<Span>,
    /// The contents of each `<script type="importmap">`.
    pub(crate) import_maps: Vec<Span>,
}

/// A start tag.
#[derive(Clone, Debug)]
pub(crate) struct Element<'a> {
    /// Name in lower case.
    pub(crate) name: Cow<'a, str>,
    /// Attributes in source order; of several with the same name only the first is kept, as in browsers.
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// The whole tag.
    pub(crate) span: Span,
    /// The tag ends with `/>`.
    pub(crate) is_self_closing: bool,
    /// The element is, or is inside, an `<svg>` or `<math>`, where `/>` closes an element.
    pub(crate) is_foreign: bool,
}

/// A part of a document.
#[derive(Debug)]
pub(crate) enum Part<'e, 'a> {
    /// A start tag.
    Start(&'e Element<'a>),
    /// An end tag, with its name in lower case.
    End(&'e str, Span),
    /// The end of the document.
    EndOfFile,
}

/// An attribute.
#[derive(Clone, Debug)]
pub(crate) struct Attribute<'a> {
    /// Name in lower case; borrowed if it is written like this.
    pub(crate) name: Cow<'a, str>,
    /// The position of the name in the source.
    pub(crate) name_span: Span,
    /// Value with entities decoded and line ends normalized.
    pub(crate) value: Cow<'a, str>,
    /// The position of the value in the source, without its quotes; empty if there is no value.
    pub(crate) span: Span,
    /// The quotes around the value.
    pub(crate) quote: Quote,
    /// Maps offsets in the value to the source.
    pub(super) jumps: Box<[Jump]>,
}

/// The quotes around an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    /// `"`
    Double,
    /// `'`
    Single,
    /// No quotes.
    None,
}

impl Attribute<'_> {
    /// Returns the map from the value to the source.
    pub(crate) fn offsets(&self) -> Offsets {
        Offsets::new(self.span, self.jumps.clone())
    }
}

impl<'a> Element<'a> {
    /// Returns the attribute named `name`.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// Returns the value of the attribute named `name`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|attribute| &*attribute.value)
    }
}
