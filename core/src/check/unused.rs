//! Style rules that no frame needs: no element of the project matches them, or they are for print.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::page::Pages;
use crate::lang::css::{Need, media_need};
use crate::lang::style::{Sheet, StyleRule};
use crate::text::Span;
use crate::variables::VariableType;

/// Why no frame needs a rule, or may not need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unused {
    Print,
    Query,
    Replaced,
    Unmatched,
    Font,
}

impl Unused {
    pub(super) fn of(need: Need) -> Option<Self> {
        match need {
            Need::Unseen => Some(Self::Print),
            Need::Conditional => Some(Self::Query),
            Need::Replaced => Some(Self::Replaced),
            _ => None,
        }
    }

    /// Returns the reason for a message.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Print => "no frame shows it",
            Self::Query => "a query decides whether it is used",
            Self::Replaced => "its onerror attribute may load another file",
            Self::Unmatched => "no element matches its selector",
            Self::Font => "no text uses its font",
        }
    }
}

/// Values of declarations that no frame needs, in source order.
pub(super) type UnusedValues = Vec<(Span, Unused)>;

/// What elements and scripts of a project name. It is collected when it is needed first.
pub(super) struct Names<'a> {
    pages: &'a Pages<'a>,
    known: OnceCell<Known>,
}

#[derive(Default)]
struct Known {
    /// Names, ids and classes of elements, with their marks.
    elements: BTreeSet<String>,
    /// The words of scripts.
    words: BTreeSet<String>,
    /// The words of fonts, in lower case.
    fonts: BTreeSet<String>,
    /// The characters of all files, other than those of ASCII, sorted.
    characters: Vec<char>,
    /// Entities or escapes may be any character.
    has_escapes: bool,
    /// A variable is a font, so that any font may be used.
    has_font_variable: bool,
}

impl<'a> Names<'a> {
    pub(super) fn new(pages: &'a Pages<'a>) -> Self {
        Self { pages, known: OnceCell::new() }
    }

    /// Returns why each rule is not needed; the sheet itself is the first one.
    pub(super) fn unused(&self, sheet: &Sheet) -> Vec<Option<Unused>> {
        let mut all = vec![None];
        let mut is_keyframes = vec![false];
        for rule in sheet.rules() {
            let known = all[rule.parent()];
            let own = || if is_keyframes[rule.parent()] { None } else { self.of(rule) };
            all.push(known.or_else(own));
            is_keyframes.push(rule.selector().contains("keyframes"));
        }
        all
    }

    /// Returns the values of declarations that are not needed, in source order.
    pub(super) fn values(&self, sheet: &Sheet) -> UnusedValues {
        let rules = self.unused(sheet).into_iter().skip(1).zip(sheet.rules());
        let values = rules.flat_map(|(unused, rule)| {
            rule.declarations().filter_map(move |declaration| {
                // There is no pointer in a frame.
                let cursor = declaration.is("cursor").then_some(Unused::Print);
                Some((declaration.value_span, unused.or(cursor)?))
            })
        });
        let mut values = values.collect::<Vec<_>>();
        values.sort_by_key(|(span, _)| *span);
        values
    }

    /// Returns whether a script of the project has a word.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.known().words.contains(word)
    }

    /// Returns whether no element matches any selector of a list.
    pub(super) fn is_unmatched(&self, selectors: &str) -> bool {
        self.known().is_unmatched(selectors)
    }

    fn known(&self) -> &Known {
        self.known.get_or_init(|| Known::of(self.pages))
    }

    fn of(&self, rule: StyleRule<'_>) -> Option<Unused> {
        let selector = rule.selector();
        match selector.strip_prefix('@').map(|name| name.split_once([' ', '(']).unwrap_or((name, ""))) {
            None => self.is_unmatched(selector).then_some(Unused::Unmatched),
            Some(("media", _)) => Unused::of(media_need(&selector["@media".len()..])?),
            Some(("font-face", _)) => {
                let known = self.known();
                let family = rule.value("font-family")?.to_lowercase();
                let is_used =
                    known.has_font_variable || words(&family).all(|word| known.fonts.contains(word));
                let is_shown = || rule.value("unicode-range").is_none_or(|ranges| known.may_show(ranges));
                (!(is_used && is_shown())).then_some(Unused::Font)
            }
            Some(("supports", query)) => query.trim_start().starts_with("not").then_some(Unused::Query),
            Some(_) => None,
        }
    }
}

