//! The only knowledge of HTML: start tags with their attributes, and the text of `<style>` and `<script>`, each
//! with its place.
//!
//! `html5gum` follows the HTML standard, so text, comments, scripts and text areas are no markup, names come in lower
//! case and entities are decoded. It runs in time linear in the source, whatever the source is.

mod document;
mod draft;
mod offsets;
mod scan;

pub(crate) use document::{Attribute, Document, Element, Quote};
pub(crate) use offsets::Offsets;
pub(crate) use scan::scan;
