//! HTML scanner: start tags with their attributes, and the contents of `<style>` and `<script>`, with their positions.
//!
//! The tokenizer `html5gum` follows the HTML standard: text, comments, scripts and text areas are not markup, names
//! are in lower case, and entities are decoded. Scanning takes linear time, also for malicious sources.

mod document;
mod draft;
mod offsets;
mod pause;
mod scan;

pub(crate) use document::{Attribute, Element, EmbeddedTexts, Part, Quote};
pub(crate) use offsets::Offsets;
pub(crate) use scan::{scan, scan_parts};
