//! JavaScript scanner: finds the variables that a script reads through `getVariables()`.
//!
//! It works on tokens, which is sufficient for the usual forms: `getVariables().title`,
//! `const { title } = getVariables()`, `const values = getVariables(); values.title`. If the values are used in
//! another way, the result is marked as incomplete. A wrong result causes a warning at most.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::Span;

/// The variables that a script uses.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    /// The variables that the script reads, with the positions of their names.
    pub(crate) reads: Vec<(String, Span)>,
    /// The script may read other variables as well.
    pub(crate) opaque: bool,
    /// All strings and identifiers of the script. A variable whose id is not among them is not mentioned.
    pub(crate) words: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Text,
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    kind: Kind,
    /// For strings: the text between the quotes, with escapes.
    text: &'a str,
    start: usize,
}

impl Token<'_> {
    fn is(&self, text: &str) -> bool {
        self.kind != Kind::Text && self.text == text
    }

    fn span(&self) -> Span {
        Span { start: self.start, end: self.start + self.text.len() }
    }
}

/// Scans a script. Positions are offsets into `source`.
pub(crate) fn usage(source: &str) -> Usage {
    let tokens = tokens(source);
    let partners = partners(&tokens);
    let mut reader =
        Reader { tokens: &tokens, partners: &partners, usage: Usage::default(), aliases: BTreeMap::new() };
    reader.calls();
    let mut uses = BTreeMap::<&str, Vec<usize>>::new();
    let aliases = std::mem::take(&mut reader.aliases);
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Name) {
        if aliases.contains_key(token.text) {
            uses.entry(token.text).or_default().push(at);
        }
    }
    for (name, given) in &aliases {
        reader.alias(given, uses.get(name).map_or(&[], Vec::as_slice));
    }
    let mut usage = reader.usage;
    usage.words = BTreeSet::from_iter(
        tokens.iter().filter(|token| token.kind != Kind::Other).map(|token| token.text.to_owned()),
    );
    usage
}

struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    /// The index of the matching bracket, for each bracket.
    partners: &'t [Option<usize>],
    usage: Usage,
    /// Identifiers that hold the values, with the tokens of their assignment.
    aliases: BTreeMap<&'a str, Vec<usize>>,
}

/// Pairs brackets of any kind.
fn partners(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
    let mut partners = vec![None; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Other) {
        match token.text {
            "{" | "(" | "[" => open.push(at),
            "}" | ")" | "]" => {
                if let Some(other) = open.pop() {
                    partners[at] = Some(other);
                    partners[other] = Some(at);
                }
            }
            _ => {}
        }
    }
    partners
}

