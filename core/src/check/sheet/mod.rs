//! Checks of style sheets: selectors, the size of the canvas, effects, overlays and syntax.

mod canvas;
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

/// Returns the value of a declaration in a block, the last one if there are several.
fn value<'a>(body: &'a str, property: &str) -> Option<&'a str> {
    let declarations = body.rsplit(';').filter_map(|declaration| declaration.split_once(':'));
    let mut values = declarations.filter(|(name, _)| name.trim().eq_ignore_ascii_case(property));
    let (_, value) = values.next()?;
    let value = value.split('!').next().unwrap_or_default().trim();
    (!value.is_empty()).then_some(value)
}
