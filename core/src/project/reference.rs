//! Finds references from HTML and CSS to other files, with their positions, and rewrites them.

use crate::lang::css::Need;
use crate::lang::html::{Attribute, Element, EmbeddedTexts, Quote};
use crate::lang::json::Node;
use crate::lang::script::{ScriptKind, ScriptReference, parse};
use crate::lang::{css, html};
use crate::text::Span;

/// The language of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// HTML.
    Html,
    /// CSS.
    Css,
    /// JavaScript.
    Script,
}

impl TextKind {
    /// Returns the language for the extension of a path; `None` for files without references.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "html" | "htm" => Some(Self::Html),
            "css" => Some(Self::Css),
            "js" | "mjs" | "cjs" => Some(Self::Script),
            _ => None,
        }
    }
}

/// A reference to another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The target, with entities and escapes decoded.
    pub target: String,
    /// The position of the reference in the source.
    pub span: Span,
    /// Whether a browser needs the file.
    pub(crate) need: Need,
    context: Context,
}

/// The syntax around a reference, which determines how it is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Context {
    /// The quotes of the attribute; `None` outside of attributes.
    attribute: Option<Quote>,
    /// The syntax inside the attribute.
    syntax: Syntax,
}

/// The syntax of a reference, inside the attribute's quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    /// The whole value of the attribute is the reference.
    Plain,
    /// A `srcset` list, in which spaces and commas end a URL.
    Srcset,
    /// CSS, with these quotes around it.
    Css(Quote),
    /// A string of a script, with this character around it.
    Text(char),
    /// The specifier of a module, in a script or an import map. A path that starts with a name would be a package.
    Module(char),
}

/// Attributes that contain one reference.
const ATTRIBUTES: &[&str] = &["src", "href", "xlink:href", "poster", "data-composition-src"];

/// Elements whose `href` is a navigation target, not a file to load.
const NAVIGATION: &[&str] = &["a", "area", "base"];

/// Relations of `<link>` whose file a browser needs for the picture; no frame shows those of others, such as `icon` or
/// `canonical`. Source: HTML standard, section 4.6.7.
const LOADED: &[&str] = &["stylesheet", "preload", "modulepreload"];

/// Returns whether no frame shows what the element refers to: a `<link>` that loads nothing for the picture.
pub(crate) fn is_unseen(element: &Element<'_>) -> bool {
    let rel = element.value("rel").filter(|_| element.name == "link").map(str::to_ascii_lowercase);
    rel.is_some_and(|rel| !rel.split_whitespace().any(|rel| LOADED.contains(&rel)))
}

/// Returns whether a `<link>` only prepares what something else loads, or is an alternative style sheet.
fn is_hint(element: &Element<'_>) -> bool {
    let rel = element.value("rel").unwrap_or_default().to_ascii_lowercase();
    !rel.contains("stylesheet") || rel.contains("alternate")
}

/// Returns whether a browser needs what an element refers to, if its relation or its media query decides that.
fn condition(element: &Element<'_>) -> Option<Need> {
    match &*element.name {
        "link" if is_unseen(element) || element.attribute("disabled").is_some() => Some(Need::Unseen),
        "img" | "script" | "link" if element.attribute("onerror").is_some() => Some(Need::Replaced),
        // A style sheet that is for print, or only preloaded, until it is loaded does not delay the page.
        "link" if element.attribute("onload").is_some() => None,
        "link" if is_hint(element) => Some(Need::Unseen),
        "link" | "source" => css::media_need(element.value("media")?),
        "script" => element.attribute("nomodule").map(|_| Need::Unseen),
        "track" => Some(Need::Unseen),
        _ => None,
    }
}

/// Returns the references in a text, in source order.
///
/// ```
/// use hyperframes_ci_core::project::{TextKind, references};
///
/// let found = references(TextKind::Html, r#"<img src="a.png?x=1&amp;y=2"><style>p { background: url(b.png) }</style>"#);
/// assert_eq!(found[0].target, "a.png?x=1&y=2");
/// assert_eq!(found[1].target, "b.png");
/// ```
#[must_use]
pub fn references(kind: TextKind, source: &str) -> Vec<Reference> {
    match kind {
        TextKind::Html => {
            let mut collector = ReferenceCollector::default();
            let texts = html::scan(source, &mut |element| collector.element(element));
            let mut scripts = Vec::new();
            for (spans, kind) in [(&texts.scripts, ScriptKind::Classic), (&texts.modules, ScriptKind::Module)]
            {
                for span in spans {
                    scripts.extend(parse(&source[span.start..span.end], span.start, kind).references);
                }
            }
            collector.finish(source, &texts, script_references(&scripts))
        }
        TextKind::Script => script_references(&parse(source, 0, ScriptKind::File).references),
        TextKind::Css => {
            let mut found = Vec::new();
            in_css(source, 0, None, &mut found);
            found.retain(|reference| !reference.target.is_empty());
            found
        }
    }
}

