//! The only knowledge of HTML: start tags with their attributes, and the text of `<style>` and `<script>`, each
//! with its place.
//!
//! The tokenizer follows the HTML standard, so text, comments, scripts and text areas are no markup, names come in
//! lower case and entities are decoded. It runs in time linear in the source, whatever the source is.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer, naive_next_state};

use crate::diagnostic::Span;

/// What a document holds, in the order of the source.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// Every start tag.
    pub(crate) elements: Vec<Element>,
    /// Where the text of each `<style>` is.
    pub(crate) styles: Vec<Span>,
    /// Where the text of each `<script>` is that is JavaScript.
    pub(crate) scripts: Vec<Span>,
}

/// A start tag.
#[derive(Debug)]
pub(crate) struct Element {
    /// Name in lower case.
    pub(crate) name: String,
    /// Attributes in the order of the source; of two with one name the first counts, as in browsers.
    pub(crate) attributes: Vec<Attribute>,
    /// The whole tag.
    pub(crate) span: Span,
}

/// An attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// Name in lower case.
    pub(crate) name: String,
    /// Value with entities decoded and line ends normalized.
    pub(crate) value: String,
    /// Where the value is in the source, without its quotes; empty where there is none.
    pub(crate) span: Span,
    /// What surrounds the value.
    pub(crate) quote: Quote,
}

/// What surrounds an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    /// `"`
    Double,
    /// `'`
    Single,
    /// Nothing.
    None,
}

impl Element {
    /// The attribute named `name`.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The value of the attribute named `name`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|attribute| attribute.value.as_str())
    }
}

/// Reads a document.
pub(crate) fn scan(source: &str) -> Document {
    let mut tokenizer = Tokenizer::new_with_emitter(source, DefaultEmitter::<usize>::new_with_span());
    let mut document = Document::default();
    // How many <svg> and <math> are open: only in them does `/>` close an element.
    let mut foreign = 0_usize;
    // What the text up to the next end tag is.
    let mut open: Option<(Raw, usize)> = None;
    while let Some(Ok(token)) = tokenizer.next() {
        match token {
            Token::StartTag(tag) => {
                let name = text(&tag.name);
                if !(tag.self_closing && (foreign > 0 || is_foreign(&name))) {
                    foreign += usize::from(is_foreign(&name));
                    open = raw_text(&name, &tag).map(|kind| (kind, tag.span.end));
                    // Without a tree, the tokenizer has to be told what of <script> and <style> is no markup.
                    if let Some(state) = naive_next_state(name.as_bytes()) {
                        tokenizer.set_state(state);
                    }
                }
                let mut attributes = tag
                    .attributes
                    .iter()
                    .map(|(name, value)| attribute(source, text(name), text(&value.value), value.span.start))
                    .collect::<Vec<_>>();
                attributes.sort_by_key(|attribute| attribute.span.start);
                let span = Span { start: tag.span.start, end: tag.span.end };
                document.elements.push(Element { name, attributes, span });
            }
            Token::EndTag(tag) => {
                foreign = foreign.saturating_sub(usize::from(is_foreign(&text(&tag.name))));
                document.close(open.take(), tag.span.start);
            }
            _ => {}
        }
    }
    document.close(open, source.len());
    document
}

/// Text that is no markup.
#[derive(Clone, Copy, Debug)]
enum Raw {
    Style,
    Script,
}

impl Document {
    fn close(&mut self, open: Option<(Raw, usize)>, end: usize) {
        match open {
            Some((Raw::Style, start)) => self.styles.push(Span { start, end }),
            Some((Raw::Script, start)) => self.scripts.push(Span { start, end }),
            None => {}
        }
    }
}

/// What follows a start tag, where it matters here.
fn raw_text(name: &str, tag: &StartTag<usize>) -> Option<Raw> {
    match name {
        "style" => Some(Raw::Style),
        "script" => {
            let kind =
                tag.attributes.get(b"type".as_slice()).map(|kind| text(&kind.value).to_ascii_lowercase());
            let kind = kind.as_deref().map_or("", str::trim);
            // Data blocks, such as JSON and shaders, have other types; source: HTML standard, section 4.12.1.
            (kind.is_empty() || kind == "module" || kind.ends_with("javascript")).then_some(Raw::Script)
        }
        _ => None,
    }
}

