//! References that are refused whatever the machine is like, as a browser reads the text.

use std::fmt;

use super::host::{host_of, is_placeholder, is_public};
use super::path::{Place, place, readings, without_query};
use crate::lang::html;
use crate::lang::html::Element;
use crate::project::{ReferenceCollector, TextKind, is_unseen, parent, references as text_references};
use crate::text::Span;

/// Nested documents (`<noscript>`, `srcdoc`) below this depth are not read again.
const MAX_DEPTH: usize = 2;

/// Elements whose content browsers read as text, and the engine as elements.
const TEXT_ELEMENTS: &[&str] = &["noscript", "iframe", "noembed", "noframes", "xmp"];

/// Elements whose `href` is a navigation target. The engine copies such files like all others.
const NAVIGATION: &[&str] = &["a", "area", "base"];

/// A reference that the engine must not see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The target as written, with entities and escapes decoded.
    pub target: String,
    /// Its position in the text.
    pub span: Span,
    /// The reason.
    pub reason: Reason,
    /// The reference is a navigation target (`a`, `area`, `base`), which packing does not follow.
    pub is_navigation: bool,
}

/// Why a reference is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It leads outside of the project.
    Outside,
    /// It is an absolute path, and the project has no such file.
    Absolute,
    /// It is a `file:` URL or a path with a drive letter.
    LocalFile,
    /// It leads to the directory in which the engine serves files from outside of the project.
    EngineFolder,
    /// Its host, given here, is not public.
    PrivateAddress(String),
    /// It is a script with another scheme than `http:` and `https:`.
    Scheme,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("leads outside of the project"),
            Self::Absolute => f.write_str("is an absolute path, and not a file of the project"),
            Self::LocalFile => f.write_str("points to a file on this machine"),
            Self::EngineFolder => {
                f.write_str("points to files that the engine serves from outside of the project")
            }
            Self::PrivateAddress(host) => write!(f, "points to {host:?}, which is not a public host"),
            Self::Scheme => {
                f.write_str("is a script that is neither a file of the project nor at an http(s) URL")
            }
        }
    }
}

/// How an element uses a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Load,
    Script,
    /// `data-composition-src`: always a path for the engine, never a URL.
    Composition,
    Navigation,
    /// A `<link>` that loads nothing for the picture, such as `rel=canonical`.
    Unseen,
}

/// Returns the references of a file that are refused, in source order. `path` is the path of the file in the project,
/// and `has` returns whether the project has a file with a path.
///
/// ```
/// use hyperframes_ci_core::project::TextKind;
/// use hyperframes_ci_core::refusal::{Reason, references};
///
/// let found = references(TextKind::Html, "index.html", "<a href=../../../etc/passwd>", &|_| false);
/// assert_eq!(found[0].reason, Reason::Outside);
/// ```
#[must_use]
pub fn references(kind: TextKind, path: &str, source: &str, has: &dyn Fn(&str) -> bool) -> Vec<Refusal> {
    let mut reader = Reader { folder: parent(path), has, found: Vec::new() };
    match kind {
        TextKind::Html => reader.document(source, &|span| span, 0),
        TextKind::Css | TextKind::Script => {
            for reference in text_references(kind, source) {
                reader.judge(reference.target, reference.span, Use::Load);
            }
        }
    }
    reader.found.sort_by_key(|refusal| refusal.span.start);
    reader.found
}

struct Reader<'a> {
    folder: &'a str,
    has: &'a dyn Fn(&str) -> bool,
    found: Vec<Refusal>,
}

