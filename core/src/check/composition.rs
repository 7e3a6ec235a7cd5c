//! Checks of the entry composition (existence, root, size, duration) and of mounts.

use std::collections::{BTreeMap, BTreeSet};

use super::markup;
use super::page::{Page, Pages};
use super::references::remedy;
use crate::composition::{Measure, Root, Shape};
use crate::findings::{Diagnostic, Rule, Severity, Text};
use crate::lang::json::spelling;
use crate::lang::script::{Library, is_library_file};
use crate::options::AspectRatio;
use crate::project::{DEFAULT_COMPOSITION, Found, Tree, join};
use crate::text::Span;

/// Methods of GSAP, or of a timeline of another kind, that give a timeline a duration.
const TIMELINE_CALLS: &[&str] = &[
    "add",
    "addPause",
    "call",
    "duration",
    "from",
    "fromTo",
    "progress",
    "seek",
    "set",
    "time",
    "to",
    "totalDuration",
    "tweenTo",
];

/// Returns the finding for an entry that is not packed: it is either ignored or does not exist.
pub(super) fn missing(tree: &dyn Tree, path: &str) -> Diagnostic {
    let full = join(tree.project(), path);
    if tree.find(&full) == Found::File
        && let Some(reason) = tree.rules().exclusion_of_file(path)
    {
        let message = format!("the composition is excluded from the archive: {reason}");
        return Diagnostic::new(Rule::CompositionIgnored, full, message).help(remedy(&reason));
    }
    let help = if path == DEFAULT_COMPOSITION {
        format!("a project must have {DEFAULT_COMPOSITION} at its root, whichever composition is rendered")
    } else {
        "pass a path inside the project, such as compositions/intro.html".to_owned()
    };
    Diagnostic::new(Rule::CompositionMissing, full, "the composition was not found in the project").help(help)
}

/// Checks an entry: a composition that is rendered.
pub(super) fn entry(page: &Page, asked: Option<AspectRatio>) -> Vec<Diagnostic> {
    let text = page.text();
    let Some(root) = &page.composition.root else { return without_root(page, &text) };
    let mut found = size(page, &text, root, asked);
    found.extend(duration(page, &text, root));
    found
}

/// Returns why an entry has no root: a tag that swallows the rest of the page, if there is one.
fn without_root(page: &Page, text: &Text<'_>) -> Vec<Diagnostic> {
    let mut found = markup::check(page, text);
    found.retain(|found| {
        found.severity == Severity::Error && matches!(found.rule, Rule::UnbalancedStyle | Rule::UnclosedTag)
    });
    if !found.is_empty() {
        return found;
    }
    let message = Shape::NoRoot.to_string();
    if let Some(start) = commented_root(&page.source) {
        let message = format!("{message}; the root is inside of this comment");
        let span = Span { start, end: start + "<!--".len() };
        let help = "write --> where the comment ends, or remove it";
        return vec![text.finding(Rule::RootMissing, span, message).help(help)];
    }
    let mut open = page.outline.nodes.iter().filter(|node| !node.is_closed);
    vec![match open.find(|node| markup::RAW.contains(&&*node.name)) {
        Some(node) => {
            let name = &node.name;
            let message = format!("{message}; <{name}> is never closed, and contains the rest of the file");
            text.finding(Rule::RootMissing, node.span, message).help(format!("add </{name}>"))
        }
        None => {
            let help =
                "add data-composition-id, data-width, data-height and data-duration to the root element";
            Diagnostic::new(Rule::RootMissing, &page.path, message).help(help)
        }
    }]
}

/// Returns the start of a comment that contains a root.
fn commented_root(source: &str) -> Option<usize> {
    let root = source.find("data-composition-id")?;
    let start = source[..root].rfind("<!--")?;
    let inside = &source[start + 4..root];
    (inside.contains('<') && !inside.contains("-->")).then_some(start)
}

fn size(page: &Page, text: &Text<'_>, root: &Root, asked: Option<AspectRatio>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, measure) in [("data-width", &root.width), ("data-height", &root.height)] {
        let invalid = match measure {
            Measure::Number(value, span) if *value <= 0.0 => Some((spelling(*value), *span)),
            Measure::Invalid(given, span) => Some((format!("{given:?}"), *span)),
            _ => None,
        };
        if let Some((given, span)) = invalid {
            let message = format!("{name} must be a positive number of pixels, not {given}");
            found.push(
                text.finding(Rule::DimensionsInvalid, span, message)
                    .help("write a number of pixels, such as 1920"),
            );
        }
    }
    if !found.is_empty() || [&root.width, &root.height].contains(&&Measure::Placeholder) {
        return found;
    }
    let shape = page.composition.shape();
    match (asked, shape) {
        (None, Shape::Matched { .. })
        | (Some(_), Shape::NoDimensions | Shape::NoRoot | Shape::InvalidDimensions { .. }) => {}
        (Some(asked), Shape::Matched { ratio, .. }) if asked == ratio => {}
        (Some(asked), _) => found.push(
            text.finding(
                Rule::AspectRatioMismatch,
                root.span,
                format!("--aspect-ratio {asked} does not match the composition: {shape}"),
            )
            .help("remove --aspect-ratio; a render has the aspect ratio of its composition"),
        ),
        (None, Shape::Unsupported { .. }) => found.push(
            text.finding(
                Rule::AspectRatioUnsupported,
                root.span,
                format!("the cloud does not support this aspect ratio: {shape}"),
            )
            .help("change data-width and data-height to 16:9, 9:16 or 1:1, or render with --renderer local"),
        ),
        (None, _) => found.push(
            text.finding(Rule::DimensionsMissing, root.span, format!("{shape}; the cloud renders at 16:9"))
                .help("add data-width and data-height, in pixels, to the root element"),
        ),
    }
    found
}

