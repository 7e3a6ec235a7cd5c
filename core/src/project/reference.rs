//! References from HTML and CSS to other files: found with their places, judged, resolved, and rewritten in place.

use std::borrow::Cow;

use crate::lang::html::{Attribute, Document, Quote};
use crate::lang::{css, html};
use crate::text::Span;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// HTML.
    Html,
    /// CSS.
    Css,
}

impl TextKind {
    /// By the ending of a path; `None` for files that hold no references.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "html" | "htm" => Some(Self::Html),
            "css" => Some(Self::Css),
            _ => None,
        }
    }
}

/// A reference to another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The reference as the browser sees it: entities and escapes decoded.
    pub target: String,
    /// The bytes of the source that spell it.
    pub span: Span,
    context: Context,
}

/// Where a reference stands, and so how it must be escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Context {
    /// The quotes of the attribute, where it is in one.
    attribute: Option<Quote>,
    /// What it is written in there.
    syntax: Syntax,
}

/// What a reference is written in, under the attribute's quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    /// Nothing: the attribute is the reference.
    Plain,
    /// A list of candidates, which spaces and commas end.
    Srcset,
    /// CSS, with these quotes around it.
    Css(Quote),
}

/// Attributes that name one file each.
const ATTRIBUTES: &[&str] = &["src", "href", "xlink:href", "poster", "data-composition-src"];

/// Elements whose `href` is a place to go to, not a file to load.
const NAVIGATION: &[&str] = &["a", "area", "base"];

/// The references in a text, in the order of the source.
#[must_use]
pub fn references(kind: TextKind, source: &str) -> Vec<Reference> {
    match kind {
        TextKind::Html => in_document(source, &html::scan(source)),
        TextKind::Css => {
            let mut found = Vec::new();
            in_css(source, 0, None, &mut found);
            found.retain(|reference| !reference.target.is_empty());
            found
        }
    }
}

/// The references in a document that has been read, in the order of the source.
pub(crate) fn in_document(source: &str, document: &Document<'_>) -> Vec<Reference> {
    let mut found = Vec::new();
    for element in &document.elements {
        for attribute in &element.attributes {
            let navigates = attribute.name.ends_with("href") && NAVIGATION.contains(&&*element.name);
            match &*attribute.name {
                "srcset" => in_srcset(attribute, &mut found),
                "style" => in_style(attribute, &mut found),
                name if ATTRIBUTES.contains(&name) && !navigates => found.push(Reference {
                    target: attribute.value.trim().to_owned(),
                    span: attribute.span,
                    context: Context { attribute: Some(attribute.quote), syntax: Syntax::Plain },
                }),
                _ => {}
            }
        }
    }
    for style in &document.styles {
        in_css(&source[style.start..style.end], style.start, None, &mut found);
    }
    found.retain(|reference| !reference.target.is_empty());
    found.sort_by_key(|reference| reference.span.start);
    found
}

fn in_css(source: &str, offset: usize, attribute: Option<Quote>, found: &mut Vec<Reference>) {
    found.extend(css::scan(source).urls.into_iter().map(|url| Reference {
        target: url.target,
        span: url.span.after(offset),
        context: Context { attribute, syntax: Syntax::Css(url.quote) },
    }));
}

/// CSS inside an attribute: found in the decoded value, placed in the source.
fn in_style(attribute: &Attribute<'_>, found: &mut Vec<Reference>) {
    let offsets = attribute.offsets();
    found.extend(css::scan(&attribute.value).urls.into_iter().map(|url| Reference {
        target: url.target,
        span: Span { start: offsets.of(url.span.start), end: offsets.of(url.span.end) },
        context: Context { attribute: Some(attribute.quote), syntax: Syntax::Css(url.quote) },
    }));
}

