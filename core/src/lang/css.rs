//! CSS scanner: finds `url(…)`, `@import "…"` and custom properties outside comments and strings.

use crate::lang::html::Quote;
use crate::text::Span;

/// A URL in CSS.
#[derive(Debug)]
pub(crate) struct Url {
    /// The URL, with escapes decoded.
    pub(crate) target: String,
    /// The span between the quotes or the parentheses.
    pub(crate) span: Span,
    /// The quotes around the URL.
    pub(crate) quote: Quote,
    pub(crate) need: Need,
}

/// Whether a browser needs a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Always.
    Always,
    /// Only if a custom property is not set: the fallback of `var()`.
    Fallback,
    /// One of several alternatives, in `@font-face` or `image-set()`. Holds the offset at which they start, which
    /// identifies them.
    Alternative(usize),
    /// Only by browsers that do not know the alternatives that start at this offset: `src` beside `srcset`.
    Superseded(usize),
    /// For something that no frame shows, such as the icon of a tab.
    Unseen,
    /// Only if a media query applies.
    Conditional,
    /// Not always: the element has an `onerror` attribute, which may load another file.
    Replaced,
}

/// Returns whether a browser needs what a media query selects; `None` if it always does.
pub(crate) fn media_need(query: &str) -> Option<Need> {
    let query = query.to_ascii_lowercase();
    let mut media = query.split(',').map(str::trim);
    if media.clone().any(|medium| matches!(medium, "" | "all" | "screen")) {
        return None;
    }
    Some(if media.all(|medium| medium.starts_with("print")) { Need::Unseen } else { Need::Conditional })
}

impl Need {
    /// Moves the offset that identifies alternatives.
    pub(crate) fn map(self, moved: impl FnOnce(usize) -> usize) -> Self {
        match self {
            Self::Alternative(start) => Self::Alternative(moved(start)),
            Self::Superseded(start) => Self::Superseded(moved(start)),
            other => other,
        }
    }
}

/// A custom property, such as `--accent`.
#[derive(Debug)]
pub(crate) struct Property {
    /// The name, without the dashes.
    pub(crate) name: String,
    /// The span of the name, with the dashes.
    pub(crate) span: Span,
    pub(crate) role: Role,
}

/// The use of a custom property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `--name: …` or `@property --name`.
    Set,
    /// `var(--name)`.
    Read,
    /// `var(--name, …)`.
    ReadWithFallback,
}

/// The contents of a style sheet, or of a style attribute.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    pub(crate) urls: Vec<Url>,
    pub(crate) properties: Vec<Property>,
}