/// Collects the references of a document from its elements.
#[derive(Debug, Default)]
pub(crate) struct ReferenceCollector {
    found: Vec<Reference>,
}

impl ReferenceCollector {
    /// Collects the references of the next element.
    pub(crate) fn element(&mut self, element: &Element<'_>) {
        let found = &mut self.found;
        let set = element.attribute("srcset").or_else(|| element.attribute("imagesrcset"));
        let set = set.map(|set| set.span.start);
        let condition = condition(element);
        let first = found.len();
        for attribute in &element.attributes {
            let navigates = attribute.name.ends_with("href") && NAVIGATION.contains(&&*element.name);
            match &*attribute.name {
                "srcset" | "imagesrcset" => in_srcset(attribute, found),
                "style" => in_style(attribute, found),
                name if (ATTRIBUTES.contains(&name) && !navigates)
                    || (name == "data" && element.name == "object") =>
                {
                    found.push(Reference {
                        target: attribute.value.trim().to_owned(),
                        span: attribute.span,
                        // A browser that chooses from `srcset` does not load `src`.
                        need: match set.filter(|_| attribute.name == "src" || attribute.name == "href") {
                            Some(set) => Need::Superseded(set),
                            // The renderer shows the frames of the video, and no captions.
                            None if attribute.name == "poster"
                                && element.attribute("data-start").is_some() =>
                            {
                                Need::Unseen
                            }
                            None => Need::Always,
                        },
                        context: Context { attribute: Some(attribute.quote), syntax: Syntax::Plain },
                    });
                }
                _ => {}
            }
        }
        if let Some(need) = condition {
            found[first..].iter_mut().for_each(|reference| reference.need = need);
        }
    }

    /// Returns the references of the elements since the last call.
    pub(crate) fn take(&mut self) -> Vec<Reference> {
        std::mem::take(&mut self.found)
    }

    /// Returns all references in source order, including those in embedded style sheets and import maps, and `scripts`.
    pub(crate) fn finish(
        self,
        source: &str,
        texts: &EmbeddedTexts,
        scripts: Vec<Reference>,
    ) -> Vec<Reference> {
        let Self { mut found } = self;
        found.extend(scripts);
        for map in &texts.import_maps {
            in_import_map(&source[map.start..map.end], map.start, &mut found);
        }
        for style in &texts.styles {
            in_css(&source[style.start..style.end], style.start, None, &mut found);
        }
        found.retain(|reference| !reference.target.is_empty());
        found.sort_by_key(|reference| reference.span.start);
        found
    }
}

/// Returns the references of a script.
pub(crate) fn script_references<'a>(found: impl IntoIterator<Item = &'a ScriptReference>) -> Vec<Reference> {
    let found = found.into_iter().map(|reference| Reference {
        target: reference.target.clone(),
        span: reference.span,
        need: Need::Always,
        context: Context {
            attribute: None,
            syntax: match reference.is_module {
                true => Syntax::Module(reference.quote),
                false => Syntax::Text(reference.quote),
            },
        },
    });
    found.filter(|reference| !reference.target.is_empty()).collect()
}

/// Collects the files that an import map names, below `imports` and each of `scopes`. A target that ends with a slash
/// is a directory.
fn in_import_map(source: &str, offset: usize, found: &mut Vec<Reference>) {
    let Ok(map) = Node::parse(source) else { return };
    let scopes = map.member("scopes").and_then(Node::members).into_iter().flatten();
    let tables = map.member("imports").into_iter().chain(scopes.map(|scope| &scope.value));
    for entry in tables.filter_map(Node::members).flatten() {
        let serde_json::Value::String(target) = entry.value.value() else { continue };
        let span = entry.value.span();
        found.push(Reference {
            target,
            span: Span { start: span.start + 1, end: span.end - 1 }.after(offset),
            need: Need::Always,
            context: Context { attribute: None, syntax: Syntax::Module('"') },
        });
    }
}