/// Whether an element's insides follow the rules of XML; source: HTML standard, section 13.2.6.5.
fn is_foreign(name: &str) -> bool {
    matches!(name, "svg" | "math")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Finds the raw value behind the attribute's name, which starts at `start`.
fn attribute(source: &str, name: String, value: String, start: usize) -> Attribute {
    let bytes = source.as_bytes();
    let skip = |from: usize, while_true: &dyn Fn(u8) -> bool| {
        bytes[from..].iter().position(|byte| !while_true(*byte)).map_or(bytes.len(), |count| from + count)
    };
    let is_space = |byte: u8| byte.is_ascii_whitespace();
    // A name may start with `=`; source: HTML standard, section 13.2.5.32.
    let name_end = skip((start + 1).min(bytes.len()), &|byte| !is_space(byte) && !b"=>/".contains(&byte));
    let equals = skip(name_end, &is_space);
    let at = if bytes.get(equals) == Some(&b'=') { skip(equals + 1, &is_space) } else { name_end };
    let (quote, span) = match bytes.get(at) {
        _ if bytes.get(equals) != Some(&b'=') => (Quote::None, Span { start: at, end: at }),
        Some(mark @ (b'"' | b'\'')) => {
            let quote = if *mark == b'"' { Quote::Double } else { Quote::Single };
            (quote, Span { start: at + 1, end: skip(at + 1, &|byte| byte != *mark) })
        }
        _ => (Quote::None, Span { start: at, end: skip(at, &|byte| !is_space(byte) && byte != b'>') }),
    };
    Attribute { name, value, span, quote }
}

/// Maps offsets in a decoded value back to the source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Offsets {
    /// Where the raw value starts in the source, and where it ends.
    raw: Span,
    /// Units that are longer or shorter in the source than decoded: their ends, decoded and raw.
    jumps: Vec<Jump>,
}

#[derive(Clone, Debug, PartialEq)]
struct Jump {
    decoded: Span,
    raw_end: usize,
}

impl Offsets {
    /// For the value of `attribute`.
    pub(crate) fn new(source: &str, attribute: &Attribute) -> Self {
        let raw = &source[attribute.span.start..attribute.span.end];
        let mut jumps = Vec::new();
        let (mut from, mut to) = (0, 0);
        // Only these make the two differ; most values hold none, and then there is nothing to walk through.
        while let Some(ahead) = raw[from..].find(['&', '\r', '\0']) {
            (from, to) = (from + ahead, to + ahead);
            let (raw_step, decoded_step) = step(&raw[from..], attribute.value.get(to..).unwrap_or_default());
            jumps
                .push(Jump { decoded: Span { start: to, end: to + decoded_step }, raw_end: from + raw_step });
            (from, to) = (from + raw_step, to + decoded_step);
        }
        Self { raw: attribute.span, jumps }
    }

    /// Where byte `offset` of the decoded value comes from, as an offset into the source.
    pub(crate) fn of(&self, offset: usize) -> usize {
        let passed = self.jumps.partition_point(|jump| jump.decoded.start < offset);
        let within = match self.jumps[..passed].last() {
            // Inside a unit: its end.
            Some(jump) => jump.raw_end + offset.saturating_sub(jump.decoded.end),
            None => offset,
        };
        (self.raw.start + within).min(self.raw.end)
    }

    /// The place of a part of the decoded value.
    pub(crate) fn span(&self, part: Span) -> Span {
        Span { start: self.of(part.start), end: self.of(part.end) }
    }
}

/// How many bytes the next unit takes in the raw and in the decoded value.
fn step(raw: &str, decoded: &str) -> (usize, usize) {
    let width = |text: &str| text.chars().next().map_or(1, char::len_utf8);
    if raw.starts_with("\r\n") {
        return (2, 1);
    }
    if let Some(entity) = entity(raw)
        && let Some(value) = scan(&format!("<a b=\"{entity}\">")).elements.first().and_then(|a| a.value("b"))
        && value != entity
        && decoded.starts_with(value)
    {
        return (entity.len(), value.len());
    }
    (width(raw), width(decoded))
}

