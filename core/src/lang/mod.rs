//! Parsers for HTML, CSS, scripts, JSON and colors, which record the positions of what they find.

pub(crate) mod color;
pub(crate) mod css;
pub(crate) mod html;
pub mod json;
pub(crate) mod script;
pub(crate) mod style;
