//! Checks of modules that import packages by name.

use super::page::{Page, Pages};
use crate::findings::{Diagnostic, Rule};
use crate::lang::json::Node;

/// Finds packages that modules import by name, and that no import map has.
pub(super) fn check(pages: &Pages<'_>, page: &Page) -> Vec<Diagnostic> {
    let text = page.text();
    let mut found = Vec::new();
    let map = &page.facts.import_map;
    let mut maps_of_page =
        page.outline.nodes.iter().filter(|node| node.attribute("type") == Some("importmap"));
    if let (Some(node), None) = (maps_of_page.next(), maps_of_page.next())
        && let Err(error) = Node::parse(map)
        && !map.is_empty()
    {
        let message = format!("the import map is not valid JSON, so it has no effect: {}", error.message);
        found.push(text.finding(Rule::ScriptSyntaxError, node.span, message).help("correct the JSON"));
    }
    for (name, span) in page.facts.scripts.iter().flat_map(|script| &script.packages) {
        if !pages.all().any(|other| maps(other, name)) {
            let message = format!("no import map has the package {name:?}, so the module does not run");
            let help = "import a file or a URL, or add <script type=\"importmap\">";
            found.push(text.finding(Rule::LibraryNotLoaded, *span, message).help(help));
        }
    }
    found
}

/// Returns whether an import map of a page has a package or a directory of it, or a script may make a map.
fn maps(page: &Page, name: &str) -> bool {
    let mut key = name;
    loop {
        if page.facts.import_map.contains(&format!("{key:?}")) {
            return true;
        }
        match key.trim_end_matches('/').rfind('/') {
            Some(slash) => key = &key[..=slash],
            None => return page.facts.usage.words.contains("importmap"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{CheckOptions, check};
    use crate::project::{Contents, MemoryTree};

    /// The messages about libraries in a page with these scripts.
    fn messages(scripts: &str) -> Vec<String> {
        let page = format!(
            "<!doctype html><html><div data-composition-id=a data-width=1920 data-height=1080 data-duration=1></div>\
             {scripts}</html>"
        );
        let files = [("index.html", page.as_str()), ("app.js", "")];
        let files = files.map(|(path, text)| (path.to_owned(), Contents::Whole(text.to_owned().into())));
        let report = check(&MemoryTree::new(files.into(), ""), &CheckOptions::default());
        let found = report.findings.diagnostics.into_iter();
        found.filter(|found| found.rule.code() == "library-not-loaded").map(|found| found.message).collect()
    }

    #[test]
    fn packages_need_an_import_map() {
        let module = "<script type=module>import '@a/b/c.js'; import './app.js'; import('d')</script>";
        let message = "no import map has the package \"@a/b/c.js\", so the module does not run";
        assert_eq!(messages(module), [message]);
        for map in ["{\"imports\":{\"@a/b/\":\"./\"}}", "{\"imports\":{\"@a/b/c.js\":\"./app.js\"}}"] {
            let map = format!("<script type=importmap>{map}</script>");
            assert_eq!(messages(&(map + module)), Vec::<String>::new());
        }
    }
}
