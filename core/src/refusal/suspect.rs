//! Everything in a text that any parser could take for a path that leaves the project.
//!
//! The engine parses pages with another library than browsers do, several times, with regular expressions in between.
//! What one reading takes for a comment is a reference in another. So nothing is parsed here: every text between
//! delimiters counts, with entities decoded or not.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::host::{host_of, is_placeholder, is_public};
use super::path::{Place, place, readings, without_query};

/// More references than this in one run without white space are not enumerated but refused.
const MAX_STARTS: usize = 64;

/// A text that may be read as a path outside of the project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspect {
    /// A path that leaves the project: what follows the last `..` that does. It is below one of the directories that
    /// contain the project.
    Above(String),
    /// An absolute path, without the slash at its start.
    Absolute(String),
    /// A host that is not public, in the source of an element: the engine fetches scripts.
    Host(String),
    /// A file of the project that is mounted as a composition, and so read as a page whatever its name is.
    Composition(String),
    /// A text with more references than are looked at.
    TooMany,
}

/// Returns the texts of a document that may be read as paths outside of the project.
///
/// ```
/// use hyperframes_ci_core::refusal::{Suspect, suspects};
///
/// let found = suspects("<!-- <img src='../../etc/passwd'> -->");
/// assert!(found.contains(&Suspect::Above("etc/passwd".to_owned())));
/// ```
#[must_use]
pub fn suspects(text: &str) -> BTreeSet<Suspect> {
    let mut found = BTreeSet::new();
    let mut text = Cow::Borrowed(text);
    // Each pass of the engine may decode once more.
    for _ in 0..4 {
        quoted(&text, &mut found);
        unquoted(&text, &mut found);
        urls(&text, &mut found);
        let decoded = decode_escapes(&decode_entities(&text));
        if decoded == text {
            break;
        }
        text = Cow::Owned(decoded);
    }
    found
}

/// Texts between two quotes of a kind.
fn quoted(text: &str, found: &mut BTreeSet<Suspect>) {
    for quote in ['"', '\'', '`'] {
        let mut start = None;
        for (end, _) in text.match_indices(quote).chain(std::iter::once((text.len(), ""))) {
            if let Some(start) = start {
                suspect(&text[start..end], Attribute::of(&text[..start - 1]), found);
            }
            start = Some(end + 1);
        }
    }
}

/// Texts after `src=` and `href=`, up to white space or the end of a tag.
fn unquoted(text: &str, found: &mut BTreeSet<Suspect>) {
    let mut starts = 0;
    let mut run_end = 0;
    let mut is_path = false;
    for (at, _) in text.match_indices('=') {
        let before = text[..at].trim_end();
        let is_name = ends_with(before, "src") || ends_with(before, "href");
        if !is_name {
            continue;
        }
        let start = at + 1 + (text[at + 1..].len() - text[at + 1..].trim_start().len());
        if start >= run_end {
            let length = text[start..].find(|character: char| character.is_whitespace() || character == '>');
            run_end = length.map_or(text.len(), |length| start + length);
            starts = 0;
            is_path = text[start..run_end].contains(['/', '\\', '%']);
        }
        if !is_path && Attribute::named(before) != Attribute::Composition {
            continue;
        }
        starts += 1;
        if starts > MAX_STARTS {
            found.insert(Suspect::TooMany);
            return;
        }
        suspect(&text[start..run_end], Attribute::named(before), found);
    }
}

/// Texts after `url(`, up to the parenthesis or a quote.
fn urls(text: &str, found: &mut BTreeSet<Suspect>) {
    let mut starts = 0;
    let mut run_end = 0;
    let mut is_path = false;
    for (at, _) in text.match_indices('(') {
        if !ends_with(&text[..at], "url") {
            continue;
        }
        let start = at + 1;
        if start >= run_end {
            run_end = text[start..].find(')').map_or(text.len(), |length| start + length);
            starts = 0;
            is_path = text[start..run_end].contains(['/', '\\', '%']);
        }
        if !is_path {
            continue;
        }
        starts += 1;
        if starts > MAX_STARTS {
            found.insert(Suspect::TooMany);
            return;
        }
        let target = text[start..run_end].trim().trim_start_matches(['"', '\'']);
        suspect(target.split(['"', '\'']).next().unwrap_or_default(), Attribute::Other, found);
    }
}

/// The attribute before a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    /// The engine reads absolute paths in it.
    Source,
    /// `data-composition-src`.
    Composition,
    Other,
}

impl Attribute {
    /// Returns the attribute whose value starts after `before`, which ends with `=`.
    fn of(before: &str) -> Self {
        before.trim_end().strip_suffix('=').map_or(Self::Other, |name| Self::named(name.trim_end()))
    }

    /// Returns the attribute whose name `text` ends with.
    fn named(text: &str) -> Self {
        if ends_with(text, "composition-src") {
            Self::Composition
        } else if ends_with(text, "src") {
            Self::Source
        } else {
            Self::Other
        }
    }
}

fn ends_with(text: &str, end: &str) -> bool {
    let start = text.len().checked_sub(end.len());
    start.and_then(|start| text.get(start..)).is_some_and(|found| found.eq_ignore_ascii_case(end))
}

