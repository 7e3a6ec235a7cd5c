//! Start and end tags in the order of the source, as the HTML standard finds them; source: section 13.2.5.
//!
//! Text, comments, doctypes and what is inside of scripts, styles and text areas is skipped over. Every byte is looked at
//! a bounded number of times.

use std::collections::BTreeSet;

use super::{Attribute, Quote, decode};
use crate::text::Span;

/// A start or end tag.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) is_end: bool,
    /// In lower case.
    pub(super) name: String,
    /// In the order of the source; of two with one name, the first.
    pub(super) attributes: Vec<Attribute>,
    is_self_closing: bool,
    /// Whether markup follows at once: an end tag, or an element without contents.
    pub(super) has_no_text: bool,
    pub(super) span: Span,
}

/// What follows a start tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Markup,
    /// Up to the element's own end tag, nothing is markup.
    Raw,
    /// As `Raw`, with its own idea of comments.
    Script,
    /// Nothing is markup any more.
    Plain,
}

impl Content {
    /// With scripting, as renderers have it; source: section 13.2.6.4.
    fn of(name: &str) -> Self {
        match name {
            "title" | "textarea" | "style" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript" => {
                Self::Raw
            }
            "script" => Self::Script,
            "plaintext" => Self::Plain,
            _ => Self::Markup,
        }
    }
}

/// Reads tags.
#[derive(Debug)]
pub(super) struct Tokenizer<'a> {
    source: &'a str,
    at: usize,
    /// How many `<svg>` and `<math>` are open: in them, `/>` closes an element, and sections of CDATA are text.
    foreign: usize,
}

impl<'a> Tokenizer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, at: 0, foreign: 0 }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.source.as_bytes().get(at).copied()
    }

    /// The first place from `from` on whose byte is one of those that are looked for, or the end.
    fn seek(&self, from: usize, is_wanted: impl Fn(u8) -> bool) -> usize {
        let rest = &self.source.as_bytes()[from..];
        rest.iter().position(|byte| is_wanted(*byte)).map_or(self.source.len(), |count| from + count)
    }

    /// The place after the first `text` from `from` on, or the end.
    fn after(&self, from: usize, text: &str) -> usize {
        self.source[from..].find(text).map_or(self.source.len(), |place| from + place + text.len())
    }

    /// Skips over something that is no tag; gives back whether there was something.
    fn skip_declaration(&mut self) -> bool {
        let rest = &self.source[self.at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            let start = self.at + 4;
            self.at = if comment.starts_with('>') {
                start + 1
            } else if comment.starts_with("->") {
                start + 2
            } else {
                self.comment_end(start)
            };
        } else if self.foreign > 0 && rest.starts_with("<![CDATA[") {
            self.at = self.after(self.at, "]]>");
        } else if rest.starts_with("<!") || rest.starts_with("<?") || rest.starts_with("</") {
            // Doctypes and bogus comments end at the first `>`.
            self.at = self.after(self.at, ">");
        } else {
            return false;
        }
        true
    }

    /// After the first `-->` or `--!>`.
    fn comment_end(&self, start: usize) -> usize {
        let mut from = start;
        loop {
            let after = self.after(from, "--");
            let rest = &self.source[after..];
            match rest.bytes().next() {
                None => return self.source.len(),
                Some(b'>') => return after + 1,
                Some(b'!') if rest.starts_with("!>") => return after + 2,
                // The second dash may be the first of the end.
                _ => from = after - 1,
            }
        }
    }

    /// The tag at the place, which is at `<` or `</` and a letter; `None` where the source ends before it does.
    fn tag(&mut self) -> Option<Tag> {
        let start = self.at;
        let is_end = self.byte(start + 1) == Some(b'/');
        let name_start = start + 1 + usize::from(is_end);
        let mut at = self.seek(name_start, |byte| is_space(byte) || byte == b'/' || byte == b'>');
        let name = name(&self.source[name_start..at]);
        let mut attributes = Vec::<Attribute>::new();
        let is_self_closing = loop {
            at = self.seek(at, |byte| !is_space(byte));
            match self.byte(at)? {
                b'>' => break false,
                b'/' if self.byte(at + 1) == Some(b'>') => {
                    at += 1;
                    break true;
                }
                b'/' => at += 1,
                _ => {
                    let attribute;
                    (attribute, at) = self.attribute(at)?;
                    attributes.push(attribute);
                }
            }
        };
        self.at = at + 1;
        keep_first(&mut attributes);
        Some(Tag {
            is_end,
            name,
            attributes,
            is_self_closing,
            has_no_text: true,
            span: Span { start, end: at + 1 },
        })
    }

    /// The attribute at `start`, and the place behind it.
    fn attribute(&self, start: usize) -> Option<(Attribute, usize)> {
        // A name may start with `=`.
        let name_end = self.seek(start + 1, |byte| is_space(byte) || matches!(byte, b'/' | b'>' | b'='));
        let name = name(&self.source[start..name_end]);
        let equals = self.seek(name_end, |byte| !is_space(byte));
        if self.byte(equals)? != b'=' {
            let span = Span { start: name_end, end: name_end };
            return Some((Attribute { name, value: String::new(), span, quote: Quote::None }, equals));
        }
        let at = self.seek(equals + 1, |byte| !is_space(byte));
        let (quote, span, after) = match self.byte(at)? {
            mark @ (b'"' | b'\'') => {
                let end = self.seek(at + 1, |byte| byte == mark);
                self.byte(end)?;
                let quote = if mark == b'"' { Quote::Double } else { Quote::Single };
                (quote, Span { start: at + 1, end }, end + 1)
            }
            _ => {
                let end = self.seek(at, |byte| is_space(byte) || byte == b'>');
                (Quote::None, Span { start: at, end }, end)
            }
        };
        let value = decode(&self.source[span.start..span.end], &mut |_, _| {});
        Some((Attribute { name, value, span, quote }, after))
    }

    /// Skips over the text of the element `name`, to its end tag.
    fn skip_raw(&mut self, name: &str) {
        self.at = self.end_tag(self.at, name).unwrap_or(self.source.len());
    }

    /// Where the next end tag of the element `name` starts.
    fn end_tag(&self, from: usize, name: &str) -> Option<usize> {
        let mut from = from;
        loop {
            let start = from + self.source[from..].find("</")?;
            if self.names(start + 2, name) {
                return Some(start);
            }
            from = start + 2;
        }
    }

    /// Whether the name of a tag stands at a place, with something behind it that ends a name.
    fn names(&self, at: usize, name: &str) -> bool {
        let bytes = self.source.as_bytes();
        let is_it =
            bytes.get(at..at + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()));
        is_it && self.byte(at + name.len()).is_some_and(|byte| is_space(byte) || byte == b'/' || byte == b'>')
    }

    /// Skips over a script to its end tag: inside of `<!--`, a `<script>` hides one end tag.
    fn skip_script(&mut self) {
        const NAME: &str = "script";
        #[derive(Clone, Copy)]
        enum State {
            Plain,
            Escaped,
            Twice,
        }
        let mut state = State::Plain;
        let mut at = self.at;
        loop {
            let rest = &self.source[at..];
            let Some(ahead) = rest.find(['<', '-']) else { break };
            at += ahead;
            let rest = &self.source[at..];
            state = match state {
                State::Plain | State::Escaped if rest.starts_with("</") && self.names(at + 2, NAME) => {
                    self.at = at;
                    return;
                }
                State::Plain if rest.starts_with("<!--") => {
                    // The dashes may be the first of the end: `<!-->`.
                    at += 2;
                    State::Escaped
                }
                State::Escaped | State::Twice if rest.starts_with("-->") => {
                    at += 3;
                    State::Plain
                }
                State::Escaped if self.names(at + 1, NAME) && rest.starts_with('<') => {
                    at += 1 + NAME.len();
                    State::Twice
                }
                State::Twice if rest.starts_with("</") && self.names(at + 2, NAME) => {
                    at += 2 + NAME.len();
                    State::Escaped
                }
                state => {
                    at += 1;
                    state
                }
            };
        }
        self.at = self.source.len();
    }
}