fn duration(page: &Page, text: &Text<'_>, root: &Root) -> Option<Diagnostic> {
    let invalid = |given: String, span| {
        let message = format!("data-duration must be a positive number of seconds, not {given}");
        Some(
            text.finding(Rule::DurationInvalid, span, message)
                .help("write a number of seconds, such as 5 or 2.5"),
        )
    };
    match &root.duration {
        Measure::Placeholder => None,
        Measure::Number(value, _) if *value > 0.0 => None,
        Measure::Number(value, span) => invalid(spelling(*value), *span),
        Measure::Invalid(given, span) => invalid(format!("{given:?}"), *span),
        Measure::Missing => {
            let facts = &page.facts;
            // A timeline, a script that may make one, or an animation whose end the runtime finds.
            let words = &facts.usage.words;
            let has_word = |known: &[&str]| known.iter().any(|word| words.contains(*word));
            // A timeline without any of these calls stays empty.
            let has_timeline = has_word(&["__timelines", "gsap"]) && has_word(TIMELINE_CALLS);
            let scripted = facts.sources.iter().any(|(url, _)| !is_library_file(url))
                || has_timeline
                || has_word(&["animate", "lottie", "anime", "dataset", "data-duration"])
                || facts.scripts.iter().any(|script| {
                    script.animates
                        || script.may_register
                        || script.error.is_some()
                        || script.uses.contains(Library::Lottie)
                        || script.references.iter().any(|reference| reference.is_module)
                });
            let animated = facts.has_animation || page.outline.first_with("data-lottie-src").is_some();
            let inferable = scripted || animated || facts.has_clips || !page.composition.mounts.is_empty();
            let message = "the duration of the composition is unknown";
            let help = "add data-duration, in seconds, to the root element";
            (!inferable).then(|| text.finding(Rule::DurationMissing, root.span, message).help(help))
        }
    }
}

/// Finds compositions that mount each other in a cycle. Each cycle is reported once, at the mount that closes it.
pub(super) fn mounts(pages: &Pages<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    // Pages whose mounts have all been visited.
    let mut done = BTreeSet::new();
    let mut texts = BTreeMap::new();
    for page in pages.all().filter(|page| page.is_composition()) {
        // The current path, with the number of mounts followed from each page. No recursion: a chain may be as long as
        // the project has files.
        let mut way = vec![(page, 0)];
        let mut above = BTreeMap::from_iter([(page.path.as_str(), true)]);
        while let Some((page, next)) = way.last_mut() {
            let page = *page;
            let mount = page.composition.mounts.get(*next).filter(|_| !done.contains(page.path.as_str()));
            let Some(mount) = mount else {
                done.insert(page.path.as_str());
                above.insert(page.path.as_str(), false);
                way.pop();
                continue;
            };
            *next += 1;
            let Some(mounted) = pages.mounted(page, mount.source_span) else { continue };
            if above.insert(mounted.path.as_str(), true) != Some(true) {
                way.push((mounted, 0));
            } else {
                let cycle = way.iter().map(|(page, _)| page.path.as_str());
                let cycle = cycle.skip_while(|path| *path != mounted.path).chain([mounted.path.as_str()]);
                let message =
                    format!("the composition mounts itself: {}", cycle.collect::<Vec<_>>().join(" → "));
                let help = "remove one of these mounts";
                let text = texts.entry(page.path.as_str()).or_insert_with(|| page.text());
                found.push(text.finding(Rule::MountCycle, mount.source_span, message).help(help));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::{CheckOptions, check};
    use crate::findings::Rule;
    use crate::project::{Contents, MemoryTree};

    #[test]
    fn what_swallows_the_root_is_named() {
        let root = "<div data-composition-id=a data-width=1920 data-height=1080 data-duration=1></div>";
        for (before, rule, column) in [
            ("<p><style>p { color: red }", Rule::UnbalancedStyle, 4),
            ("<p><title>Film", Rule::RootMissing, 4),
            ("<script>let a = 1", Rule::RootMissing, 1),
        ] {
            let page = format!("<!doctype html>\n{before}\n{root}");
            let files = [("index.html".to_owned(), Contents::Whole(page.into()))];
            let report = check(&MemoryTree::new(files.into(), ""), &CheckOptions::default());
            let found = report.findings.diagnostics.iter();
            let found =
                found.map(|found| (found.rule, found.position.map(|place| (place.line, place.column))));
            assert_eq!(found.collect::<Vec<_>>(), [(rule, Some((2, column)))], "{before}");
        }
    }
}
