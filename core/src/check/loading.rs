//! When scripts run: libraries that come too late, and handlers of events that are over.

use std::collections::BTreeSet;

use super::page::{Page, Pages};
use crate::findings::{Diagnostic, Rule};
use crate::lang::script::Library;
use crate::text::Span;

/// Returns the first use of a library before the script that loads it: the page, and the place. The renderer puts scripts into
/// the page where they are written, whatever their `defer` and `async`; modules run later.
pub(super) fn late<'a>(
    pages: &'a Pages<'_>,
    parts: &[&'a Page],
    library: Library,
) -> Option<(&'a Page, Span)> {
    // GSAP looks for it when the first frame is drawn.
    if library == Library::MotionPath {
        return None;
    }
    let mut loads = Vec::new();
    for page in parts {
        for (source, (url, path)) in page.facts.sources.iter().zip(page.scripts()) {
            let is_loaded = match path.and_then(|path| pages.get(path)) {
                Some(file) => file.facts.scripts.iter().any(|script| script.provides.contains(library)),
                None => library.is_in(url) && (library != Library::Gsap || !is_plugin(url)),
            };
            if is_loaded {
                loads.push((page, source.1.start));
            }
        }
        for script in &page.facts.scripts {
            // A file is loaded by a page, or is a module.
            if script.provides.contains(library) && is_inline(page, script.start) {
                loads.push((page, script.start));
            }
        }
    }
    let (page, first) = loads.iter().copied().min_by_key(|(_, at)| *at)?;
    if loads.iter().any(|(other, _)| other.path != page.path) || !page.facts.import_map.is_empty() {
        return None;
    }
    let files = page.facts.sources.iter().zip(page.scripts()).filter_map(|(source, (_, path))| {
        let file = pages.get(path?)?;
        Some((source.1.start, file, file.facts.scripts.first()?))
    });
    let own = page.facts.scripts.iter().map(|script| (script.start, *page, script));
    let mut used = files.chain(own).filter(|(at, ..)| *at < first && !is_module(page, *at));
    used.find_map(|(_, file, script)| Some((file, *script.uses_at_once.get(library)?)))
}

/// Finds handlers of events that are over when scripts run.
pub(super) fn handlers(pages: &Pages<'_>, page: &Page) -> Vec<Diagnostic> {
    let text = page.text();
    let mut found = Vec::new();
    // Otherwise, the script looks whether the event is over.
    if !page.facts.usage.words.contains("readyState") {
        found.extend(page.facts.scripts.iter().filter_map(|script| script.load_handler).map(
            |(name, span)| {
                let message =
                    format!("{name} is set when the page has loaded already, so it is never called");
                let help =
                    "use addEventListener(\"load\", …), which the renderer calls, or run the code directly";
                text.finding(Rule::HandlerNotCalled, span, message).help(help)
            },
        ));
    }
    found.extend(page.facts.scripts.iter().filter_map(|script| script.blocker).map(|(name, span)| {
        let (then, help) = if name.starts_with(['d', 'l']) {
            ("replaces the page: the render fails", "change the page with the methods of its elements")
        } else {
            (
                "waits for an answer that never comes: the render does not end",
                "remove it, or use console.log()",
            )
        };
        text.finding(Rule::PageBlocked, span, format!("{name} {then}")).help(help)
    }));
    if page.facts.load_handlers.is_empty() {
        return found;
    }
    let files = page.scripts().filter_map(|(_, path)| pages.get(path?)).flat_map(|file| &file.facts.scripts);
    let globals = page.facts.scripts.iter().chain(files).flat_map(|script| &script.globals);
    let globals = globals.map(|(name, ..)| name.as_str()).collect::<BTreeSet<_>>();
    for (words, span) in &page.facts.load_handlers {
        if let Some(name) = words.iter().find(|word| globals.contains(word.as_str())) {
            let message = format!("onload runs before the script that declares {name}, so nothing is called");
            let help = "call it from the script";
            found.push(text.finding(Rule::HandlerNotCalled, *span, message).help(help));
        }
    }
    found
}

/// Returns whether a URL is that of a plugin of GSAP, in whose directory it may be.
fn is_plugin(url: &str) -> bool {
    let name = url.rsplit('/').next().unwrap_or_default();
    [Library::MotionPath, Library::ScrollTrigger, Library::SplitText].iter().any(|plugin| plugin.is_in(name))
}

fn is_inline(page: &Page, at: usize) -> bool {
    !page.outline.nodes.is_empty() && !is_module(page, at)
}

/// Returns whether the `<script>` at an offset is a module.
fn is_module(page: &Page, at: usize) -> bool {
    let nodes = &page.outline.nodes;
    let next = nodes.partition_point(|node| node.span.start <= at);
    let node = next.checked_sub(1).map(|index| &nodes[index]);
    node.and_then(|node| node.attribute("type")).is_some_and(|own| own.eq_ignore_ascii_case("module"))
}