/// Scans CSS. Source of the grammar: CSS Syntax Level 3, section 4.
pub(crate) fn scan(source: &str) -> Sheet {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut properties = Vec::new();
    let mut at = 0;
    // The next string is the argument of `@import`.
    let mut importing = false;
    // Browsers ignore `@import` after a rule.
    let mut is_late = false;
    let mut context = Context::default();
    while at < bytes.len() {
        match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = source[at + 2..].find("*/").map_or(bytes.len(), |end| at + 2 + end + 2);
            }
            mark @ (b'"' | b'\'') => {
                let end = string_end(bytes, at + 1, mark);
                let in_image_set = matches!(context.functions.last(), Some(Function::ImageSet(_)));
                if importing || in_image_set {
                    let need = import_need(importing, is_late, source, end).unwrap_or_else(|| context.need());
                    found.push(url(source, at + 1, end, quote(mark), need));
                }
                importing = false;
                at = (end + 1).min(bytes.len());
            }
            b'\\' => at += 2,
            b'-' if bytes.get(at + 1) == Some(&b'-') && !follows_name(bytes, at) => {
                let end = name_end(bytes, at + 2);
                properties.extend(property(source, at, end));
                at = end;
            }
            // The name of a language, not a file.
            b'@' if has_word(bytes, at + 1, b"namespace") => {
                at = source[at..].find(';').map_or(bytes.len(), |end| at + end);
            }
            b'@' => {
                importing = has_word(bytes, at + 1, b"import");
                if has_word(bytes, at + 1, b"font-face") {
                    context.font_face = Some(at);
                }
                at += 1;
            }
            b'u' | b'U' if has_word(bytes, at, b"url(") && !follows_name(bytes, at) => {
                let start = at + 4 + spaces(&bytes[at + 4..]);
                context.open(Function::Other);
                let (start, end, quote) = match bytes.get(start) {
                    Some(mark @ (b'"' | b'\'')) => {
                        let end = string_end(bytes, start + 1, *mark);
                        at = (end + 1).min(bytes.len());
                        (start + 1, end, quote(*mark))
                    }
                    _ => {
                        at = bare_end(bytes, start);
                        (start, start + source[start..at].trim_end().len(), Quote::None)
                    }
                };
                if quote != Quote::None || start < end {
                    let need = import_need(importing, is_late, source, at).unwrap_or_else(|| context.need());
                    found.push(url(source, start, end, quote, need));
                }
                importing = false;
            }
            b'(' => {
                context.open(Function::ending_at(source, at));
                at += 1;
            }
            b')' => {
                context.close();
                at += 1;
            }
            b',' => {
                context.comma();
                at += 1;
            }
            end @ (b';' | b'{' | b'}') => {
                importing = false;
                is_late |= end == b'{';
                context.end();
                if end == b'}' {
                    context.font_face = None;
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    Sheet { urls: found, properties }
}

/// Returns whether a browser needs a style sheet whose `@import` goes on at `at`, if its media query or its place
/// decides that.
fn import_need(importing: bool, is_late: bool, source: &str, at: usize) -> Option<Need> {
    if importing && is_late {
        return Some(Need::Unseen);
    }
    let rest = source.get(at..).filter(|_| importing)?.split([';', '{', '}']).next()?;
    let rest = rest.trim_start_matches(['"', '\'', ')', ' ', '\t', '\r', '\n']);
    let query = match rest.rsplit_once(')') {
        Some((conditions, query)) if conditions.contains("layer(") || conditions.contains("supports(") => {
            query
        }
        _ => rest.strip_prefix("layer").unwrap_or(rest),
    };
    // A comment is no query.
    media_need(query.trim_start()).filter(|_| !query.contains("/*"))
}

/// What surrounds a URL.
#[derive(Debug, Default)]
struct Context {
    /// The open parentheses.
    functions: Vec<Function>,
    /// How many of them are the fallback of `var()`.
    fallbacks: usize,
    /// The offsets of those of `image-set(`.
    sets: Vec<usize>,
    /// The start of the `@font-face` rule.
    font_face: Option<usize>,
}

/// An open parenthesis.
#[derive(Clone, Copy, Debug)]
enum Function {
    /// `var(`, before its comma.
    Var,
    /// `var(` after its comma.
    Fallback,
    /// `image-set(`, at this offset.
    ImageSet(usize),
    Other,
}

impl Function {
    /// Returns the function whose parenthesis is at `at`.
    fn ending_at(source: &str, at: usize) -> Self {
        let before = &source.as_bytes()[..at];
        let ends =
            |word: &[u8]| before.len() >= word.len() && has_word(before, before.len() - word.len(), word);
        if ends(b"var") {
            Self::Var
        } else if ends(b"image-set") {
            Self::ImageSet(at)
        } else {
            Self::Other
        }
    }
}

impl Context {
    fn open(&mut self, function: Function) {
        if let Function::ImageSet(start) = function {
            self.sets.push(start);
        }
        self.functions.push(function);
    }

    fn close(&mut self) {
        match self.functions.pop() {
            Some(Function::ImageSet(_)) => drop(self.sets.pop()),
            Some(Function::Fallback) => self.fallbacks -= 1,
            _ => {}
        }
    }

    fn comma(&mut self) {
        if let Some(function @ Function::Var) = self.functions.last_mut() {
            *function = Function::Fallback;
            self.fallbacks += 1;
        }
    }

    fn end(&mut self) {
        self.functions.clear();
        self.sets.clear();
        self.fallbacks = 0;
    }

    fn need(&self) -> Need {
        if self.fallbacks > 0 {
            return Need::Fallback;
        }
        let set = self.sets.last().copied();
        set.or(self.font_face).map_or(Need::Always, Need::Alternative)
    }
}

fn property(source: &str, start: usize, end: usize) -> Option<Property> {
    let name = unescape(source.get(start + 2..end)?);
    let before = source[..start].trim_end();
    let next = source.get(end..)?.trim_start().bytes().next();
    let role = if before.len() >= 4 && has_word(before.as_bytes(), before.len() - 4, b"var(") {
        if next == Some(b',') { Role::ReadWithFallback } else { Role::Read }
    } else if next == Some(b':') || before.ends_with("@property") {
        Role::Set
    } else {
        return None;
    };
    (!name.is_empty()).then_some(Property { name, span: Span { start, end }, role })
}

fn name_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'-' | b'_' | 0x80.. => at += 1,
            byte if byte.is_ascii_alphanumeric() => at += 1,
            _ => break,
        }
    }
    at.min(bytes.len())
}

