//! Scans the tags of a document with `html5gum`.

use std::borrow::Cow;
use std::convert::Infallible;

use html5gum::{Emitter, Error, State, Tokenizer};

use super::document::{Attribute, Element, EmbeddedTexts, Part};
use super::draft::{Draft, keep_first, name};
use super::pause::PausingSource;
use crate::text::Span;

/// Scans a document and calls `visit` with every start tag, in source order. Tags are not kept, because large pages
/// have hundreds of thousands of attributes.
pub(crate) fn scan<'a>(source: &'a str, visit: &mut dyn FnMut(&Element<'a>)) -> EmbeddedTexts {
    scan_parts(source, &mut |part| {
        if let Part::Start(element) = part {
            visit(element);
        }
    })
}

/// Scans a document and calls `visit` with every tag, in source order.
pub(crate) fn scan_parts<'a>(source: &'a str, visit: &mut dyn FnMut(Part<'_, 'a>)) -> EmbeddedTexts {
    let mut texts = EmbeddedTexts::default();
    let reader = Reader::new(source, visit, &mut texts);
    let mut tokenizer = Tokenizer::new_with_emitter(PausingSource::new(source), reader);
    // There are no tokens: what comes is a pause.
    while tokenizer.next().is_some() {}
    drop(tokenizer);
    texts
}

/// Text that is not markup and is scanned later.
#[derive(Clone, Copy, Debug)]
enum Raw {
    Style,
    Script,
    Module,
    ImportMap,
}

/// Receives the tokens. Text, comments and doctypes are not kept.
struct Reader<'a, 'd> {
    source: &'a str,
    visit: &'d mut dyn FnMut(Part<'_, 'a>),
    texts: &'d mut EmbeddedTexts,
    /// The position of the tokenizer: after the last consumed byte.
    position: usize,
    tag: Tag,
    /// The attributes of the tag that is being read.
    attributes: Vec<Attribute<'a>>,
    /// The attribute that is being read, if any.
    attribute: Option<Draft>,
    /// The start tag whose end tag is expected.
    last_start: Cow<'a, str>,
    /// The start of a text that ends at the next tag.
    text: Option<(Raw, usize)>,
    /// Number of open `<svg>` and `<math>` elements. Inside them, `/>` closes an element, and CDATA sections are text.
    foreign: usize,
}

/// The tag that is being read.
#[derive(Clone, Copy, Debug, Default)]
struct Tag {
    start: usize,
    name_end: usize,
    is_end: bool,
    is_self_closing: bool,
}

impl<'a, 'd> Reader<'a, 'd> {
    fn new(source: &'a str, visit: &'d mut dyn FnMut(Part<'_, 'a>), texts: &'d mut EmbeddedTexts) -> Self {
        Self {
            source,
            visit,
            texts,
            position: 0,
            tag: Tag::default(),
            attributes: Vec::new(),
            attribute: None,
            last_start: Cow::default(),
            text: None,
            foreign: 0,
        }
    }

    /// Starts the tag at `tag.start`. An unfinished tag before it is dropped.
    fn start_tag(&mut self, is_end: bool) {
        self.tag = Tag { start: self.tag.start, is_end, ..Tag::default() };
        self.attributes.clear();
        self.attribute = None;
    }

    /// Returns the name of the tag that is being read.
    fn tag_name(&self) -> Cow<'a, str> {
        let start = self.tag.start + 1 + usize::from(self.tag.is_end);
        name(&self.source[start..self.tag.name_end])
    }

    /// Completes the attribute that is being read.
    fn end_attribute(&mut self) {
        if let Some(draft) = self.attribute.take() {
            self.attributes.push(draft.complete(self.source));
        }
    }

    /// Ends the text of a style or a script at `end`.
    fn end_text(&mut self, end: usize) {
        let Some((raw, mut start)) = self.text.take() else { return };
        let mut end = end;
        let text = self.source[start..end].trim();
        // The renderer puts scripts into HTML, where the marks are an error.
        if self.foreign > 0 && matches!(raw, Raw::Style) && text.starts_with("<![CDATA[") {
            start += self.source[start..end].find('[').map_or(0, |at| at + "[CDATA[".len());
            end = start + self.source[start..end].find("]]>").unwrap_or(end - start);
        }
        let texts = match raw {
            Raw::Style => &mut self.texts.styles,
            Raw::Script => &mut self.texts.scripts,
            Raw::Module => &mut self.texts.modules,
            Raw::ImportMap => &mut self.texts.import_maps,
        };
        texts.push(Span { start, end });
    }
}