#[cfg(test)]
mod tests {
    use crate::check::{CheckOptions, check};
    use crate::findings::Rule;
    use crate::project::{Contents, MemoryTree};

    const LOAD: &str = "<script src=\"gsap.js\"></script>";

    const USE: &str = "const tl = gsap.timeline(); window.__timelines = { a: tl };";

    /// Returns the findings of a rule in a page with a body, and an `anim.js` that uses GSAP.
    fn found(rule: Rule, head: &str, body: &str) -> Vec<String> {
        let page = format!(
            "<!doctype html><html><head>{head}</head><body>\
             <div data-composition-id=\"a\" data-width=\"1920\" data-height=\"1080\" data-duration=\"5\"><h1>x</h1>{body}</div></body></html>"
        );
        let files = [("index.html", &*page), ("gsap.js", "window.gsap = {};"), ("anim.js", USE)];
        let files = files.map(|(path, text)| (path.to_owned(), Contents::Whole(text.as_bytes().into())));
        let report = check(&MemoryTree::new(files.into(), ""), &CheckOptions::default());
        let found = report.findings.diagnostics.into_iter().filter(|found| found.rule == rule);
        found.map(|found| found.message).collect()
    }

    fn is_late(head: &str, body: &str) -> bool {
        found(Rule::LibraryNotLoaded, head, body) == ["GSAP is used before the script that loads it"]
    }

    #[test]
    fn a_library_must_be_loaded_before_it_is_used() {
        for script in [
            USE.to_owned(),
            format!("(function () {{ {USE} }})();"),
            format!("(() => {{ {USE} }})();"),
            format!("function build() {{ {USE} }} build();"),
            format!("const build = () => {{ {USE} }}; build();"),
        ] {
            assert!(is_late("", &format!("<script>{script}</script>{LOAD}")), "{script}");
            assert!(is_late(
                "",
                &format!("<script>{script}</script><script src=\"https://c.example/gsap.min.js\"></script>")
            ));
            assert!(!is_late("", &format!("{LOAD}<script>{script}</script>{LOAD}")), "{script}");
        }
        assert!(is_late("", &format!("<script src=\"anim.js\"></script>{LOAD}")));
        assert!(is_late(
            "<script defer src=\"anim.js\"></script><script defer src=\"gsap.js\"></script>",
            ""
        ));
        // What is in the directory of GSAP is not GSAP.
        let plugin = "<script src=\"https://c.example/gsap/ScrollTrigger.min.js\"></script>";
        assert!(is_late("", &format!("{plugin}<script>{USE}</script>{LOAD}")));
    }

    #[test]
    fn a_library_may_be_loaded_before_a_function_is_called() {
        for script in [
            format!("document.addEventListener(\"DOMContentLoaded\", () => {{ {USE} }});"),
            format!("addEventListener(\"load\", function () {{ {USE} }});"),
            format!("function build() {{ {USE} }}"),
            format!("if (document.readyState !== \"loading\") init(); function init() {{ {USE} }}"),
            format!("setTimeout(() => {{ {USE} }}, 0);"),
            format!("(async () => {{ await ready; {USE} }})();"),
            format!("class A {{ tl = gsap.timeline(); build() {{ {USE} }} }}"),
            format!("try {{ {USE} }} catch {{}}"),
            format!("if (window.gsap) {{ {USE} }}"),
            format!("(function () {{ if (typeof gsap === \"undefined\") return; {USE} }})();"),
        ] {
            assert!(!is_late("", &format!("<script>{script}</script>{LOAD}")), "{script}");
        }
        assert!(!is_late("", &format!("<script type=\"module\">{USE}</script>{LOAD}")));
        // The renderer ignores the attribute.
        assert!(!is_late("<script defer src=\"gsap.js\"></script>", &format!("<script>{USE}</script>")));
    }

    #[test]
    fn handlers_of_the_load_event_are_not_called() {
        let is_found = |attribute: &str, script: &str| {
            let body = format!("<img onload=\"{attribute}\" alt=\"\"><script>{script}</script>");
            !found(Rule::HandlerNotCalled, "", &body).is_empty()
        };
        for script in
            ["window.onload = () => {}", "onload = function () {}", "function go() {} window.onload = go"]
        {
            assert!(is_found("", script), "{script}");
        }
        assert!(is_found("", "document.onreadystatechange = () => {}"));
        assert!(is_found("", "document.body.onload = () => {}"));
        assert!(is_found("go(this)", "function go() {}"));
        for script in [
            "addEventListener('load', () => {})",
            "function go() {} window.onload = go; go()",
            "if (document.readyState === 'complete') go(); else window.onload = () => {}",
            "const image = new Image(); image.onload = () => {}",
            "window.onload = null",
            "function later() { window.onload = () => {} }",
        ] {
            assert!(!is_found("", script), "{script}");
        }
        assert!(!is_found("this.hidden = false", "function go() {}"));
        assert!(!is_found("go()", "const object = { go() {} }"));
    }
}