impl<'a> Reader<'_, 'a> {
    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(text))
    }

    fn read(&mut self, at: usize) {
        let token = self.tokens[at];
        self.usage.reads.push((token.text.to_owned(), token.span()));
    }

    /// Finds all calls of `getVariables()`.
    fn calls(&mut self) {
        for at in 0..self.tokens.len() {
            // Also `getVariables?.()`, but not a definition.
            let open = if self.is(at + 1, "?.") { at + 2 } else { at + 1 };
            let defined = at > 0 && self.is(at - 1, "function");
            if !self.is(at, "getVariables") || defined {
                continue;
            }
            if !self.is(open, "(") || !self.is(open + 1, ")") {
                // `typeof x.getVariables === "function"`, `x.getVariables &&` and the like only test for existence.
                continue;
            }
            self.value(at, open + 2);
        }
    }

    /// Follows the values of an expression, which ends with the token at `name` and is followed by the token at
    /// `after`.
    fn value(&mut self, name: usize, after: usize) {
        if self.member(after) {
            return;
        }
        // A call as a statement reads nothing.
        if self.tokens.get(after).is_none_or(|token| token.is(";") || token.is("}"))
            && self.before(name).is_none_or(|before| [";", "{", "}"].iter().any(|end| self.is(before, end)))
        {
            return;
        }
        let Some(before) = self.before(name) else { return self.usage.opaque = true };
        let before = if self.is(before, "(") { before.checked_sub(1).unwrap_or(before) } else { before };
        if self.is(before, "=") && before > 0 {
            if self.is(before - 1, "}") {
                return self.pattern(before - 1);
            }
            let target = self.tokens[before - 1];
            // A property of another object may be read anywhere.
            let owned = before >= 2 && self.is(before - 2, ".");
            if target.kind == Kind::Name && !owned {
                return self.aliases.entry(target.text).or_default().push(before - 1);
            }
        }
        self.usage.opaque = true;
    }

    /// Returns the token before `window.__hyperframes?.getVariables`, whose last name is at `name`.
    fn before(&self, name: usize) -> Option<usize> {
        let mut at = name;
        while at >= 2
            && (self.is(at - 1, ".") || self.is(at - 1, "?."))
            && self.tokens[at - 2].kind == Kind::Name
        {
            at -= 2;
        }
        at.checked_sub(1)
    }

    /// Records a member that is read directly: `.title`, `?.title`, `["title"]`.
    fn member(&mut self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else { return false };
        let name = |at: usize| self.tokens.get(at).is_some_and(|token| token.kind == Kind::Name);
        let bracket = if token.is("[") {
            Some(at)
        } else if token.is("?.") && self.is(at + 1, "[") {
            Some(at + 1)
        } else {
            None
        };
        if let Some(bracket) = bracket {
            let text = self.tokens.get(bracket + 1).is_some_and(|token| token.kind == Kind::Text);
            if text && self.is(bracket + 2, "]") {
                self.read(bracket + 1);
                return true;
            }
            return false;
        }
        if (token.is(".") || token.is("?.")) && name(at + 1) {
            self.read(at + 1);
            return true;
        }
        false
    }

    /// Records the names of `{ title, accent: color = "red" }`, whose closing brace is at `close`.
    fn pattern(&mut self, close: usize) {
        let Some(open) = self.partners[close] else { return self.usage.opaque = true };
        // A key follows the opening brace or a comma of this level.
        let mut at = open + 1;
        while at < close {
            let token = self.tokens[at];
            if at == open + 1 || self.is(at - 1, ",") {
                match token.kind {
                    Kind::Name | Kind::Text => self.read(at),
                    // `...rest`, `[computed]`
                    Kind::Other => self.usage.opaque = true,
                }
            }
            // Tokens in brackets belong to another level.
            at = self.partners[at].filter(|partner| *partner > at).unwrap_or(at) + 1;
        }
    }

    /// Follows all uses of identifiers that hold the values. A use of unknown form may belong to another variable of
    /// the same name, so its members are counted as read but never reported.
    fn alias(&mut self, given: &[usize], uses: &[usize]) {
        let first = self.usage.reads.len();
        let mut clear = true;
        for at in uses.iter().copied() {
            let owned = at > 0 && (self.is(at - 1, ".") || self.is(at - 1, "?."));
            if owned || given.binary_search(&at).is_ok() {
                continue;
            }
            if self.member(at + 1) {
                continue;
            }
            if at >= 2 && self.is(at - 1, "=") && self.is(at - 2, "}") {
                self.pattern(at - 2);
                continue;
            }
            clear = false;
        }
        if !clear {
            self.usage.opaque = true;
            self.usage.reads.truncate(first);
        }
    }
}

/// Keywords after which a `/` starts a regular expression.
const BEFORE_EXPRESSION: &[&str] = &[
    "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "yield", "await",
];

/// Returns the tokens of a script, without comments and regular expressions. Templates are strings, and the contents of
/// `${…}` are code.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let bytes = source.as_bytes();
    let mut found: Vec<Token<'_>> = Vec::new();
    // For each open template, the number of open braces inside its `${`.
    let mut templates: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            byte if byte.is_ascii_whitespace() => at += 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = find(bytes, at, |byte| byte == b'\n');
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = source[at + 2..].find("*/").map_or(bytes.len(), |end| at + 2 + end + 2);
            }
            b'/' if starts_expression(&found) => at = regex_end(bytes, at),
            mark @ (b'"' | b'\'') => {
                let end = quoted_end(bytes, at + 1, mark);
                found.extend(token(source, Kind::Text, at + 1, end));
                at = (end + 1).min(bytes.len());
            }
            b'`' => at = template(source, at + 1, &mut found, &mut templates),
            b'}' if templates.last() == Some(&0) => {
                templates.pop();
                at = template(source, at + 1, &mut found, &mut templates);
            }
            byte if is_name(byte) => {
                at = find(bytes, at, |byte| !is_name(byte));
                found.extend(token(source, Kind::Name, start, at));
            }
            b'?' if bytes.get(at + 1) == Some(&b'.')
                && !bytes.get(at + 2).is_some_and(u8::is_ascii_digit) =>
            {
                at += 2;
                found.extend(token(source, Kind::Other, start, at));
            }
            // `==`, `=>` and `!=` must not look like an assignment.
            b'=' | b'!' | b'<' | b'>' if matches!(bytes.get(at + 1), Some(b'=' | b'>')) => {
                at = find(bytes, at + 1, |byte| !matches!(byte, b'=' | b'>'));
                found.extend(token(source, Kind::Other, start, at));
            }
            byte => {
                if let Some(open) = templates.last_mut() {
                    *open = match byte {
                        b'{' => *open + 1,
                        b'}' => *open - 1,
                        _ => *open,
                    };
                }
                at += 1;
                found.extend(token(source, Kind::Other, start, at));
            }
        }
    }
    found
}

fn token(source: &str, kind: Kind, start: usize, end: usize) -> Option<Token<'_>> {
    Some(Token { kind, text: source.get(start..end)?, start })
}