fn quote(mark: u8) -> Quote {
    if mark == b'"' { Quote::Double } else { Quote::Single }
}

fn url(source: &str, start: usize, end: usize, quote: Quote, need: Need) -> Url {
    Url { target: unescape(&source[start..end]).trim().to_owned(), span: Span { start, end }, quote, need }
}

fn has_word(bytes: &[u8], at: usize, word: &[u8]) -> bool {
    bytes.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
}

/// Returns whether `url(` at `at` is only the end of a longer name.
pub(super) fn follows_name(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| {
        let byte = bytes[before];
        byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-_\\".contains(&byte)
    })
}

pub(super) fn spaces(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Returns the end of a string: its quote, a line end (a broken string), or the end of the text.
pub(super) fn string_end(bytes: &[u8], from: usize, mark: u8) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != mark && !is_line_end(bytes[at]) {
        at += match bytes.get(at..at + 3) {
            // CR LF is a single line end; source: CSS Syntax Level 3, section 3.3.
            Some(b"\\\r\n") => 3,
            _ if bytes[at] == b'\\' => 2,
            _ => 1,
        };
    }
    at.min(bytes.len())
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'\x0c')
}

pub(super) fn bare_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != b')' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// Decodes `\"` and `\26 `; source: CSS Syntax Level 3, section 4.3.7.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            // Section 3.3: NUL is replaced before tokenization.
            plain.push(if character == '\0' { '\u{fffd}' } else { character });
            continue;
        }
        let mut code = 0;
        let mut digits = 0;
        while digits < 6
            && let Some(digit) = characters.peek().and_then(|next| next.to_digit(16))
        {
            code = code * 16 + digit;
            digits += 1;
            characters.next();
        }
        if digits > 0 {
            characters.next_if(char::is_ascii_whitespace);
            plain.push(char::from_u32(code).filter(|decoded| *decoded != '\0').unwrap_or('\u{fffd}'));
        } else if characters.next_if_eq(&'\r').is_some() {
            characters.next_if_eq(&'\n');
        } else if let Some(escaped) = characters.next().filter(|escaped| !matches!(escaped, '\n' | '\x0c')) {
            plain.push(escaped);
        }
    }
    plain
}

