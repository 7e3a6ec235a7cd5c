//! The checks of whole projects.

use hyperframes_ci_core::check::{CheckOptions, Report, check};
use hyperframes_ci_core::findings::Rule;
use hyperframes_ci_core::project::{Contents, MemoryTree};
use hyperframes_ci_core::report::render;
use proptest::prelude::*;

fn found(files: &[(&str, String)]) -> Report {
    let contents =
        files.iter().map(|(path, text)| ((*path).to_owned(), Contents::Whole(text.clone().into_bytes())));
    check(&MemoryTree::new(contents.collect(), ""), &CheckOptions::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Whatever is in a project, its findings have places in its files.
    #[test]
    fn any_project_is_checked(
        page in "(<|>|=|'|\"|&quot;|\\{|\\}|\\[|\\]|:|,| |\n|html|div|img|style|script|/|src|href|a|\\.png|url\\(|var\\(--a|getVariables\\(\\)|data-composition-(id|variables|src)|data-var-(text|src)|data-variable-values|data-width|1|é|\\PC){0,60}",
        style in "(a|\\{|\\}|:|;|url\\(|\\)|var\\(|--x|\"|'|\\\\|/\\*|\\*/|@import|é){0,30}",
        script in "(a|\\{|\\}|\\(|\\)|\\.|;|=|const |getVariables|\"|'|`|\\$\\{|/|\\*|\\\\|\n|é){0,30}",
    ) {
        let page = format!("{page}<link href=a.css><script src=a.js></script>");
        let files = [("index.html", page), ("a.css", style), ("a.js", script)];
        let report = found(&files);
        for found in &report.findings.diagnostics {
            let source = files.iter().find(|(path, _)| *path == found.path).map(|(_, text)| text);
            if let (Some(span), Some(source)) = (found.span, source) {
                prop_assert!(span.start <= span.end && span.end <= source.len(), "{:?}", found);
                prop_assert!(source.is_char_boundary(span.start) && source.is_char_boundary(span.end), "{:?}", found);
            }
        }
        for format in ["human", "json", "github", "sarif"] {
            let _ = render(&report.findings, format.parse().expect("a format"), true);
        }
    }
}

#[test]
fn a_library_that_a_script_adds_is_loaded() {
    let page = |script: &str| {
        format!(
            "<!doctype html><html><div data-composition-id=a data-width=1920 data-height=1080 data-duration=1></div>\
             <script>{script}\nwindow.__timelines = {{ a: gsap.timeline() }}</script></html>"
        )
    };
    let errors = |script: &str| {
        let bundle =
            format!("/*! bundle */ var e = {{}}; {}", "Object.assign(window, { gsap: e });".repeat(2));
        let report = found(&[("index.html", page(script)), ("app.js", bundle)]);
        report.findings.diagnostics.iter().filter(|found| found.rule == Rule::LibraryNotLoaded).count()
    };
    assert_eq!(errors(""), 1);
    assert_eq!(errors("document.createElement('p')"), 1);
    for script in [
        "const s = document.createElement('script'); s.src = 'https://cdn.example/gsap.min.js'; document.head.append(s);",
        "document.write('<script src=gsap.js></' + 'script>')",
        "import('https://cdn.example/gsap.js').then(start)",
        "</script><script type=module>import 'https://cdn.example/gsap@3'",
        "</script><script src=app.js></script><script>",
    ] {
        assert_eq!(errors(script), 0, "{script}");
    }
}