/// What may be an entity at the start of `raw`. In attributes, one without a semicolon is none before a letter, a
/// digit or `=`; source: HTML standard, section 13.2.5.73.
fn entity(raw: &str) -> Option<&str> {
    let name = raw.strip_prefix('&')?;
    let (digits, radix) = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (digits, 10),
        },
        None => (name, 36),
    };
    let rest = digits.trim_start_matches(|character: char| character.is_digit(radix));
    match rest.bytes().next() {
        Some(b';') => Some(&raw[..=raw.len() - rest.len()]),
        Some(b'=') if radix == 36 => None,
        _ => Some(&raw[..raw.len() - rest.len()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn styles(source: &str) -> Vec<&str> {
        scan(source).styles.iter().map(|style| &source[style.start..style.end]).collect()
    }

    fn raw<'a>(source: &'a str, element: &Element, name: &str) -> &'a str {
        let span = element.attribute(name).expect("the attribute").span;
        &source[span.start..span.end]
    }

    #[test]
    fn values_are_decoded_and_their_places_are_raw() {
        let source = "<P A=1 b='x&quot;y' c = \"z &amp; é\"\n d e=''>";
        let document = scan(source);
        let element = &document.elements[0];
        assert_eq!(element.name, "p");
        let values = ["a", "b", "c", "d", "e"].map(|name| element.value(name).expect("a value"));
        assert_eq!(values, ["1", "x\"y", "z & é", "", ""]);
        let places = ["a", "b", "c", "d", "e"].map(|name| raw(source, element, name));
        assert_eq!(places, ["1", "x&quot;y", "z &amp; é", "", ""]);
        assert_eq!(element.attribute("b").expect("b").quote, Quote::Single);
    }

    #[test]
    fn what_only_looks_like_markup_is_none() {
        let source = "<!-- <a x> --><script>'<b x>'</script><textarea><c x></textarea>\
                      <style>d > e {}</style><title><f x></title><p title='<g x>'>&lt;h x&gt;";
        let names = scan(source).elements.into_iter().map(|element| element.name).collect::<Vec<_>>();
        assert_eq!(names, ["script", "textarea", "style", "title", "p"]);
        assert_eq!(styles(source), ["d > e {}"]);
    }

    #[test]
    fn a_solidus_closes_elements_in_svg_only() {
        let source = "<style/>a</style><svg><title/><script/><style/><path/></svg><style>b";
        let names = scan(source).elements.into_iter().map(|element| element.name).collect::<Vec<_>>();
        assert_eq!(names, ["style", "svg", "title", "script", "style", "path", "style"]);
        assert_eq!(styles(source), ["a", "b"]);
    }

    #[test]
    fn odd_names_keep_their_values() {
        let source = "<p =a=b c/d=e '=\"f\" G\n=\nh>";
        let document = scan(source);
        let element = &document.elements[0];
        let found =
            element.attributes.iter().map(|a| (a.name.as_str(), a.value.as_str())).collect::<Vec<_>>();
        assert_eq!(found, [("=a", "b"), ("c", ""), ("d", "e"), ("'", "f"), ("g", "h")]);
        assert!(element.attributes.iter().all(|a| raw(source, element, &a.name) == a.value));
    }

    #[test]
    fn offsets_go_back_through_entities() {
        let source = "<p x=\"[&quot;a&quot;,\r\n &#x41; &amp;amp; end\">";
        let document = scan(source);
        let attribute = &document.elements[0].attributes[0];
        let at = attribute.value.find("end").expect("the word");
        assert_eq!(&source[Offsets::new(source, attribute).of(at)..][..3], "end");
    }

    #[test]
    fn offsets_know_entities_without_semicolons() {
        for raw in
            ["&amp x", "&ampx", "&amp=x", "&copy&lt", "&#65x", "&#x41g", "&#x", "&#", "&", "&nope;", "&\0;"]
        {
            let source = format!("<p x='{raw}|'>");
            let document = scan(&source);
            let attribute = &document.elements[0].attributes[0];
            let at = attribute.value.find('|').expect("the mark");
            assert_eq!(Offsets::new(&source, attribute).of(at), attribute.span.end - 1, "{raw}");
        }
    }

    proptest! {
        /// Walking a value to its end arrives at the end of its place, whatever entities are on the way.
        #[test]
        fn offsets_reach_the_end(raw in "(&|amp|lt|copy|#|x|4|65|;|=|\"|<|>|a|é|\r|\n|\0){0,24}") {
            let source = format!("<p x='{raw}'>");
            let document = scan(&source);
            let attribute = &document.elements[0].attributes[0];
            prop_assert_eq!(Offsets::new(&source, attribute).of(attribute.value.len()), attribute.span.end);
        }

        #[test]
        fn any_text_is_read(source in "(<|>|=|'|\"|&|;|/|!|-|[a-z]|é|\\PC){0,60}") {
            for element in scan(&source).elements {
                for attribute in &element.attributes {
                    prop_assert!(source.get(attribute.span.start..attribute.span.end).is_some());
                    Offsets::new(&source, attribute).of(attribute.value.len());
                }
            }
        }
    }
}
