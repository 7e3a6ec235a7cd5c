//! Checks of style sheets: selectors, the size of the canvas, effects, overlays and syntax.

mod canvas;
mod declaration;
mod overlays;
mod selectors;
mod syntax;

pub(super) use canvas::opaque_root;

use super::page::Page;
use super::styles::{Sheets, StyleRule};
use crate::findings::{Diagnostic, Text};

/// Checks the styles of a page, which are `sheets` with these rules; `is_mounted` tells whether another page mounts it.
pub(super) fn check(
    page: &Page,
    text: &Text<'_>,
    sheets: &Sheets,
    rules: &[StyleRule<'_>],
    is_mounted: bool,
) -> Vec<Diagnostic> {
    let mut found = selectors::check(text, rules);
    found.extend(sheets.iter().filter_map(|(start, css)| syntax::check(text, css, start)));
    found.extend(canvas::check(page, text, rules, is_mounted));
    found.extend(overlays::check(page, text, rules));
    found
}