impl Reader<'_> {
    /// Reads a document whose positions `position` maps to the file.
    fn document(&mut self, source: &str, position: &dyn Fn(Span) -> Span, depth: usize) {
        let mut nested = Vec::new();
        let mut documents = Vec::new();
        let mut collector = ReferenceCollector::default();
        let texts = html::scan(source, &mut |element| {
            collector.element(element);
            for reference in collector.take() {
                let used = usage(element, reference.span);
                self.judge(reference.target, position(reference.span), used);
            }
            for (target, span, used) in other_attributes(element) {
                self.judge(target, position(span), used);
            }
            if depth < MAX_DEPTH {
                if TEXT_ELEMENTS.contains(&&*element.name) {
                    nested.push((element.name.to_string(), element.span.end));
                }
                let document = element.attribute("srcdoc");
                documents
                    .extend(document.map(|document| (document.value.to_string(), position(document.span))));
            }
        });
        for reference in collector.finish(source, &texts, Vec::new()) {
            self.judge(reference.target, position(reference.span), Use::Load);
        }
        for (name, start) in nested {
            let end = end_tag(source, start, &name);
            self.document(&source[start..end], &|span| position(span.after(start)), depth + 1);
        }
        for (document, span) in documents {
            self.document(&document, &|_| span, depth + 1);
        }
    }

    fn judge(&mut self, target: String, span: Span, used: Use) {
        if let Some(reason) = self.reason(&target, used) {
            self.found.push(Refusal { target, span, reason, is_navigation: used == Use::Navigation });
        }
    }

    fn reason(&self, target: &str, used: Use) -> Option<Reason> {
        let target = target.trim();
        if target.is_empty() {
            return None;
        }
        let scheme = scheme(target);
        if scheme.as_deref().is_some_and(|scheme| scheme == "file" || scheme.len() == 1) {
            return Some(Reason::LocalFile);
        }
        if let Some(host) = host_of(target).filter(|_| !matches!(used, Use::Navigation | Use::Composition))
            && !is_placeholder(&host)
            && !is_public(&host)
        {
            return Some(Reason::PrivateAddress(host));
        }
        if used == Use::Script
            && scheme.as_deref().is_some_and(|scheme| !["http", "https", "data", "blob"].contains(&scheme))
        {
            return Some(Reason::Scheme);
        }
        let is_remote =
            ["http://", "https://", "//", "data:", "#"].iter().any(|start| target.starts_with(start));
        if is_remote && used != Use::Composition {
            return None;
        }
        // The engine takes every other scheme for the name of a directory.
        let folder = if scheme.is_some() { "" } else { self.folder };
        let mut absolute = None;
        for reading in readings(without_query(target)) {
            match place(folder, &reading) {
                Place::Above(_) => return Some(Reason::Outside),
                Place::EngineFolder if !(self.has)(&reading) => return Some(Reason::EngineFolder),
                Place::Absolute(path) if !matches!(used, Use::Navigation | Use::Unseen) => {
                    let is_inside = path.is_empty() || (self.has)(&path);
                    // Only a path that starts with a slash is one for browsers.
                    absolute = absolute
                        .or(Some(false))
                        .map(|known| known || (is_inside && reading.starts_with('/')));
                }
                _ => {}
            }
        }
        (absolute == Some(false)).then_some(Reason::Absolute)
    }
}

/// Returns how an element uses the reference at `span`.
fn usage(element: &Element<'_>, span: Span) -> Use {
    if element.attribute("data-composition-src").is_some_and(|attribute| attribute.span == span) {
        Use::Composition
    } else if element.name == "script" {
        Use::Script
    } else if is_unseen(element) {
        Use::Unseen
    } else {
        Use::Load
    }
}

/// Returns the references in attributes that packing does not follow.
fn other_attributes(element: &Element<'_>) -> Vec<(String, Span, Use)> {
    let is_navigation = NAVIGATION.contains(&&*element.name);
    element
        .attributes
        .iter()
        .filter_map(|attribute| {
            let used = match &*attribute.name {
                name if is_navigation && name.ends_with("href") => Use::Navigation,
                "background" => Use::Load,
                _ => return None,
            };
            Some((attribute.value.to_string(), attribute.span, used))
        })
        .collect()
}

/// Returns the position of the end tag of the element whose content starts at `start`.
fn end_tag(source: &str, start: usize, name: &str) -> usize {
    let end = source.as_bytes()[start..]
        .windows(name.len() + 2)
        .position(|window| window.starts_with(b"</") && window[2..].eq_ignore_ascii_case(name.as_bytes()));
    end.map_or(source.len(), |end| start + end)
}

