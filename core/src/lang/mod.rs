//! HTML, CSS, scripts, JSON and colors: the only knowledge of these languages, each with the places of what it finds.

pub(crate) mod color;
pub(crate) mod css;
pub(crate) mod html;
pub mod json;
pub(crate) mod script;