impl Iterator for Tokenizer<'_> {
    type Item = Tag;

    fn next(&mut self) -> Option<Tag> {
        loop {
            self.at += self.source[self.at..].find('<')?;
            let letter = self.at + 1 + usize::from(self.byte(self.at + 1) == Some(b'/'));
            if !self.byte(letter).is_some_and(|byte| byte.is_ascii_alphabetic()) {
                if !self.skip_declaration() {
                    self.at += 1;
                }
                continue;
            }
            let Some(mut tag) = self.tag() else {
                self.at = self.source.len();
                return None;
            };
            let is_foreign = is_foreign(&tag.name);
            if tag.is_end {
                self.foreign = self.foreign.saturating_sub(usize::from(is_foreign));
            } else if !(tag.is_self_closing && (self.foreign > 0 || is_foreign)) {
                self.foreign += usize::from(is_foreign);
                tag.has_no_text = false;
                match Content::of(&tag.name) {
                    Content::Markup => {}
                    Content::Raw => self.skip_raw(&tag.name),
                    Content::Script => self.skip_script(),
                    Content::Plain => self.at = self.source.len(),
                }
            }
            return Some(tag);
        }
    }
}

/// Of attributes with one name the first counts, as in browsers.
fn keep_first(attributes: &mut Vec<Attribute>) {
    if BTreeSet::from_iter(attributes.iter().map(|attribute| attribute.name.as_str())).len()
        < attributes.len()
    {
        let mut seen = BTreeSet::new();
        attributes.retain(|attribute| seen.insert(attribute.name.clone()));
    }
}

/// White space of HTML; a carriage return counts as the line feed that it becomes.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r')
}

/// Whether an element's insides follow the rules of XML; source: section 13.2.6.5.
fn is_foreign(name: &str) -> bool {
    matches!(name, "svg" | "math")
}

/// The name of an element or an attribute.
fn name(raw: &str) -> String {
    raw.to_ascii_lowercase().replace('\0', "\u{fffd}")
}
