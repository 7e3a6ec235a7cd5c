//! The only knowledge of HTML: start tags with their attributes, and the text of `<style>` and `<script>`, each
//! with its place.
//!
//! It follows the HTML standard, so text, comments, scripts and text areas are no markup, names come in lower case and
//! entities are decoded. It runs in time linear in the source, whatever the source is. A test compares it with a
//! tokenizer that is not ours; that one weighs four times as much in a browser.

mod entities;
mod tokenizer;

use crate::text::Span;
use tokenizer::{Tag, Tokenizer};

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
    let mut document = Document::default();
    let mut tags = Tokenizer::new(source).peekable();
    while let Some(tag) = tags.next() {
        if tag.is_end {
            continue;
        }
        // Nothing is markup up to the end tag, which comes next, or not at all.
        let mut inside = || {
            let end = tags.peek().map_or(source.len(), |next| next.span.start);
            Span { start: tag.span.end, end }
        };
        match raw_text(&tag) {
            Some(Raw::Style) => document.styles.push(inside()),
            Some(Raw::Script) => document.scripts.push(inside()),
            None => {}
        }
        let Tag { name, attributes, span, .. } = tag;
        document.elements.push(Element { name, attributes, span });
    }
    document
}

/// Text that is no markup.
#[derive(Clone, Copy, Debug)]
enum Raw {
    Style,
    Script,
}

/// What follows a start tag, where it matters here.
fn raw_text(tag: &Tag) -> Option<Raw> {
    if tag.has_no_text {
        return None;
    }
    match tag.name.as_str() {
        "style" => Some(Raw::Style),
        "script" => {
            let kind = tag.attributes.iter().find(|attribute| attribute.name == "type");
            let kind = kind.map(|kind| kind.value.trim().to_ascii_lowercase()).unwrap_or_default();
            // Data blocks, such as JSON and shaders, have other types; source: HTML standard, section 4.12.1.
            (kind.is_empty() || kind == "module" || kind.ends_with("javascript")).then_some(Raw::Script)
        }
        _ => None,
    }
}

/// Decodes an attribute's value: `unit` hears of everything that is longer or shorter than in the source, with its place
/// there and its place in the value.
fn decode(raw: &str, unit: &mut dyn FnMut(Span, Span)) -> String {
    let mut value = String::with_capacity(raw.len());
    let mut from = 0;
    // Most values hold none of these.
    while let Some(ahead) = raw[from..].find(['&', '\r', '\0']) {
        value.push_str(&raw[from..from + ahead]);
        from += ahead;
        let start = value.len();
        let length = match raw.as_bytes()[from] {
            b'\r' => {
                value.push('\n');
                1 + usize::from(raw[from + 1..].starts_with('\n'))
            }
            b'\0' => {
                value.push(char::REPLACEMENT_CHARACTER);
                1
            }
            _ => match entities::reference(&raw[from..]) {
                Some((length, text)) => {
                    match text {
                        entities::Text::Named(text) => value.push_str(text),
                        entities::Text::Numeric(character) => value.push(character),
                    }
                    length
                }
                None => {
                    value.push('&');
                    1
                }
            },
        };
        unit(Span { start: from, end: from + length }, Span { start, end: value.len() });
        from += length;
    }
    value.push_str(&raw[from..]);
    value
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
        let mut jumps = Vec::new();
        decode(&source[attribute.span.start..attribute.span.end], &mut |raw, decoded| {
            jumps.push(Jump { decoded, raw_end: raw.end });
        });
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

    /// A start tag: name, attributes, place.
    type Plain = (String, Vec<(String, String)>, Span);

    /// Start tags as another implementation of the standard finds them.
    fn reference(source: &str) -> Vec<Plain> {
        use html5gum::{DefaultEmitter, Token, Tokenizer, naive_next_state};
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut tokenizer = Tokenizer::new_with_emitter(source, DefaultEmitter::<usize>::new_with_span());
        let mut found = Vec::new();
        while let Some(Ok(token)) = tokenizer.next() {
            if let Token::StartTag(tag) = token {
                if let Some(state) = naive_next_state(&tag.name) {
                    tokenizer.set_state(state);
                }
                let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(&value.value)));
                let mut attributes = attributes.collect::<Vec<_>>();
                attributes.sort();
                found.push((text(&tag.name), attributes, Span { start: tag.span.start, end: tag.span.end }));
            }
        }
        found
    }

    fn ours(source: &str) -> Vec<Plain> {
        let elements = scan(source).elements.into_iter().map(|element| {
            let attributes =
                element.attributes.into_iter().map(|attribute| (attribute.name, attribute.value));
            let mut attributes = attributes.collect::<Vec<_>>();
            attributes.sort();
            (element.name, attributes, element.span)
        });
        elements.collect()
    }

    #[test]
    fn every_entity_is_that_of_the_reference() {
        for name in entities::tests::names() {
            let source = format!("<p a='&{name};' b='&{name}' c='&{name}=' d='&{name}x;' e=&{name}>");
            assert_eq!(ours(&source), reference(&source));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// The pieces of markup in any order: scripts with comments in them, half a tag, quotes anywhere.
        #[test]
        fn tags_are_those_of_the_reference(
            source in "(<|</|<!|<!--|--|-->|--!>|!|>|/|/>|=|'|\"|&|&amp;|&lt|;|#38;|\\?| |\n|\t|-|a|B|p|1|é|script|SCRIPT|style|title|textarea|noscript|plaintext|<script>|</script>|<style>|</style|<p a=){0,24}",
        ) {
            prop_assert_eq!(ours(&source), reference(&source), "{:?}", source);
        }

        #[test]
        fn attributes_are_those_of_the_reference(
            inside in "( |\n|/|=|'|\"|&|&amp;|&quot|&#x41;|&#65|&copy=|<|a|A|b|é|\0|a=1|b='x'|c=\"y\"){0,24}",
        ) {
            let source = format!("<p {inside}>");
            prop_assert_eq!(ours(&source), reference(&source), "{:?}", source);
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
