//! Checks of CSS transitions.

use super::page::{Page, Pages};
use crate::findings::{Diagnostic, Rule};

pub(super) fn check(pages: &Pages<'_>, used: &std::collections::BTreeSet<&str>) -> Vec<Diagnostic> {
    let used = pages.all().filter(|page| used.contains(page.path.as_str()));
    used.flat_map(in_page).collect()
}

fn in_page(page: &Page) -> Vec<Diagnostic> {
    let text = page.text();
    let found = page.facts.transitions.iter().map(|span| {
        let message = "CSS transitions follow the real clock, not the time of the frame";
        let help = "change the style with the timeline";
        text.finding(Rule::CssTransition, *span, message).help(help)
    });
    found.collect()
}