/// `a.png 1x, b.png 2x`: each candidate's URL.
fn in_srcset(attribute: &Attribute<'_>, found: &mut Vec<Reference>) {
    let value = &*attribute.value;
    let offsets = attribute.offsets();
    let mut at = 0;
    while at < value.len() {
        let rest = &value[at..];
        let start = at + (rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', ',']).len());
        let length = value[start..].find(char::is_whitespace).unwrap_or(value.len() - start);
        let target = value[start..start + length].trim_end_matches(',');
        if !target.is_empty() {
            found.push(Reference {
                target: target.to_owned(),
                span: Span { start: offsets.of(start), end: offsets.of(start + target.len()) },
                context: Context { attribute: Some(attribute.quote), syntax: Syntax::Srcset },
            });
        }
        // The descriptor lasts to the next comma; a URL that ends in a comma has none.
        let after = start + length;
        at = if target.len() < length {
            after
        } else {
            value[after..].find(',').map_or(value.len(), |comma| after + comma + 1)
        };
    }
}

/// `source` with each reference replaced by its new target; every other byte stays, and so does the spelling of a
/// reference that keeps its target.
///
/// The references come from [`references`] of the same source.
#[must_use]
pub fn rewrite(source: &str, replacements: &[(&Reference, &str)]) -> String {
    let mut changes =
        replacements.iter().filter(|(reference, target)| reference.target != *target).collect::<Vec<_>>();
    changes.sort_by_key(|(reference, _)| reference.span.start);
    let mut rewritten = String::with_capacity(source.len() + 64 * changes.len());
    let mut copied = 0;
    for (reference, target) in changes {
        rewritten.push_str(&source[copied..reference.span.start]);
        rewritten.push_str(&reference.context.escape(target));
        copied = reference.span.end;
    }
    rewritten.push_str(&source[copied..]);
    rewritten
}

impl Context {
    fn escape(self, target: &str) -> String {
        let written = match self.syntax {
            Syntax::Plain => target.to_owned(),
            // Only a URL's own escapes keep a space or a comma inside a candidate.
            Syntax::Srcset => target.replace(',', "%2C").replace([' ', '\t', '\n', '\x0c', '\r'], "%20"),
            Syntax::Css(quote) => css::escape(target, quote),
        };
        let Some(quote) = self.attribute else { return written };
        let escaped = written.replace('&', "&amp;");
        match quote {
            Quote::Double => escaped.replace('"', "&quot;"),
            Quote::Single => escaped.replace('\'', "&#39;"),
            Quote::None => escaped
                .chars()
                .map(|character| match character {
                    ' ' | '\t' | '\n' | '\r' | '\x0c' | '"' | '\'' | '=' | '<' | '>' | '`' => {
                        format!("&#{};", u32::from(character))
                    }
                    other => other.to_string(),
                })
                .collect(),
        }
    }
}

/// What a reference refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Elsewhere, by a scheme or by `//`; the scheme in lower case, empty for `//`.
    Remote(String),
    /// Part of the text itself, or no file at all: `data:`, `blob:`, `javascript:`, `about:`, a fragment, nothing.
    Inline,
    /// A file of the machine: `file:` or a drive letter.
    File(String),
    /// A path from the root of the site, without query and fragment, percent-decoded.
    Root(String),
    /// A path from the file that refers, without query and fragment, percent-decoded, with `/`.
    Relative(String),
}

impl Link {
    /// Judges the text of a reference.
    #[must_use]
    pub fn of(target: &str) -> Self {
        let target = target.trim();
        if let Some(scheme) = scheme(target) {
            return match scheme.as_str() {
                "data" | "blob" | "javascript" | "about" => Self::Inline,
                "file" => Self::File(target.to_owned()),
                // `C:\…`: browsers read a scheme, authors mean a drive.
                drive if drive.len() == 1 => Self::File(target.to_owned()),
                _ => Self::Remote(scheme),
            };
        }
        // Browsers take a backslash for a slash, and authors on Windows write them.
        let path = target.split(['?', '#']).next().unwrap_or_default().replace('\\', "/");
        if path.is_empty() {
            Self::Inline
        } else if path.starts_with("//") {
            Self::Remote(String::new())
        } else if let Some(rooted) = path.strip_prefix('/') {
            Self::Root(percent_decode(rooted))
        } else {
            Self::Relative(percent_decode(&path))
        }
    }
}

impl Link {
    /// Whether the runtime takes `target` for the source of a media element; source: the official `isSafeMediaUrl`.
    pub(crate) fn is_safe_media(target: &str) -> bool {
        // Browsers ignore control characters and spaces in a URL's scheme.
        let plain = target.chars().filter(|character| *character > ' ').collect::<String>();
        match scheme(&plain).as_deref() {
            None | Some("https" | "http" | "blob") => true,
            Some("data") => plain.get(5..11).is_some_and(|kind| kind.eq_ignore_ascii_case("image/")),
            Some(_) => false,
        }
    }

