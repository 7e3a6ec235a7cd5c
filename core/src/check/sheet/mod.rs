//! Checks of style sheets: selectors, the size of the canvas, effects, overlays and syntax.

mod canvas;
mod declaration;
mod overlays;
mod selectors;
mod syntax;

use super::fonts::without_comments;
use super::page::Page;
use super::styles::rules;
use crate::findings::{Diagnostic, Text};

/// Checks the styles of a page; `is_mounted` tells whether another page mounts it.
pub(super) fn check(page: &Page, text: &Text<'_>, is_mounted: bool) -> Vec<Diagnostic> {
    let sheets = page
        .facts
        .styles
        .iter()
        .map(|style| (style.start, without_comments(&text.source[style.start..style.end])));
    let sheets = sheets.collect::<Vec<_>>();
    let rules = sheets.iter().flat_map(|(start, css)| rules(css, *start)).collect::<Vec<_>>();
    let mut found = selectors::check(text, &rules);
    found.extend(sheets.iter().filter_map(|(start, css)| syntax::check(text, css, *start)));
    found.extend(canvas::check(page, text, &rules, is_mounted));
    found.extend(overlays::check(page, text, &rules));
    found
}