/// Returns the scheme of a target in lower case, as the URL standard reads it.
fn scheme(target: &str) -> Option<String> {
    let target = target.trim_matches(|character: char| character <= ' ').replace(['\t', '\n', '\r'], "");
    let (scheme, _) = target.split_once(':')?;
    let is_valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character));
    is_valid.then(|| scheme.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reasons(path: &str, source: &str) -> Vec<Reason> {
        let kind = TextKind::of_path(path).expect("a text");
        let has = |path: &str| ["logo.svg", "assets/a.png"].contains(&path);
        references(kind, path, source, &has).into_iter().map(|refusal| refusal.reason).collect()
    }

    #[test]
    fn every_form_that_leads_outside() {
        for source in [
            "<a href=../../etc/passwd>",
            "<area href=../x>",
            "<base href=../x>",
            "<img src='%2e%2e/x'>",
            "<img src='..\\x'>",
            "<img src='.&#46;/x?y#z'>",
            "<img src='.\n./x'>",
            "<img srcset='a.png 1x, ../x.png 2x'>",
            "<video poster=../x>",
            "<svg><use xlink:href='../x#y'/></svg>",
            "<p style='background:url(../x)'>",
            "<style>@import '../x.css';</style>",
            "<style>p{background:url(a/../../x)}</style>",
            "<noscript><img src=../x></noscript>",
            "<template><img src=../x></template>",
            "<iframe srcdoc=\"<img src='../x'>\"></iframe>",
            "<iframe><img src=../x></iframe>",
            "<div data-composition-src=../x.html>",
            "<div data-composition-src='https://../../../x'>",
            "<a href='web+x:/../../etc/passwd'>",
            "<a href='HTTP://../../../etc/passwd'>",
            "<object data=../x></object>",
        ] {
            assert_eq!(reasons("index.html", source), [Reason::Outside], "{source}");
        }
        assert_eq!(reasons("css/a.css", "@import url(../../x.css)"), [Reason::Outside]);
    }

    #[test]
    fn other_reasons() {
        let private = |host: &str| Reason::PrivateAddress(host.to_owned());
        for (source, reason) in [
            ("<video src=/etc/x.mp4>", Reason::Absolute),
            ("<video src=.//etc/x.mp4>", Reason::Absolute),
            ("<img src=file:///etc/x>", Reason::LocalFile),
            ("<img src='C:\\x'>", Reason::LocalFile),
            ("<img src=hf-ext/etc/passwd>", Reason::EngineFolder),
            ("<script src=http://127.1/x.js></script>", private("127.1")),
            ("<script src=//[::1]/x.js></script>", private("::1")),
            ("<link rel=preconnect href=http://169.254.169.254>", private("169.254.169.254")),
            ("<script src=ftp://example.com/x></script>", Reason::Scheme),
            ("<link rel=canonical href=/x><link rel=canonical href=../x>", Reason::Outside),
            ("<link rel='icon preload' href=/x>", Reason::Absolute),
        ] {
            assert_eq!(reasons("index.html", source), [reason], "{source}");
        }
    }

    #[test]
    fn what_projects_use_is_not_refused() {
        for source in [
            "<img src=assets/a.png><img src=/logo.svg><img src=/missing/../logo.svg>",
            "<a href=/>home</a><a href=/about>x</a><a href=#x>y</a><a href=mailto:a@b.example>z</a>",
            "<a href=http://localhost:3000>x</a>",
            "<link rel=canonical href=/film><link rel='Alternate me' href=/film.xml><link rel=icon href=/a.ico>",
            "<script src=https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js></script>",
            "<script src='data:text/javascript,x'></script><script>import '../../x.js'</script>",
            "<img src='data:image/svg+xml,<svg/../../../x'>",
            "<img src='https://{{host}}/x.png'><img src='{{x}}'><img src=''>",
            "<svg xmlns='http://www.w3.org/2000/svg'><use href=#a /></svg>",
            "<a href='login?next=../../x'>",
            "<img src=//cdn.example.com/x.png>",
        ] {
            assert_eq!(reasons("index.html", source), [], "{source}");
        }
        assert_eq!(reasons("scenes/a.html", "<img src=../assets/a.png>"), []);
    }

    proptest! {
        #[test]
        fn any_text_is_read(source in "(<|>|=|'|\"|&|;|/|\\.\\.|noscript|iframe|srcdoc=|src=|url\\(|[a-z]|é|\\PC){0,60}") {
            for refusal in references(TextKind::Html, "a/b.html", &source, &|_| false) {
                prop_assert!(source.get(refusal.span.start..refusal.span.end).is_some());
            }
        }
    }
}