fn in_css(source: &str, offset: usize, attribute: Option<Quote>, found: &mut Vec<Reference>) {
    found.extend(css::scan(source).urls.into_iter().map(|url| Reference {
        target: url.target,
        span: url.span.after(offset),
        need: url.need.map(|start| start + offset),
        context: Context { attribute, syntax: Syntax::Css(url.quote) },
    }));
}

/// Collects references from CSS in an attribute, with positions in the source.
fn in_style(attribute: &Attribute<'_>, found: &mut Vec<Reference>) {
    let offsets = attribute.offsets();
    found.extend(css::scan(&attribute.value).urls.into_iter().map(|url| Reference {
        target: url.target,
        span: Span { start: offsets.of(url.span.start), end: offsets.of(url.span.end) },
        need: url.need.map(|start| offsets.of(start)),
        context: Context { attribute: Some(attribute.quote), syntax: Syntax::Css(url.quote) },
    }));
}

/// Returns the URLs of a `srcset` such as `a.png 1x, b.png 2x`.
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
                need: Need::Alternative(attribute.span.start),
                context: Context { attribute: Some(attribute.quote), syntax: Syntax::Srcset },
            });
        }
        // The descriptor ends at the next comma; a URL that ends with a comma has no descriptor.
        let after = start + length;
        at = if target.len() < length {
            after
        } else {
            value[after..].find(',').map_or(value.len(), |comma| after + comma + 1)
        };
    }
}

/// Returns `source` with each reference replaced by its new target. All other bytes stay unchanged, and so do
/// references that keep their target.
///
/// The references must be from [`references`] of the same source.
///
/// ```
/// use hyperframes_ci_core::project::{TextKind, references, rewrite};
///
/// let source = "<img src='a.png' alt='a.png'>";
/// let found = references(TextKind::Html, source);
/// assert_eq!(rewrite(source, &[(&found[0], "it's.png")]), "<img src='it&#39;s.png' alt='a.png'>");
/// ```
#[must_use]
pub fn rewrite(source: &str, replacements: &[(&Reference, &str)]) -> String {
    let mut changes =
        replacements.iter().filter(|(reference, target)| reference.target != *target).collect::<Vec<_>>();
    changes.sort_by_key(|(reference, _)| reference.span.start);
    let mut rewritten = String::with_capacity(source.len() + 64 * changes.len());
    let mut copied = 0;
    for (reference, target) in changes {
        rewritten.push_str(&source[copied..reference.span.start]);
        rewritten.push_str(&reference.written(target));
        copied = reference.span.end;
    }
    rewritten.push_str(&source[copied..]);
    rewritten
}

impl Reference {
    /// Returns whether the target is a module, whose name browsers do not complete.
    pub(crate) fn is_module(&self) -> bool {
        matches!(self.context.syntax, Syntax::Module(_))
    }

    /// Returns how another target is written at its place.
    pub(crate) fn written(&self, target: &str) -> String {
        self.context.escape(target)
    }
}

impl Context {
    fn escape(self, target: &str) -> String {
        let written = match self.syntax {
            Syntax::Plain => target.to_owned(),
            // Spaces and commas inside a URL must be percent-encoded.
            Syntax::Srcset => target.replace(',', "%2C").replace([' ', '\t', '\n', '\x0c', '\r'], "%20"),
            Syntax::Css(quote) => css::escape(target, quote),
            Syntax::Text(quote) => script_text(target, quote),
            Syntax::Module(quote) => {
                let is_path = target.starts_with(['.', '/']) || target.contains("://");
                script_text(&if is_path { target.to_owned() } else { format!("./{target}") }, quote)
            }
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

/// Escapes the characters that would end a string of a script, or mean something else in it.
fn script_text(target: &str, quote: char) -> String {
    let mut written = String::with_capacity(target.len());
    for character in target.chars() {
        match character {
            '\\' => written.push_str("\\\\"),
            // An end tag would end the script.
            '<' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                written.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            '$' if quote == '`' => written.push_str("\\$"),
            character if character == quote => {
                written.push('\\');
                written.push(character);
            }
            character => written.push(character),
        }
    }
    written
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
            <use xlink:href="l.svg#m"/><object data="m.svg"></object><p data="no.svg"></p><!-- <img src=no.png> -->"#;
        assert_eq!(
            targets(TextKind::Html, source),
            [
                "a.css", "b.png", "c.png", "d.png", "e.png", "f&g.jpg", "h.html", "i.png", "j.css",
                "k.woff2", "l.svg#m", "m.svg"
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
                let _ = crate::project::Link::of(&reference.target);
            }
        }
    }
}
