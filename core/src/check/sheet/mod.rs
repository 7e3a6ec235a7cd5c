//! Checks of style sheets: selectors, the size of the canvas, effects, overlays and syntax.

mod canvas;
mod overlays;
mod selectors;
mod syntax;

pub(super) use canvas::opaque_root;

use super::page::Page;
use crate::findings::{Diagnostic, Text};
use crate::lang::style::StyleRule;

/// Checks the styles of a page, which have these rules; `is_mounted` says whether another page mounts it.
pub(super) fn check(
    page: &Page,
    text: &Text<'_>,
    rules: &[StyleRule<'_>],
    is_mounted: bool,
) -> Vec<Diagnostic> {
    let mut found = selectors::check(text, rules);
    found.extend(
        page.facts.sheets.iter().filter_map(|sheet| syntax::check(text, sheet.text(), sheet.start())),
    );
    found.extend(canvas::check(page, text, rules, is_mounted));
    found.extend(overlays::check(page, text, rules));
    found
}
