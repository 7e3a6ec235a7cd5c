//! Checks of source files that a tool must compile before browsers read them.

use super::page::Page;
use crate::findings::{Diagnostic, Rule};
use crate::lang::css::Need;

/// Types of scripts that a library compiles in the browser.
const COMPILED: &[&str] = &["text/babel", "text/jsx", "text/tsx", "text/typescript"];

/// Finds style sheets, modules and scripts in languages that browsers do not read.
pub(super) fn check(page: &Page) -> Vec<Diagnostic> {
    let text = page.text();
    let nodes = &page.outline.nodes;
    let mut found = Vec::new();
    for (reference, destination) in &page.references {
        let Some((_, extension)) = destination.path().and_then(|path| path.rsplit_once('.')) else {
            continue;
        };
        let next = nodes.partition_point(|node| node.span.start <= reference.span.start);
        let node = next.checked_sub(1).map(|index| &nodes[index]);
        let is_in = |name: &str| node.is_some_and(|node| &*node.name == name);
        let is_module = || {
            let own = node.and_then(|node| node.attribute("type"));
            reference.is_module() || own.is_some_and(|own| own.eq_ignore_ascii_case("module"))
        };
        let is_uncompiled = match extension {
            "less" | "sass" | "scss" => is_in("link") && reference.need == Need::Always,
            "jsx" | "ts" | "tsx" => is_module(),
            _ => false,
        };
        if is_uncompiled {
            let message = format!("browsers do not read .{extension} files");
            let help = "compile the file, and refer to the result";
            found.push(text.finding(Rule::UncompiledSource, reference.span, message).help(help));
        }
    }
    // A library may compile them.
    if page.facts.sources.is_empty() {
        let scripts = nodes.iter().filter(|node| &*node.name == "script");
        let uncompiled = scripts.filter_map(|node| node.attribute("type").map(|own| (node, own)));
        for (node, own) in uncompiled.filter(|(_, own)| COMPILED.contains(own)) {
            let message = format!("browsers do not run scripts of type {own:?}, and nothing compiles it");
            let help = "compile the script, or load Babel before it";
            found.push(text.finding(Rule::UncompiledSource, node.span, message).help(help));
        }
    }
    found
}