/// Escapes `target` for use between these quotes.
pub(crate) fn escape(target: &str, quote: Quote) -> String {
    let must_escape = |character: char| match quote {
        Quote::Double => matches!(character, '"' | '\\'),
        Quote::Single => matches!(character, '\'' | '\\'),
        Quote::None => matches!(character, '"' | '\'' | '(' | ')' | '\\') || character.is_ascii_whitespace(),
    };
    let mut escaped = String::with_capacity(target.len());
    for character in target.chars() {
        // `<` could end the element that contains the style.
        if character.is_control() || character == '<' || (character == ' ' && must_escape(' ')) {
            escaped.push_str(&format!("\\{:x} ", u32::from(character)));
        } else {
            if must_escape(character) {
                escaped.push('\\');
            }
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(source: &str) -> Vec<String> {
        scan(source).urls.into_iter().map(|url| url.target).collect()
    }

    #[test]
    fn urls_outside_comments_and_strings() {
        let source = "/* url(no.png) */ a { b: url(x.png), URL( 'y z.png' ); content: 'url(no.png)' }\n\
                      @import \"i.css\"; @namespace svg url(http://n); @import url(j.css) screen; c { d: my-url(no.png) } e { f: \"g\" }";
        assert_eq!(targets(source), ["x.png", "y z.png", "i.css", "j.css"]);
    }

    #[test]
    fn custom_properties() {
        let source = "@property --p { syntax: '*' } a { --q : 1; b: var( --r ); c: var(--s, red); --é\\: x: 2 }\n\
                      /* var(--no) */ .block--no { d: 'var(--no)'; e: var(--t) }";
        let found = scan(source).properties.into_iter().map(|p| (p.name, p.role)).collect::<Vec<_>>();
        let expected = [
            ("p", Role::Set),
            ("q", Role::Set),
            ("r", Role::Read),
            ("s", Role::ReadWithFallback),
            ("é: x", Role::Set),
            ("t", Role::Read),
        ];
        // The escaped colon is part of a name; the space after it ends it.
        let found = found.iter().map(|(name, role)| (name.as_str(), *role)).collect::<Vec<_>>();
        assert_eq!(found[..4], expected[..4]);
        assert_eq!(found.last(), expected.last());
    }

    #[test]
    fn escapes() {
        assert_eq!(targets(r"a{b:url(x\ y\29 .png)} c{d:url('it\'s.png')}"), ["x y).png", "it's.png"]);
        for quote in [Quote::Double, Quote::Single, Quote::None] {
            let target = "a 'b' \"c\" (d)\\e\n</style>.png";
            let escaped = escape(target, quote);
            assert_eq!(unescape(&escaped), target);
            assert!(!escaped.contains('<'));
        }
    }

    #[test]
    fn an_escaped_line_end_continues_a_string() {
        for line_end in ["\n", "\r\n", "\r", "\x0c"] {
            assert_eq!(targets(&format!("a{{b:url('c\\{line_end}d')}}")), ["cd"], "{line_end:?}");
            // Without the backslash the string is broken, and what follows is none of it.
            assert_eq!(targets(&format!("a{{b:'c{line_end};d:url(e)}}")), ["e"], "{line_end:?}");
        }
    }

    #[test]
    fn imports_may_have_a_media_query() {
        let needs = |source: &str| scan(source).urls.into_iter().map(|url| url.need).collect::<Vec<_>>();
        for (rest, need) in [
            ("", Need::Always),
            (" screen", Need::Always),
            (" layer(base) supports(display: grid) all", Need::Always),
            (" layer", Need::Always),
            (" /* x */", Need::Always),
            (" print", Need::Unseen),
            (" layer(a.b)supports((a: b) and (c: d))\n print", Need::Unseen),
            (" (min-width: 1px)", Need::Conditional),
        ] {
            for form in ["'a.css'", "url(a.css)", "url( \"a.css\" )"] {
                assert_eq!(needs(&format!("@import {form}{rest}; a {{ b: c }}")), [need], "{form}{rest}");
            }
        }
        assert_eq!(needs("@import 'a' print; b { c: url(d) }"), [Need::Unseen, Need::Always]);
    }

    #[test]
    fn unfinished_text_ends_it() {
        for source in ["url(", "url('", "url('a", "url(a", "/*", "@import '", "\\", "url(\\"] {
            scan(source);
        }
        assert_eq!(targets("url(a"), ["a"]);
    }
}
