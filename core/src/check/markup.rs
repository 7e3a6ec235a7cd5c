//! Checks of tags: what browsers parse differently than their author meant.

use super::outline::{Node, Outline};
use super::page::Page;
use super::timing::number;
use crate::findings::{Diagnostic, Rule, Severity, Text};
use crate::project::TextKind;
use crate::text::Span;

/// Elements whose content is text up to their end tag.
pub(super) const RAW: &[&str] = &["iframe", "noscript", "script", "style", "textarea", "title", "xmp"];

/// The start of a section of XML.
const SECTION: &str = "<![CDATA[";

pub(super) fn check(page: &Page, text: &Text<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, node) in page.outline.nodes.iter().enumerate() {
        if node.has_swallowed {
            let message =
                format!("<{}> is not closed with > before the next tag, which becomes part of it", node.name);
            let help = "add the missing >, or quote the attribute that contains <";
            found.push(text.finding(Rule::UnclosedTag, node.span, message).help(help));
        }
        if is_left_open(&page.outline, index) {
            let name = &text.source[node.span.start + 1..][..node.name.len()];
            let message = format!(
                "the renderer does not close an empty <{name}> in <svg>, so the elements after it are not shown"
            );
            let help = "remove it, or write something into it";
            found.push(text.finding(Rule::UnclosedTag, node.span, message).help(help));
        }
        if !node.is_self_closing {
            continue;
        }
        if node.is_media() {
            found.push(self_closing(node, text));
        } else if let Some(effect) = swallowed(&page.outline, index, text) {
            let name = &node.name;
            let message = format!("<{name} …/> does not close the element, so the {effect}");
            let help = format!("write <{name} …></{name}>");
            found.push(text.finding(Rule::UnclosedTag, node.span, message).help(help));
        }
    }
    found.extend(page.outline.uppercase.iter().map(|span| {
        let name = text.source[span.start..span.end].to_ascii_lowercase();
        let message = format!("the renderer does not read {name} in upper case");
        let finding = text.finding(Rule::UppercaseAttribute, *span, message);
        finding.help(format!("write {name}")).fix(text, "Write the name in lower case", [(*span, name)])
    }));
    found.extend(styles(page, text));
    found.extend(comments(page, text));
    found.extend(open_comment(page, text));
    found
}

/// Returns whether an element is empty, is one that may contain HTML in SVG, and has others after it. The renderer writes such
/// an element with `/>`, and does not understand that when it reads it again.
fn is_left_open(outline: &Outline, index: usize) -> bool {
    let nodes = &outline.nodes;
    let node = &nodes[index];
    let Some(parent) = node.parent.filter(|_| matches!(&*node.name, "desc" | "foreignobject" | "title"))
    else {
        return false;
    };
    node.end == node.span.end
        && nodes[parent].after > index + 1
        && outline.ancestors(index).any(|above| &*nodes[above].name == "svg")
}

