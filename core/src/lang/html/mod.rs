//! The only knowledge of HTML: start tags with their attributes, and the text of `<style>` and `<script>`, each
//! with its place.
//!
//! `html5gum` follows the HTML standard, so that text, comments, scripts and text areas are not markup, names are in
//! lower case and entities are decoded. Time is linear in the length of the source, also for hostile sources.

mod document;
mod draft;
mod offsets;
mod scan;

pub(crate) use document::{Attribute, Element, EmbeddedTexts, Quote};
pub(crate) use offsets::Offsets;
pub(crate) use scan::scan;
