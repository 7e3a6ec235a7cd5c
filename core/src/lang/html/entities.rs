//! Character references in attribute values; source: HTML standard, sections 13.2.5.72 to 13.2.5.80 and 13.5.

use std::sync::OnceLock;

/// The named references of the standard. A line is what they stand for (`␊` is a new line, nothing is `fj`) and their
/// names, with a `!` after those that count without a semicolon as well. In this order they take the least space.
const TABLE: &str = include_str!("entities.txt");

/// What a reference stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    Named(&'static str),
    Numeric(char),
}

/// The reference at the start of `raw`, which starts with `&`: its length in bytes and what it stands for. `None` where
/// the `&` is one.
pub(super) fn reference(raw: &str) -> Option<(usize, Text)> {
    let rest = raw.strip_prefix('&')?;
    match rest.strip_prefix('#') {
        Some(digits) => numeric(raw, digits),
        None => named(raw, rest),
    }
}

fn named(raw: &str, rest: &str) -> Option<(usize, Text)> {
    let length = run(rest, |byte| byte.is_ascii_alphanumeric());
    let (name, after) = rest.split_at(length);
    let (text, is_old) = lookup(name)?;
    match after.bytes().next() {
        Some(b';') => Some((raw.len() - after.len() + 1, Text::Named(text))),
        // Old names count without a semicolon, but not where a query string may be meant: `?a=1&copy=2`.
        next => (is_old && next != Some(b'=')).then(|| (raw.len() - after.len(), Text::Named(text))),
    }
}

fn numeric(raw: &str, digits: &str) -> Option<(usize, Text)> {
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    let length = run(digits, |byte| char::from(byte).is_digit(radix));
    let (digits, after) = digits.split_at(length);
    if digits.is_empty() {
        return None;
    }
    // What does not fit is out of range.
    let code = u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
    let code = match code {
        0 => 0xfffd,
        0x80..=0x9f => WINDOWS_1252[code as usize - 0x80],
        other => other,
    };
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((raw.len() - after.len() + usize::from(after.starts_with(';')), Text::Numeric(character)))
}

fn run(text: &str, is_part: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !is_part(byte)).unwrap_or(text.len())
}

/// What a name stands for, and whether it counts without a semicolon.
fn lookup(name: &str) -> Option<(&'static str, bool)> {
    static ENTRIES: OnceLock<Vec<(&str, &str, bool)>> = OnceLock::new();
    let entries = ENTRIES.get_or_init(|| {
        let mut entries = Vec::new();
        for line in TABLE.lines() {
            let (text, names) = line.split_at(run(line, |byte| !byte.is_ascii_alphabetic()));
            let text = match text {
                "␊" => "\n",
                "" => "fj",
                text => text,
            };
            for name in names.split(' ') {
                let old = name.strip_suffix('!');
                entries.push((old.unwrap_or(name), text, old.is_some()));
            }
        }
        entries.sort_by_key(|(name, ..)| *name);
        entries
    });
    let place = entries.binary_search_by(|(known, _, _)| (*known).cmp(name)).ok()?;
    let (_, text, is_old) = entries[place];
    Some((text, is_old))
}

/// What numbers from 0x80 to 0x9f stand for.
const WINDOWS_1252: [u32; 32] = [
    0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d,
    0x17d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a,
    0x153, 0x9d, 0x17e, 0x178,
];

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every name in the table.
    pub(in crate::lang::html) fn names() -> Vec<&'static str> {
        let names =
            TABLE.lines().flat_map(|line| line[run(line, |byte| !byte.is_ascii_alphabetic())..].split(' '));
        names.map(|name| name.trim_end_matches('!')).collect()
    }

    #[test]
    fn the_table_is_whole() {
        let names = names();
        assert_eq!(names.len(), 2125);
        assert!(names.iter().all(|name| lookup(name).is_some()));
    }

    #[test]
    fn the_forms_of_references() {
        let named = |length, text| Some((length, Text::Named(text)));
        let numeric = |length, character| Some((length, Text::Numeric(character)));
        for (raw, found) in [
            ("&quot;x", named(6, "\"")),
            ("&NewLine;", named(9, "\n")),
            ("&nGt;", named(5, "≫\u{20d2}")),
            ("&amp", named(4, "&")),
            ("&amp x", named(4, "&")),
            ("&amp=", None),
            ("&ampx", None),
            ("&notin;", named(7, "∉")),
            ("&notit;", None),
            ("&hellip", None),
            ("&nope;", None),
            ("&", None),
            ("&#65;", numeric(5, 'A')),
            ("&#65x", numeric(4, 'A')),
            ("&#x41;", numeric(6, 'A')),
            ("&#X1F3AC;", numeric(9, '🎬')),
            ("&#0;", numeric(4, '\u{fffd}')),
            ("&#xd800;", numeric(8, '\u{fffd}')),
            ("&#99999999999;", numeric(14, '\u{fffd}')),
            ("&#x80;", numeric(6, '€')),
            ("&#;", None),
            ("&#x;", None),
        ] {
            assert_eq!(reference(raw), found, "{raw}");
        }
    }
}