/// Returns what happens to the elements after a start tag that ends with `/>`, if it is not of media.
fn swallowed(outline: &Outline, index: usize, text: &Text<'_>) -> Option<&'static str> {
    let node = &outline.nodes[index];
    // A tag in what became text.
    let contents = || text.source.get(node.span.end..node.end).unwrap_or_default().split('<').skip(1);
    match &*node.name {
        "canvas" | "object" => {
            (!node.is_closed && node.after > index + 1).then_some("elements after it are not shown")
        }
        "iframe" | "script" | "textarea" => contents()
            .any(|rest| rest.starts_with(|letter: char| letter.is_ascii_alphabetic()))
            .then_some("tags after it become its text"),
        _ => shortens(outline, index).then_some("elements after it are shown only while it is"),
    }
}

/// Returns whether an element with a time contains others that are to be shown at other times.
fn shortens(outline: &Outline, index: usize) -> bool {
    let nodes = &outline.nodes;
    let node = &nodes[index];
    let Some(root) = outline.root().filter(|root| *root != index) else { return false };
    let window = |node: &Node| {
        let time = |name: &str| node.value(name).and_then(number);
        let start = time("data-start").unwrap_or(0.0);
        (start, time("data-duration").map_or(f64::INFINITY, |duration| start + duration))
    };
    let (start, end) = window(node);
    let (_, whole) = window(&nodes[root]);
    let mut inside = nodes[index + 1..node.after].iter().filter(|inner| {
        inner.parent == Some(index)
            && !matches!(&*inner.name, "link" | "meta" | "script" | "style" | "template")
    });
    let differs = |inner: &Node| {
        let (from, to) = window(inner);
        from < start || to.min(whole) > end
    };
    node.value("data-start").is_some() && inside.any(differs)
}

/// Returns the finding for a video or audio element whose start tag ends with `/>`.
fn self_closing(node: &Node, text: &Text<'_>) -> Diagnostic {
    let name = &node.name;
    let finding = |message| text.finding(Rule::SelfClosingMedia, node.span, message);
    let slash = Span { start: node.span.end.saturating_sub(2), end: node.span.end };
    // Browsers ignore the slash: what is before the end tag is inside the element, as its author meant.
    if node.is_closed {
        let line = text.position(node.end).line;
        let mut found = finding(format!(
            "the / of <{name} …/> has no effect: the element ends at </{name}> in line {line}"
        ));
        found.severity = Severity::Warning;
        let edit = (Span { end: slash.end - 1, ..slash }, String::new());
        return found.help("remove the /").fix(text, "Remove the slash", [edit]);
    }
    let found =
        finding(format!("<{name} …/> does not close the element, so it swallows everything after it"))
            .help(format!("write <{name} …></{name}>"));
    let Some(open) = text.source[node.span.start..slash.end].strip_suffix("/>") else { return found };
    let start = node.span.start + open.trim_end().len();
    found.fix(text, "Add the end tag", [(Span { start, ..slash }, format!("></{name}>"))])
}

/// Finds a comment that is never closed, if there are tags in it.
fn open_comment(page: &Page, text: &Text<'_>) -> Option<Diagnostic> {
    // After the last tag, only an element whose contents are text may still be open.
    if page.outline.nodes.last().is_some_and(|node| !node.is_closed && RAW.contains(&&*node.name)) {
        return None;
    }
    let mut at = page.outline.last_tag;
    let start = loop {
        let start = at + text.source.get(at..)?.find("<!--")?;
        match text.source[start + 2..].find("-->") {
            Some(length) => at = start + 2 + length + "-->".len(),
            None => break start,
        }
    };
    let span = Span { start, end: start + "<!--".len() };
    let rest = &text.source[span.end..];
    (rest.contains('<') && !rest.contains("--!>")).then_some(())?;
    let message = "<!-- is never closed, so the rest of the file is a comment";
    Some(text.finding(Rule::UnclosedTag, span, message).help("write --> at the end of the comment"))
}

/// Finds comments of CSS and scripts in markup, where they are shown.
fn comments(page: &Page, text: &Text<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for shown in &page.outline.texts {
        let mut at = shown.start;
        while at < shown.end {
            let rest = &text.source[at..shown.end];
            let Some(start) = rest.find("/*") else { break };
            // Comments of HTML are not shown.
            if let Some(comment) = rest.find("<!--").filter(|comment| *comment < start) {
                at += rest[comment..].find("-->").map_or(rest.len(), |end| comment + end + 3);
                continue;
            }
            let Some(length) = rest[start..].find("*/") else { break };
            let span = Span { start: at + start, end: at + start + length + 2 };
            let message = "/* … */ is not a comment in HTML, so it is shown as text";
            // Not fixed: the text of a video about code may be what it shows.
            found.push(
                text.finding(Rule::VisibleComment, span, message).help("write <!-- … -->, or remove it"),
            );
            at = span.end;
        }
    }
    found
}

/// Finds tags in a file of CSS.
pub(super) fn css_file(page: &Page) -> Option<Diagnostic> {
    let at = page.source.len() - page.source.trim_start().len();
    let is_css = TextKind::of_path(&page.path) == Some(TextKind::Css);
    (is_css && page.source[at..].starts_with("<style")).then(|| {
        let message = "a file of CSS has no tags, so the first rule is not applied";
        let tag = Span { start: at, end: at + "<style".len() };
        page.text().finding(Rule::UnreadStyle, tag, message).help("remove <style> and </style>")
    })
}

/// Finds styles that are not closed, and end tags without a style.
fn styles(page: &Page, text: &Text<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for node in page.outline.nodes.iter().filter(|node| &*node.name == "style") {
        let contents = text.source.get(node.span.end..node.end).unwrap_or_default();
        if !node.is_closed || find_ignoring_case(contents, "<style").is_some() {
            let message = "<style> is never closed, so the markup after it is parsed as CSS";
            found.push(text.finding(Rule::UnbalancedStyle, node.span, message).help("add </style>"));
        }
        let before = contents.len() - contents.trim_start().len();
        if contents[before..].starts_with(SECTION) {
            let start = node.span.end + before;
            let message = "CDATA sections are for XML, so the style is not applied";
            let finding =
                text.finding(Rule::UnreadStyle, Span { start, end: start + SECTION.len() }, message);
            found.push(finding.help("remove <![CDATA[ and ]]>"));
        }
    }
    let nodes = &page.outline.nodes;
    for sheet in &page.facts.sheets {
        let next = nodes.partition_point(|node| node.span.start < sheet.start());
        if next > 0 && page.outline.ancestors(next - 1).any(|above| &*nodes[above].name == "svg") {
            let unread = sheet.rules().filter(|rule| rule.selector().contains('>'));
            found.extend(unread.map(|rule| {
                let message = "a rule with > in a <style> of <svg> is not applied";
                text.finding(Rule::UnreadStyle, rule.span(), message).help("move the <style> out of <svg>")
            }));
        }
    }
    let ends = page.outline.nodes.iter().filter(|node| &*node.name == "style").map(|node| node.end);
    let ends = ends.collect::<Vec<_>>();
    let mut last = 0;
    for span in &page.outline.stray_style_ends {
        let style = ends[..ends.partition_point(|end| *end <= span.start)].last().copied().unwrap_or(0);
        let texts = &page.outline.texts;
        let between = texts[texts.partition_point(|shown| shown.start < style.max(last))..].iter();
        let mut between = between.take_while(|shown| shown.end <= span.start);
        // Browsers ignore the tag itself.
        let has_css = between.any(|shown| text.source[shown.start..shown.end].contains('{'));
        let message = if has_css {
            "</style> without <style>; the style ends earlier, and the CSS after it is shown as text"
        } else {
            "</style> without <style> has no effect"
        };
        let mut finding = text.finding(Rule::UnbalancedStyle, *span, message).help("remove it");
        if !has_css {
            finding.severity = Severity::Warning;
        }
        found.push(finding);
        last = span.end;
    }
    found
}

/// Returns the first offset of `word`, which must be ASCII, whatever the case.
fn find_ignoring_case(text: &str, word: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(word.as_bytes()[0], bytes).find(|at| {
        bytes.get(*at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    })
}