    /// Whether something that runs later fills in a part of `target`; source: the official
    /// `isUnresolvedAssetPlaceholder`.
    pub(crate) fn is_placeholder(target: &str) -> bool {
        let target = target.trim();
        let between = |open: &str, close: &str| {
            target
                .find(open)
                .is_some_and(|at| target[at + open.len()..].find(close).is_some_and(|length| length > 0))
        };
        let inside = target.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
        let name = inside.is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        });
        name || between("{{", "}}") || between("${", "}") || between("<<", ">>")
    }
}

/// The scheme of a URL, in lower case; source: RFC 3986, section 3.1.
fn scheme(target: &str) -> Option<String> {
    let (scheme, _) = target.split_once(':')?;
    let valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character));
    valid.then(|| scheme.to_ascii_lowercase())
}

/// Decodes `%20` and the like; what is not a valid escape, or not UTF-8 afterwards, stays as it is.
#[must_use]
pub fn percent_decode(text: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map_or_else(|_| text.to_owned(), Cow::into_owned)
}

/// Joins `relative` to the folder `base` and takes out `.` and `..`; `None` where it climbs above the root.
#[must_use]
pub fn resolve(base: &str, relative: &str) -> Option<String> {
    let mut segments = Vec::new();
    for segment in base.split('/').chain(relative.split('/')) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn targets(kind: TextKind, source: &str) -> Vec<String> {
        references(kind, source).into_iter().map(|reference| reference.target).collect()
    }

    #[test]
    fn every_kind_of_reference_in_html() {
        let source = r#"<link HREF=a.css><a href="nav.html"><img src=' b.png ' srcset="c.png 1x, d.png 2x,e.png">
            <video poster="f&amp;g.jpg"><div data-composition-src="h.html" style='background: url("i.png")'></div>
            <style>@import "j.css"; x { y: url( k.woff2 ) }</style><script>src = "no.js"; url(no.png)</script>
            <use xlink:href="l.svg#m"/><!-- <img src=no.png> -->"#;
        assert_eq!(
            targets(TextKind::Html, source),
            [
                "a.css", "b.png", "c.png", "d.png", "e.png", "f&g.jpg", "h.html", "i.png", "j.css",
                "k.woff2", "l.svg#m"
            ]
        );
    }

    #[test]
    fn only_what_is_replaced_changes() {
        let source = "<img src='a.png' alt=\"it's\"><p style=\"b: url('c d.png')\"><img src=e.png>";
        let found = references(TextKind::Html, source);
        let new = found.iter().map(|reference| (reference, "x'y&z.png")).collect::<Vec<_>>();
        let rewritten = rewrite(source, &new);
        assert_eq!(
            rewritten,
            "<img src='x&#39;y&amp;z.png' alt=\"it's\"><p style=\"b: url('x\\'y&amp;z.png')\"><img src=x&#39;y&amp;z.png>"
        );
        assert_eq!(targets(TextKind::Html, &rewritten), ["x'y&z.png"; 3]);
    }

    #[test]
    fn links_are_judged() {
        let relative = |path: &str| Link::Relative(path.to_owned());
        assert_eq!(Link::of("../a%20b.png?v=1#x"), relative("../a b.png"));
        assert_eq!(Link::of(".\\assets\\x.wav"), relative("./assets/x.wav"));
        assert_eq!(Link::of("100%.png"), relative("100%.png"));
        assert_eq!(Link::of("图/é.png"), relative("图/é.png"));
        assert_eq!(Link::of("/logo.svg"), Link::Root("logo.svg".to_owned()));
        assert_eq!(Link::of("HTTP://x.example/a"), Link::Remote("http".to_owned()));
        assert_eq!(Link::of("//cdn.example/a.js"), Link::Remote(String::new()));
        for file in ["file:///etc/passwd", "C:\\Users\\a.png", "c:/a.png"] {
            assert_eq!(Link::of(file), Link::File(file.to_owned()));
        }
        for inline in
            ["", "#clip", "?x", "data:image/png;base64,AA", "blob:x", "javascript:void(0)", "about:blank"]
        {
            assert_eq!(Link::of(inline), Link::Inline, "{inline}");
        }
        assert_eq!(Link::of("mailto:a@b.example"), Link::Remote("mailto".to_owned()));
        // Escapes are decoded before anybody resolves the path; bad ones and bad UTF-8 stay as written.
        assert_eq!(Link::of("%2e%2E%2fx"), relative("../x"));
        assert_eq!(Link::of("a%zz%4"), relative("a%zz%4"));
        assert_eq!(Link::of("a%ff%20b"), relative("a%ff%20b"));
    }

    #[test]
    fn media_and_placeholders() {
        for safe in [
            "",
            "a.png",
            "../a b.png",
            "https://x.example/a",
            "HTTP://x",
            "blob:1",
            "data:image/png;base64,A",
        ] {
            assert!(Link::is_safe_media(safe), "{safe}");
        }
        for unsafe_url in ["javascript:1", "java\tscript:1", " file:///a", "data:text/html,x", "C:\\a.png"] {
            assert!(!Link::is_safe_media(unsafe_url), "{unsafe_url}");
        }
        for placeholder in ["__LOGO__", "{{logo}}.png", "a/${x}.png", "<<x>>"] {
            assert!(Link::is_placeholder(placeholder), "{placeholder}");
        }
        for plain in ["a.png", "____", "__logo__", "${}", "{x}", "a__B__.png"] {
            assert!(!Link::is_placeholder(plain), "{plain}");
        }
    }

    #[test]
    fn paths_cannot_climb_above_the_root() {
        assert_eq!(resolve("a/b", "../c/./d.png").as_deref(), Some("a/c/d.png"));
        assert_eq!(resolve("a", "../../x"), None);
        assert_eq!(resolve("", "a/../../a"), None);
        assert_eq!(resolve("a/../b/", "x").as_deref(), Some("b/x"));
        assert_eq!(resolve("..", "a/b"), None);
    }

    #[test]
    fn a_rewritten_candidate_stays_one() {
        let source = "<img srcset='a.png 1x, b.png 2x'><img srcset=c.png>";
        let found = references(TextKind::Html, source);
        let new = found.iter().rev().map(|reference| (reference, "x  y,.png")).collect::<Vec<_>>();
        let rewritten = rewrite(source, &new);
        assert_eq!(
            rewritten,
            "<img srcset='x%20%20y%2C.png 1x, x%20%20y%2C.png 2x'><img srcset=x%20%20y%2C.png>"
        );
    }

    #[test]
    fn entities_without_semicolons_leave_the_rest_alone() {
        let source = "<p style='a:url(x?a&amp b); c:url(y)'>";
        let found = references(TextKind::Html, source);
        assert_eq!(rewrite(source, &[(&found[0], "z")]), "<p style='a:url(z); c:url(y)'>");
    }

    proptest! {
        /// Replacing every reference by itself changes nothing; by another, nothing but what it says.
        #[test]
        fn rewriting_keeps_the_meaning(
            source in "(<img src=|<p style=|<style>|</style>|url\\(|\\)|'|\"|&amp;|a.png|\\.\\./b c|>| |\\\\|é){0,24}",
            css: bool,
        ) {
            let kind = if css { TextKind::Css } else { TextKind::Html };
            let found = references(kind, &source);
            let same = found.iter().map(|reference| (reference, reference.target.as_str())).collect::<Vec<_>>();
            prop_assert_eq!(&rewrite(&source, &same), &source);
            let other = found.iter().map(|reference| (reference, "_ext/'é\" (&lt;).png")).collect::<Vec<_>>();
            let rewritten = rewrite(&source, &other);
            prop_assert_eq!(targets(kind, &rewritten), vec!["_ext/'é\" (&lt;).png"; found.len()]);
        }

        #[test]
        fn any_text_is_read(source in "\\PC{0,40}", css: bool) {
            let kind = if css { TextKind::Css } else { TextKind::Html };
            for reference in references(kind, &source) {
                prop_assert!(source.get(reference.span.start..reference.span.end).is_some());
                let _ = Link::of(&reference.target);
            }
        }
    }
}