/// Adds `target` if one of its readings leads outside.
fn suspect(target: &str, attribute: Attribute, found: &mut BTreeSet<Suspect>) {
    let may_climb = target.contains("..") || target.contains('%') || target.contains('\\');
    let is_source = attribute != Attribute::Other;
    if !may_climb && !is_source {
        return;
    }
    let host = if is_source { host_of(target) } else { None };
    found.extend(host.filter(|host| !is_placeholder(host) && !is_public(host)).map(Suspect::Host));
    for part in [target, without_query(target)] {
        for reading in readings(part) {
            match place("", &reading) {
                Place::Above(rest) if !rest.is_empty() => found.insert(Suspect::Above(rest)),
                Place::Absolute(rest) if is_source && !rest.is_empty() => {
                    found.insert(Suspect::Absolute(rest))
                }
                Place::Inside(path) if attribute == Attribute::Composition => {
                    found.insert(Suspect::Composition(path))
                }
                _ => false,
            };
        }
    }
}

/// Decodes `\u002e` and `\/` of JSON, as in declarations and values of variables.
fn decode_escapes(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let code = rest.strip_prefix('u').and_then(|code| u32::from_str_radix(code.get(..4)?, 16).ok());
        if let Some(letter) = code.and_then(char::from_u32) {
            decoded.push(letter);
            rest = &rest[5..];
        } else if !rest.starts_with('/') {
            decoded.push('\\');
        }
    }
    decoded.push_str(rest);
    decoded
}

/// Decodes numeric entities, and the named ones of ASCII punctuation, with a semicolon or without.
fn decode_entities(text: &str) -> String {
    const NAMED: &[(&str, &str)] = &[
        ("period", "."),
        ("sol", "/"),
        ("bsol", "\\"),
        ("percnt", "%"),
        ("colon", ":"),
        ("lowbar", "_"),
        ("equals", "="),
        ("lpar", "("),
        ("rpar", ")"),
        ("quot", "\""),
        ("apos", "'"),
        ("amp", "&"),
        ("lt", "<"),
        ("gt", ">"),
        ("num", "#"),
        ("quest", "?"),
        ("comma", ","),
        ("semi", ";"),
        ("Tab", "\t"),
        ("NewLine", "\n"),
        ("QUOT", "\""),
        ("AMP", "&"),
        ("LT", "<"),
        ("GT", ">"),
    ];
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (letter, length) = if let Some(number) = rest.strip_prefix('#') {
            number_entity(number)
        } else {
            let named = NAMED.iter().find(|(name, _)| rest.starts_with(name));
            named.map_or(("&".to_owned(), 0), |(name, letter)| ((*letter).to_owned(), name.len()))
        };
        decoded.push_str(&letter);
        rest = &rest[length..];
        if length > 0 {
            rest = rest.strip_prefix(';').unwrap_or(rest);
        }
    }
    decoded.push_str(rest);
    decoded
}

/// Returns the letter of the entity whose number follows `&#`, and the length of what it is made of after `&`.
fn number_entity(text: &str) -> (String, usize) {
    let (digits, radix, start) = match text.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16, 2),
        None => (text, 10, 1),
    };
    let length = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let number = u32::from_str_radix(&digits[..length], radix).ok();
    match number.and_then(char::from_u32) {
        Some(letter) => (letter.to_string(), start + length),
        None => ("&".to_owned(), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn above(path: &str) -> Suspect {
        Suspect::Above(path.to_owned())
    }

    #[test]
    fn every_reading_counts() {
        for text in [
            "<img src=../etc/passwd>",
            "<img/x=\"\"src=../etc/passwd>",
            "<!-- <img src = '../etc/passwd' -->",
            "/* url( ../etc/passwd ) */",
            "<style>p{content:'url(../etc/passwd)'}</style>",
            "<p title='&quot; src=../etc/passwd '>",
            "<p src='&amp;#46;&period;&#x2f;etc/passwd'>",
            "<p src='%2e%2e%2fetc/passwd?x'>",
            "URL(url(../../etc/passwd)",
            "{\"x\": \"a/../../etc/passwd\"}",
            "{&quot;x&quot;: &quot;url(\\u002e./etc\\/passwd)&quot;}",
        ] {
            assert!(suspects(text).contains(&above("etc/passwd")), "{text}: {:?}", suspects(text));
        }
        let absolute = Suspect::Absolute("etc/x.mp4".to_owned());
        for text in
            ["<video src=//etc/x.mp4>", "<video src = \"/etc/x.mp4\">", "<video src='.//etc/x.mp4#t=1'>"]
        {
            assert!(suspects(text).contains(&absolute), "{text}");
        }
    }

    #[test]
    fn hosts_are_found_where_browsers_see_text() {
        let host = Suspect::Host("127.1".to_owned());
        for text in ["<textarea><script src=http://127.1/x>", "<!-- <script src = '//127.1/x'></script> -->"]
        {
            assert!(suspects(text).contains(&host), "{text}");
        }
        assert_eq!(suspects("<script src=https://cdn.example.com/x.js></script>"), BTreeSet::new());
    }

    #[test]
    fn mounted_files_are_found() {
        let composition = Suspect::Composition("a.txt".to_owned());
        for text in ["<div data-composition-src=a.txt>", "<div data-composition-src='x/../a.txt'>"] {
            assert!(suspects(text).contains(&composition), "{text}");
        }
    }

    #[test]
    fn plain_texts_have_none() {
        let text = "<img src=a.png><script>f(...args); g('/dev/null', '..', \"../\")</script><a href=/x>";
        assert_eq!(suspects(text), BTreeSet::new());
    }

    #[test]
    fn large_texts_take_linear_time() {
        // With quadratic time this test would not end.
        for piece in ["src=", "url(", "&amp;", "'../", "=../a", "src=../x "] {
            assert!(suspects(&piece.repeat(50_000)).len() < 3, "{piece}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(src|=|url\\(|\\)|'|\"|`|&#46;|&|%2e|\\.\\.|/|\\\\|é|\\PC){0,60}") {
            prop_assert!(suspects(&text).len() <= text.len() * 64);
        }
    }
}
