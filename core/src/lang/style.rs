//! The rules of a style sheet, and their declarations, with positions.
//!
//! Source of the grammar: CSS Syntax Level 3. Comments, strings, escapes, unquoted URLs and brackets are respected; what
//! does not parse is no declaration.

use super::css::{bare_end, follows_name, spaces, string_end};
use crate::text::Span;

/// A style sheet, or the value of a style attribute.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// The text, with spaces instead of comments.
    text: String,
    /// The offset of the text in the file. Spans are positions in the file.
    start: usize,
    /// The blocks, in the order of their starts. The first one is the sheet itself.
    blocks: Vec<Block>,
}

/// A block in braces.
#[derive(Debug, Default)]
struct Block {
    prelude: Span,
    /// The index of the block around it.
    parent: usize,
    /// The spans of names and values, in the text.
    declarations: Vec<(Span, Span)>,
}

/// A rule, such as `.a { color: red }` or `@font-face { … }`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StyleRule<'a> {
    sheet: &'a Sheet,
    block: &'a Block,
}

/// A declaration, such as `color: red`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declaration<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    pub(crate) name_span: Span,
    pub(crate) value_span: Span,
}

impl Sheet {
    /// Parses a style sheet that starts at this offset of its file, in linear time.
    pub(crate) fn parse(source: &str, start: usize) -> Self {
        let mut reader =
            Reader { text: without_comments(source), blocks: vec![Block::default()], open: vec![0] };
        reader.read();
        Self { text: reader.text, start, blocks: reader.blocks }
    }

    /// Returns the text, with spaces instead of comments.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the offset of the text in the file.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Returns the rules, the outer ones first.
    pub(crate) fn rules(&self) -> impl Iterator<Item = StyleRule<'_>> {
        self.blocks.iter().skip(1).map(|block| StyleRule { sheet: self, block })
    }

    /// Returns all declarations, also those of a style attribute.
    pub(crate) fn declarations(&self) -> impl Iterator<Item = Declaration<'_>> {
        self.blocks.iter().flat_map(|block| StyleRule { sheet: self, block }.declarations())
    }

    /// Returns the declarations of a style attribute, as a rule without a selector.
    pub(crate) fn attribute(&self) -> StyleRule<'_> {
        StyleRule { sheet: self, block: &self.blocks[0] }
    }
}

impl<'a> StyleRule<'a> {
    /// Returns the selector, or the name of an at-rule with its parameters.
    pub(crate) fn selector(self) -> &'a str {
        self.sheet.text.get(self.block.prelude.start..self.block.prelude.end).unwrap_or_default()
    }

    /// Returns the selectors of the list.
    pub(crate) fn selectors(self) -> impl Iterator<Item = &'a str> {
        self.selector().split(',').map(str::trim)
    }

    /// Returns the rule around it, as its number in [`Sheet::rules`], from 1; 0 if there is none.
    pub(crate) fn parent(self) -> usize {
        self.block.parent
    }

    /// Returns the position of the selector.
    pub(crate) fn span(self) -> Span {
        self.block.prelude.after(self.sheet.start)
    }

    /// Returns the declarations, without those of rules inside.
    pub(crate) fn declarations(self) -> impl DoubleEndedIterator<Item = Declaration<'a>> + Clone {
        let Self { sheet, block } = self;
        let text = |span: Span| sheet.text.get(span.start..span.end).unwrap_or_default();
        block.declarations.iter().map(move |(name, value)| Declaration {
            name: text(*name),
            value: text(*value),
            name_span: name.after(sheet.start),
            value_span: value.after(sheet.start),
        })
    }

    /// Returns the value of a property.
    pub(crate) fn value(self, property: &str) -> Option<&'a str> {
        value(self.declarations(), property)
    }
}

impl<'a> Declaration<'a> {
    /// Returns whether this is the declaration of a property.
    pub(crate) fn is(&self, property: &str) -> bool {
        self.name.eq_ignore_ascii_case(property)
    }

    /// Returns the value without `!important`.
    pub(crate) fn plain_value(&self) -> &'a str {
        self.value.split('!').next().unwrap_or_default().trim_end()
    }
}

/// Returns the value of a property without `!important`: that of the last declaration.
pub(crate) fn value<'a>(
    mut declarations: impl DoubleEndedIterator<Item = Declaration<'a>>,
    property: &str,
) -> Option<&'a str> {
    declarations
        .rfind(|found| found.is(property))
        .map(|found| found.plain_value())
        .filter(|value| !value.is_empty())
}

struct Reader {
    text: String,
    blocks: Vec<Block>,
    /// The indices of the open blocks.
    open: Vec<usize>,
}

