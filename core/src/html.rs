//! The only knowledge of HTML: start tags with their attributes, and the text of `<style>`, each with its place.
//!
//! The tokenizer follows the HTML standard, so text, comments, scripts and text areas are no markup, names come in
//! lower case and entities are decoded. It runs in time linear in the source, whatever the source is.

use html5gum::{DefaultEmitter, Token, Tokenizer};

use crate::diagnostic::Span;

/// What a document holds, in the order of the source.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// Every start tag.
    pub(crate) elements: Vec<Element>,
    /// Where the text of each `<style>` is.
    pub(crate) styles: Vec<Span>,
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
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    // Without a tree, the tokenizer has to be told that the insides of <script> and <style> are no markup.
    emitter.naively_switch_states(true);
    let mut document = Document::default();
    let mut in_style = false;
    for token in Tokenizer::new_with_emitter(source, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = text(&tag.name);
                in_style = name == "style" && !tag.self_closing;
                let mut attributes = tag
                    .attributes
                    .iter()
                    .map(|(name, value)| attribute(source, text(name), text(&value.value), value.span.start))
                    .collect::<Vec<_>>();
                attributes.sort_by_key(|attribute| attribute.span.start);
                let span = Span { start: tag.span.start, end: tag.span.end };
                document.elements.push(Element { name, attributes, span });
            }
            Token::String(string) if in_style => {
                document.styles.push(Span { start: string.span.start, end: string.span.end });
            }
            Token::EndTag(_) => in_style = false,
            _ => {}
        }
    }
    document
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
    let name_end = skip(start.min(bytes.len()), &|byte| !is_space(byte) && !b"=>/".contains(&byte));
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

/// Maps offsets in a decoded value back to the source, in one pass: offsets are asked for in ascending order.
pub(crate) struct Offsets<'a> {
    raw: &'a str,
    decoded: &'a str,
    start: usize,
    from: usize,
    to: usize,
}

impl<'a> Offsets<'a> {
    /// For the value of `attribute`.
    pub(crate) fn new(source: &'a str, attribute: &'a Attribute) -> Self {
        let Span { start, end } = attribute.span;
        Self { raw: &source[start..end], decoded: &attribute.value, start, from: 0, to: 0 }
    }

    /// Where byte `offset` of the decoded value comes from, as an offset into the source.
    pub(crate) fn of(&mut self, offset: usize) -> usize {
        while self.to < offset && self.from < self.raw.len() {
            let decoded = self.decoded.get(self.to..).unwrap_or_default();
            let (raw_step, decoded_step) = step(&self.raw[self.from..], decoded);
            self.from += raw_step;
            self.to += decoded_step;
        }
        self.start + self.from.min(self.raw.len())
    }
}

/// How many bytes the next unit takes in the raw and in the decoded value.
fn step(raw: &str, decoded: &str) -> (usize, usize) {
    /// No named entity is longer.
    const LONGEST_ENTITY: usize = 34;
    let width = |text: &str| text.chars().next().map_or(1, char::len_utf8);
    if raw.starts_with("\r\n") {
        return (2, 1);
    }
    if raw.starts_with('&')
        && let Some(end) = raw.bytes().take(LONGEST_ENTITY).position(|byte| byte == b';')
    {
        let entity = format!("<a b=\"{}\">", &raw[..=end]);
        if let Some(value) = scan(&entity).elements.first().and_then(|element| element.value("b"))
            && value != &raw[..=end]
            && decoded.starts_with(value)
        {
            return (end + 1, value.len());
        }
    }
    (width(raw), width(decoded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        let style = scan(source).styles[0];
        assert_eq!(&source[style.start..style.end], "d > e {}");
    }

    #[test]
    fn offsets_go_back_through_entities() {
        let source = "<p x=\"[&quot;a&quot;,\r\n &#x41; &amp;amp; end\">";
        let document = scan(source);
        let attribute = &document.elements[0].attributes[0];
        let at = attribute.value.find("end").expect("the word");
        assert_eq!(&source[Offsets::new(source, attribute).of(at)..][..3], "end");
    }

    proptest! {
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