impl Emitter for Reader<'_, '_> {
    type Token = Infallible;

    fn move_position(&mut self, offset: isize) {
        self.position = self.position.saturating_add_signed(offset);
    }

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn start_open_tag(&mut self) {
        self.tag.start = self.position - 1;
    }

    fn init_start_tag(&mut self) {
        self.start_tag(false);
    }

    fn init_end_tag(&mut self) {
        self.start_tag(true);
    }

    fn push_tag_name(&mut self, _: &[u8]) {
        self.tag.name_end = self.position;
    }

    fn init_attribute(&mut self) {
        self.end_attribute();
        // The first byte of the name was already consumed.
        let name = Span { start: self.position - 1, end: self.position };
        self.attribute = Some(Draft::new(name));
    }

    fn push_attribute_name(&mut self, _: &[u8]) {
        if let Some(draft) = &mut self.attribute {
            draft.extend_name(self.position);
        }
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn init_attribute_value(&mut self) {
        if let Some(draft) = &mut self.attribute {
            draft.start_value(self.position);
        }
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn push_attribute_value(&mut self, piece: &[u8]) {
        if let Some(draft) = &mut self.attribute {
            draft.push(self.source, piece, self.position);
        }
    }

    fn set_self_closing(&mut self) {
        self.tag.is_self_closing = true;
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn emit_current_tag(&mut self) -> Option<State> {
        self.end_attribute();
        let name = self.tag_name();
        let Tag { start, is_end, is_self_closing, .. } = self.tag;
        self.end_text(start);
        // Their contents follow the rules of XML; source: section 13.2.6.5.
        let is_foreign = matches!(&*name, "svg" | "math");
        if is_end {
            self.foreign = self.foreign.saturating_sub(usize::from(is_foreign));
            self.last_start = Cow::default();
            self.attributes.clear();
            (self.visit)(Part::End(&name, Span { start, end: self.position }));
            return None;
        }
        keep_first(&mut self.attributes);
        let is_empty = is_self_closing && (self.foreign > 0 || is_foreign);
        let mut state = None;
        if !is_empty {
            self.foreign += usize::from(is_foreign);
            state = content(&name);
            self.text = raw_text(&name, &self.attributes).map(|raw| (raw, self.position));
        }
        self.last_start.clone_from(&name);
        let span = Span { start, end: self.position };
        let attributes = std::mem::take(&mut self.attributes);
        let is_foreign = is_foreign || self.foreign > 0;
        let element = Element { name, attributes, span, is_self_closing, is_foreign };
        (self.visit)(Part::Start(&element));
        // The next tag reuses the memory.
        self.attributes = element.attributes;
        self.attributes.clear();
        state
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.tag.is_end && self.tag_name() == self.last_start
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.foreign > 0
    }

    fn set_last_start_tag(&mut self, name: Option<&[u8]>) {
        self.last_start = String::from_utf8_lossy(name.unwrap_or_default()).into_owned().into();
    }

    fn emit_eof(&mut self) {
        self.end_text(self.source.len());
        (self.visit)(Part::EndOfFile);
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn emit_error(&mut self, _: Error) {}
    fn emit_string(&mut self, _: &[u8]) {}
    fn init_comment(&mut self) {}
    fn emit_current_comment(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn init_doctype(&mut self) {}
    fn emit_current_doctype(&mut self) {}
    fn set_force_quirks(&mut self) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
}

/// Returns the tokenizer state after a start tag, with scripting enabled, as in renderers; source: section 13.2.6.4.
fn content(name: &str) -> Option<State> {
    match name {
        "title" | "textarea" => Some(State::RcData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript" => Some(State::RawText),
        "script" => Some(State::ScriptData),
        "plaintext" => Some(State::PlainText),
        _ => None,
    }
}

/// Returns the kind of an element's text, if it is scanned later.
fn raw_text(name: &str, attributes: &[Attribute<'_>]) -> Option<Raw> {
    match name {
        "style" => Some(Raw::Style),
        "script" => {
            let value = |name: &str| attributes.iter().find(|attribute| attribute.name == name);
            let kind = value("type").map(|kind| kind.value.trim().to_ascii_lowercase()).unwrap_or_default();
            match &*kind {
                // The text of a script with a source is not run.
                _ if value("src").is_some() => None,
                "module" => Some(Raw::Module),
                "importmap" => Some(Raw::ImportMap),
                // Data blocks, such as JSON and shaders, have other types; source: HTML standard, section 4.12.1.
                kind if kind.is_empty() || kind.ends_with("javascript") => Some(Raw::Script),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::html::Quote;
    use proptest::prelude::*;

    /// A document in memory.
    struct Document<'a> {
        elements: Vec<Element<'a>>,
        styles: Vec<Span>,
    }

    fn scan(source: &str) -> Document<'_> {
        let mut elements = Vec::new();
        let texts = super::scan(source, &mut |element| elements.push(element.clone()));
        Document { elements, styles: texts.styles }
    }

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
    fn sections_of_svg_are_the_text_in_them() {
        let source =
            "<svg><style> <![CDATA[ a > b {} ]]> </style><style>c</style></svg><style><![CDATA[d]]></style>";
        assert_eq!(styles(source), [" a > b {} ", "c", "<![CDATA[d]]>"]);
    }

    #[test]
    fn odd_names_keep_their_values() {
        let source = "<p =a=b c/d=e '=\"f\" G\n=\nh>";
        let document = scan(source);
        let element = &document.elements[0];
        let found = element.attributes.iter().map(|a| (&*a.name, &*a.value)).collect::<Vec<_>>();
        assert_eq!(found, [("=a", "b"), ("c", ""), ("d", "e"), ("'", "f"), ("g", "h")]);
        assert!(element.attributes.iter().all(|a| raw(source, element, &a.name) == a.value));
    }

    #[test]
    fn offsets_go_back_through_entities() {
        let source = "<p x=\"[&quot;a&quot;,\r\n &#x41; &amp;amp; end\">";
        let document = scan(source);
        let attribute = &document.elements[0].attributes[0];
        let at = attribute.value.find("end").expect("the word");
        assert_eq!(&source[attribute.offsets().of(at)..][..3], "end");
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
            assert_eq!(attribute.offsets().of(at), attribute.span.end - 1, "{raw}");
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
            let attributes = element
                .attributes
                .into_iter()
                .map(|attribute| (attribute.name.into_owned(), attribute.value.into_owned()));
            let mut attributes = attributes.collect::<Vec<_>>();
            attributes.sort();
            (element.name.into_owned(), attributes, element.span)
        });
        elements.collect()
    }

    #[test]
    fn the_forms_of_references() {
        for (raw, value) in [
            ("&quot;x", "\"x"),
            ("&NewLine;", "\n"),
            ("&nGt;", "≫\u{20d2}"),
            ("&amp", "&"),
            ("&amp x", "& x"),
            ("&amp=", "&amp="),
            ("&ampx", "&ampx"),
            ("&notin;", "∉"),
            ("&notit;", "&notit;"),
            ("&hellip", "&hellip"),
            ("&nope;", "&nope;"),
            ("&", "&"),
            ("&#65;", "A"),
            ("&#65x", "Ax"),
            ("&#x41;", "A"),
            ("&#X1F3AC;", "🎬"),
            ("&#0;", "\u{fffd}"),
            ("&#xd800;", "\u{fffd}"),
            ("&#99999999999;", "\u{fffd}"),
            ("&#x80;", "€"),
            ("&#;", "&#;"),
            ("&#x;", "&#x;"),
        ] {
            let source = format!("<p x='{raw}'>");
            let document = scan(&source);
            assert_eq!(document.elements[0].value("x"), Some(value), "{raw}");
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
            prop_assert_eq!(attribute.offsets().of(attribute.value.len()), attribute.span.end);
        }

        #[test]
        fn any_text_is_read(source in "(<|>|=|'|\"|&|;|/|!|-|[a-z]|é|\\PC){0,60}") {
            for element in scan(&source).elements {
                for attribute in &element.attributes {
                    prop_assert!(source.get(attribute.span.start..attribute.span.end).is_some());
                    attribute.offsets().of(attribute.value.len());
                }
            }
        }
    }
}
