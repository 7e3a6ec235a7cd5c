//! Checks of modules that import packages by name.

use super::page::{Page, Pages};
use crate::findings::{Diagnostic, Rule};

/// Finds packages that modules import by name, and that no import map has.
pub(super) fn check(pages: &Pages<'_>, page: &Page) -> Vec<Diagnostic> {
    let text = page.text();
    let imported = page.facts.scripts.iter().flat_map(|script| &script.packages);
    let unknown = imported.filter(|(name, _)| {
        let keys = name.match_indices('/').map(|(at, _)| &name[..=at]).chain([name.as_str()]);
        let keys = keys.map(|key| format!("{key:?}")).collect::<Vec<_>>();
        !pages.all().any(|page| {
            let facts = &page.facts;
            facts.usage.words.contains("importmap") || keys.iter().any(|key| facts.import_map.contains(key))
        })
    });
    let unknown = unknown.map(|(name, span)| {
        let message = format!("no import map has the package {name:?}, so the module does not run");
        let help = "import a file or a URL, or add <script type=\"importmap\">";
        text.finding(Rule::LibraryNotLoaded, *span, message).help(help)
    });
    unknown.collect()
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
        let files = [("index.html", page.as_str()), ("gsap.js", "var gsap = {}"), ("app.js", "")];
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

    #[test]
    fn libraries_are_loaded_before_they_are_used() {
        let [file, remote] =
            ["gsap.js", "https://cdn.example/gsap.js"].map(|url| format!("<script src={url}></script>"));
        let used = "<script>const t = gsap.timeline(); window.__timelines = { a: t }</script>";
        let late = |scripts: String| messages(&scripts) == ["GSAP is loaded after this script runs"];
        for (attribute, url) in [("defer", &file), ("async", &file), ("type=module", &file)] {
            assert!(late(url.replace("<script", &format!("<script {attribute}")) + used), "{attribute}");
        }
        assert!(late(format!("{used}{file}")) && late(format!("{used}{remote}")));
        for scripts in [
            format!("{file}{used}"),
            format!("{remote}{used}"),
            remote.replace("<script", "<script defer") + used,
            format!("<script src=app.js></script>{used}{file}"),
            format!("<script>onload = () => {{ gsap.timeline() }}</script>{file}"),
            format!("<script>if (window.gsap) gsap.timeline()</script>{file}"),
        ] {
            assert_eq!(messages(&scripts), Vec::<String>::new(), "{scripts}");
        }
    }
}