impl Known {
    fn of(pages: &Pages<'_>) -> Self {
        let mut known = Self::default();
        for page in pages.all() {
            let variables = page.composition.declarations.entries();
            known.characters.extend(page.source.chars().filter(|letter| !letter.is_ascii()));
            known.has_escapes |= ["&#", "\\u", "\\x"].iter().any(|mark| page.source.contains(mark));
            known.has_font_variable |= variables.iter().any(|variable| variable.kind == VariableType::Font);
            for node in &page.outline.nodes {
                known.elements.insert(node.name.to_string());
                known.elements.extend(node.marks());
                let values = [node.attribute("style"), node.attribute("font-family")];
                known.fonts.extend(values.into_iter().flatten().flat_map(words).map(str::to_lowercase));
            }
            for word in page.facts.usage.words.iter().flat_map(|text| words(text)) {
                known.words.insert(word.to_owned());
                known.fonts.insert(word.to_lowercase());
            }
            let rules = page.facts.sheets.iter().flat_map(Sheet::rules);
            let rules = rules.filter(|rule| !rule.selector().starts_with("@font-face"));
            let fonts = rules.flat_map(StyleRule::declarations).filter(|declaration| {
                declaration.name.starts_with("font") || declaration.name.starts_with("--")
            });
            known.fonts.extend(fonts.flat_map(|font| words(font.value)).map(str::to_lowercase));
        }
        known.characters.sort_unstable();
        known.characters.dedup();
        known
    }

    /// Returns whether a text may have a character of a `unicode-range`.
    fn may_show(&self, ranges: &str) -> bool {
        self.has_escapes
            || ranges.split(',').any(|range| {
                let range = range.trim().trim_start_matches(['U', 'u', '+']);
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let number = |digits: &str, wild: &str| u32::from_str_radix(&digits.replace('?', wild), 16);
                let (Ok(first), Ok(last)) = (number(first, "0"), number(last, "F")) else { return true };
                let next = self.characters.partition_point(|letter| u32::from(*letter) < first);
                first < 0x80 || self.characters.get(next).is_some_and(|letter| u32::from(*letter) <= last)
            })
    }

    /// Returns whether every selector of a list names an element, an id or a class that nothing has. What is in brackets
    /// does not count.
    fn is_unmatched(&self, selectors: &str) -> bool {
        let mut depth = 0_usize;
        let mut is_unmatched = false;
        let mut rest = selectors;
        // The character before `rest`.
        let mut before = ' ';
        while let Some(next) = rest.chars().next() {
            let mut length = next.len_utf8();
            match next {
                // Names with escapes are not compared.
                '\\' => return false,
                '(' | '[' => depth += 1,
                ')' | ']' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    if !is_unmatched {
                        return false;
                    }
                    is_unmatched = false;
                }
                _ if depth == 0 && (is_part(next) || "#.".contains(next)) => {
                    let name = rest.trim_start_matches(['#', '.']);
                    let name = &name[..name.find(|letter| !is_part(letter)).unwrap_or(name.len())];
                    length = length.max(name.len() + usize::from(!is_part(next)));
                    is_unmatched |= before != ':' && !self.has(&rest[..length], name);
                }
                _ => {}
            }
            before = next;
            rest = &rest[length.min(rest.len())..];
        }
        is_unmatched
    }

    fn has(&self, marked: &str, name: &str) -> bool {
        let is_element = self.elements.contains(marked)
            || (marked == name && self.elements.contains(&name.to_ascii_lowercase()));
        is_element || self.words.contains(name) || matches!(marked, "html" | "body")
    }
}

/// Returns the words of a text, such as the classes in markup that a script writes.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter| !is_part(letter)).filter(|word| !word.is_empty())
}

fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '-' || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonts_are_used_by_characters_of_their_range() {
        let known = Known { characters: vec!['é', 'Я'], ..Known::default() };
        for (ranges, is_shown) in [
            ("U+0000-00FF", true),
            ("U+0400-04FF", true),
            ("u+4??", true),
            ("U+042F", true),
            ("U+0430", false),
            ("U+3000-30FF, U+4E00-9FFF", false),
            ("U+3000, U+E9", true),
            ("all", true),
        ] {
            assert_eq!(known.may_show(ranges), is_shown, "{ranges}");
        }
        assert!(Known { has_escapes: true, ..Known::default() }.may_show("U+0430"));
    }

    #[test]
    fn a_selector_is_unmatched_if_all_of_its_list_are() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let known = Known { elements: set(&["p", "#a", ".b"]), words: set(&["is-on"]), ..Known::default() };
        for matched in [
            "p",
            "P.b",
            "#a > .b",
            "*",
            ":root",
            "body p:hover",
            ".b.is-on",
            ".x, p",
            "p::before",
            "[x=y]",
            ".\\31",
            "p:not(.x)",
            "& .b",
        ] {
            assert!(!known.is_unmatched(matched), "{matched}");
        }
        for unmatched in ["h1", ".x", "#b", "p .x", ".b#x:hover", ".x, h1", "#a::before .y", ".a"] {
            assert!(known.is_unmatched(unmatched), "{unmatched}");
        }
    }
}