fn find(bytes: &[u8], from: usize, end: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|byte| end(*byte)).map_or(bytes.len(), |length| from + length)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#') || byte >= 0x80
}

/// Returns whether a `/` here starts a regular expression, not a division.
fn starts_expression(found: &[Token<'_>]) -> bool {
    match found.last() {
        None => true,
        Some(last) => match last.kind {
            Kind::Text => false,
            Kind::Name => BEFORE_EXPRESSION.contains(&last.text),
            Kind::Other => !matches!(last.text, ")" | "]" | "}"),
        },
    }
}

fn regex_end(bytes: &[u8], from: usize) -> usize {
    let mut class = false;
    let mut at = from + 1;
    while at < bytes.len() && bytes[at] != b'\n' {
        match bytes[at] {
            b'\\' => at += 1,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => return at + 1,
            _ => {}
        }
        at += 1;
    }
    at.min(bytes.len())
}

fn quoted_end(bytes: &[u8], from: usize, mark: u8) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != mark && bytes[at] != b'\n' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// Reads a part of a template, up to its end or the next `${`.
fn template<'a>(
    source: &'a str,
    from: usize,
    found: &mut Vec<Token<'a>>,
    templates: &mut Vec<usize>,
) -> usize {
    let bytes = source.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'`' => break,
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                found.extend(token(source, Kind::Text, from, at));
                templates.push(0);
                return at + 2;
            }
            _ => at += 1,
        }
    }
    let end = at.min(bytes.len());
    found.extend(token(source, Kind::Text, from, end));
    (end + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reads(source: &str) -> (Vec<String>, bool) {
        let usage = usage(source);
        for (name, span) in &usage.reads {
            assert_eq!(&source[span.start..span.end], name);
        }
        (usage.reads.into_iter().map(|(name, _)| name).collect(), usage.opaque)
    }

    fn clear(source: &str) -> Vec<String> {
        let (reads, opaque) = reads(source);
        assert!(!opaque, "{source}");
        reads
    }

    #[test]
    fn the_forms_that_people_write() {
        assert_eq!(clear("getVariables().title"), ["title"]);
        assert_eq!(clear("x = window.__hyperframes?.getVariables?.().title ?? 'y'"), ["title"]);
        assert_eq!(clear("f(getVariables()['sub title'])"), ["sub title"]);
        assert_eq!(
            clear("const { title, accent: color = '#fff', 'a-b': c } = window.__hyperframes.getVariables();"),
            ["title", "accent", "a-b"]
        );
        assert_eq!(
            clear("const v = getVariables();\nel.textContent = v.title; el.style.color = `x${v['accent']}y`"),
            ["title", "accent"]
        );
        assert_eq!(clear("let v = getVariables() || {}; const { a = {b: 1} } = v;"), ["a"]);
        assert_eq!(clear("const v = (window.getVariables() ?? {}); v.a"), ["a"]);
        assert_eq!(clear("getVariables();"), Vec::<String>::new());
        assert_eq!(clear("function getVariables() { return {} }"), Vec::<String>::new());
        assert_eq!(clear("if (typeof getVariables === 'function') {}"), Vec::<String>::new());
    }

    #[test]
    fn what_goes_elsewhere_is_opaque() {
        for source in [
            "apply(getVariables())",
            "const { a, ...rest } = getVariables()",
            "getVariables()[name]",
            "return getVariables()",
            "const v = getVariables(); for (const k in v) {}",
            "window.values = getVariables()",
            "const { [key]: x } = getVariables()",
        ] {
            assert!(reads(source).1, "{source}");
        }
    }

    #[test]
    fn another_variable_of_the_name_warns_nobody() {
        assert_eq!(reads("const v = getVariables(); items.map(v => v.length)"), (Vec::new(), true));
    }

    #[test]
    fn strings_comments_and_expressions_are_no_code() {
        let source = "// getVariables().a\n/* getVariables().b */ 'getVariables().c'; x = /getVariables().d['\"]/g; `getVariables().e`;\
                      y = 1 / 2; z = `${getVariables().f}`; a = b / getVariables().g / c";
        assert_eq!(clear(source), ["f", "g"]);
        let words = usage("el.dataset['x-y'] = \"--accent\"; /* comment */").words;
        assert!(["el", "dataset", "x-y", "--accent"].iter().all(|word| words.contains(*word)));
        assert!(!words.contains("comment"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(source in r#"(getVariables|\(\)|\.|\?\.|\{|\}|\[|\]|=|=>|,|;|v|'|"|`|\$\{|/|\*|\\|const | |\n|é|\PC){0,40}"#) {
            for (name, span) in usage(&source).reads {
                prop_assert_eq!(source.get(span.start..span.end), Some(name.as_str()));
            }
        }
    }
}