impl Reader {
    fn read(&mut self) {
        // The start of the statement, its first colon, and the open brackets in it.
        let (mut start, mut colon, mut brackets) = (0, None, 0_usize);
        let mut at = 0;
        while let Some(byte) = self.text.as_bytes().get(at).copied() {
            match byte {
                b'"' | b'\'' => at = string_end(self.text.as_bytes(), at + 1, byte),
                b'\\' => at += 1,
                b'(' if is_bare_url(self.text.as_bytes(), at) => at = bare_end(self.text.as_bytes(), at + 1),
                b'(' | b'[' => brackets += 1,
                b')' | b']' => brackets = brackets.saturating_sub(1),
                b':' if colon.is_none() && brackets == 0 => colon = Some(at),
                b'{' if brackets == 0 => {
                    let parent = self.open.last().copied().unwrap_or_default();
                    self.open.push(self.blocks.len());
                    let prelude = trimmed(&self.text, start, at);
                    self.blocks.push(Block { prelude, parent, declarations: Vec::new() });
                    (start, colon) = (at + 1, None);
                }
                b';' if brackets == 0 => {
                    self.declare(start, colon, at);
                    (start, colon) = (at + 1, None);
                }
                // An unclosed bracket ends with its block.
                b'}' => {
                    self.declare(start, colon, at);
                    if self.open.len() > 1 {
                        self.open.pop();
                    }
                    (start, colon, brackets) = (at + 1, None, 0);
                }
                _ => {}
            }
            at += 1;
        }
        self.declare(start, colon, self.text.len());
    }

    /// Adds the declaration between two offsets to the innermost block, if there is one.
    fn declare(&mut self, start: usize, colon: Option<usize>, end: usize) {
        let Some(colon) = colon else { return };
        let (name, value) = (trimmed(&self.text, start, colon), trimmed(&self.text, colon + 1, end));
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"-_\\".contains(byte);
        let is_valid =
            name.start < name.end && self.text.as_bytes()[name.start..name.end].iter().all(is_name);
        let block = self.open.last().copied().unwrap_or_default();
        self.blocks[block].declarations.extend(is_valid.then_some((name, value)));
    }
}

fn trimmed(text: &str, start: usize, end: usize) -> Span {
    let whole = text.get(start..end).unwrap_or_default();
    let start = start + whole.len() - whole.trim_start().len();
    Span { start, end: start + whole.trim().len() }
}

/// Returns whether the parenthesis at `at` starts a URL without quotes.
fn is_bare_url(bytes: &[u8], at: usize) -> bool {
    let next = || bytes.get(at + 1 + spaces(&bytes[at + 1..]));
    let is_url = |name: usize| bytes[name..at].eq_ignore_ascii_case(b"url") && !follows_name(bytes, name);
    at.checked_sub(3).is_some_and(is_url) && !matches!(next(), Some(b'"' | b'\''))
}

/// Replaces comments with spaces, so that offsets stay the same.
fn without_comments(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut plain = String::with_capacity(source.len());
    let (mut at, mut kept) = (0, 0);
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = source[at + 2..].find("*/").map_or(bytes.len(), |end| at + 2 + end + 2);
                plain.push_str(&source[kept..at]);
                plain.extend(std::iter::repeat_n(' ', end - at));
                (at, kept) = (end, end);
            }
            b'\\' => at += 2,
            b'(' if is_bare_url(bytes, at) => at = bare_end(bytes, at + 1),
            b'"' | b'\'' => at = (string_end(bytes, at + 1, byte) + 1).min(bytes.len()),
            _ => at += 1,
        }
    }
    plain.push_str(&source[kept..]);
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rules_and_declarations_are_read_with_their_places() {
        let css = "@import 'a;b'; .a, #b /* { */ { color: red; background: url(data:x;base64,A'/*) }\n\
                   @media print { .c { z-index: -1 } } .d { x: y; & .e { --f:{;} } content: '}' }";
        let sheet = Sheet::parse(css, 10);
        let found = sheet.rules().map(|rule| {
            let declarations = rule.declarations().map(|found| format!("{}={}", found.name, found.value));
            (rule.selector(), declarations.collect::<Vec<_>>().join(" "))
        });
        let found = found.collect::<Vec<_>>();
        let expected = [
            (".a, #b", "color=red background=url(data:x;base64,A'/*)"),
            ("@media print", ""),
            (".c", "z-index=-1"),
            (".d", "x=y content='}'"),
            ("& .e", ""),
            ("--f:", ""),
        ];
        assert_eq!(found.iter().map(|(one, two)| (*one, two.as_str())).collect::<Vec<_>>(), expected);
        let rule = sheet.rules().nth(2).expect("a rule");
        assert_eq!(&css[rule.span().start - 10..rule.span().end - 10], ".c");
        let declaration = rule.declarations().next().expect("a declaration");
        assert_eq!(&css[declaration.name_span.start - 10..declaration.value_span.end - 10], "z-index: -1");
        let attribute = Sheet::parse("color: red; /* no: no */ Width : 1px !important; width-x: 2px", 0);
        assert_eq!(attribute.declarations().count(), 3);
        assert_eq!(attribute.attribute().value("width"), Some("1px"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(css in "[a:;{}()\\[\\]\"'/*\\\\é \n-]{0,60}|(url\\(|[a'\" )/*;é\\\\]){0,20}") {
            let sheet = Sheet::parse(&css, 0);
            prop_assert_eq!(sheet.text().len(), css.len());
            for found in sheet.declarations() {
                prop_assert!(css.is_char_boundary(found.name_span.start) && found.value_span.end <= css.len());
            }
            sheet.rules().for_each(|rule| assert!(rule.selector().len() <= css.len()));
        }
    }
}
