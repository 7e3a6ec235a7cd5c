//! Path patterns, as in `.gitignore`; source: gitignore(5).
//!
//! Matching takes at most time proportional to the product of both lengths, because patterns are untrusted.

use crate::text::lower;

/// A pattern for paths with `/`, which ignores case.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Vec<Segment>);

/// A segment of a pattern, between two slashes.
#[derive(Clone, Debug)]
enum Segment {
    /// `**`: zero or more directories.
    Folders,
    Name(Vec<Token>),
}

#[derive(Clone, Debug)]
enum Token {
    Letter(char),
    /// `?`: any character.
    One,
    /// `*`: zero or more characters.
    Any,
    /// `[a-z]`, or `[!a-z]` for all other characters.
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Parses a rule without a leading `!` or slash and without a trailing slash. A rule that is not `anchored`
    /// applies at every depth. Returns `None` if the pattern is invalid and so matches nothing.
    pub(crate) fn new(text: &str, anchored: bool) -> Option<Self> {
        let mut segments = Vec::new();
        if !anchored {
            segments.push(Segment::Folders);
        }
        for text in text.split('/') {
            segments.push(if text == "**" { Segment::Folders } else { Segment::Name(name(text)?) });
        }
        // `a/**` matches everything inside `a`, but not `a` itself.
        if anchored && segments.len() > 1 && matches!(segments.last(), Some(Segment::Folders)) {
            segments.push(Segment::Name(vec![Token::Any]));
        }
        Some(Self(segments))
    }

    /// Creates a pattern that matches the path, where `{name}` matches any text.
    pub(crate) fn template(path: &str) -> Self {
        let segment = |mut rest: &str| {
            let mut tokens = Vec::new();
            while let Some((before, after)) = rest.split_once('{') {
                tokens.extend(before.chars().map(lower).map(Token::Letter));
                tokens.push(Token::Any);
                rest = after.split_once('}').map_or("", |(_, after)| after);
            }
            tokens.extend(rest.chars().map(lower).map(Token::Letter));
            Segment::Name(tokens)
        };
        Self(path.split('/').map(segment).collect())
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        wild(&self.0, &path.split('/').collect::<Vec<_>>())
    }
}

/// A part of a pattern for `Item`s.
trait Part<Item> {
    /// Returns whether the part matches any number of items.
    fn is_many(&self) -> bool;

    /// Returns whether the part matches this item.
    fn fits(&self, item: &Item) -> bool;
}

impl Part<&str> for Segment {
    fn is_many(&self) -> bool {
        matches!(self, Self::Folders)
    }

    fn fits(&self, name: &&str) -> bool {
        matches!(self, Self::Name(tokens) if wild(tokens, &name.chars().map(lower).collect::<Vec<_>>()))
    }
}

impl Part<char> for Token {
    fn is_many(&self) -> bool {
        matches!(self, Self::Any)
    }

    fn fits(&self, letter: &char) -> bool {
        match self {
            Self::Letter(own) => own == letter,
            Self::One | Self::Any => true,
            Self::Class { is_negated, ranges } => {
                ranges.iter().any(|(first, last)| (first..=last).contains(&letter)) != *is_negated
            }
        }
    }
}

/// Returns whether a pattern matches all items.
fn wild<Item, P: Part<Item>>(pattern: &[P], items: &[Item]) -> bool {
    let (mut place, mut item) = (0, 0);
    // Only the last part that matches any number of items needs backtracking: it can match everything that an earlier
    // one could.
    let mut again = None;
    loop {
        match (pattern.get(place), items.get(item)) {
            (None, None) => return true,
            (Some(part), _) if part.is_many() => {
                place += 1;
                again = Some((place, item));
            }
            (Some(part), Some(next)) if part.fits(next) => (place, item) = (place + 1, item + 1),
            _ => match again {
                Some((after, from)) if from < items.len() => {
                    (place, item) = (after, from + 1);
                    again = Some((place, item));
                }
                _ => return false,
            },
        }
    }
}

/// Parses the pattern of a name, in lower case.
fn name(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        tokens.push(match letter {
            '\\' => Token::Letter(lower(letters.next().unwrap_or('\\'))),
            '?' => Token::One,
            // `**` that is not a whole segment is the same as `*`.
            '*' => {
                while letters.next_if_eq(&'*').is_some() {}
                Token::Any
            }
            '[' => {
                let is_negated = letters.next_if(|next| matches!(next, '^' | '!')).is_some();
                let mut ranges = Vec::new();
                loop {
                    let first = match letters.next()? {
                        ']' if !ranges.is_empty() => break,
                        '\\' => letters.next()?,
                        other => other,
                    };
                    let mut ahead = letters.clone();
                    let last = match (ahead.next(), ahead.next()) {
                        (Some('-'), Some(last)) if last != ']' => {
                            letters = ahead;
                            if last == '\\' { letters.next()? } else { last }
                        }
                        _ => first,
                    };
                    ranges.push((lower(first), lower(last)));
                }
                Token::Class { is_negated, ranges }
            }
            other => Token::Letter(lower(other)),
        });
    }
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::new(pattern, true).is_some_and(|pattern| pattern.matches(path))
    }

    #[test]
    fn classes() {
        for (pattern, path) in [
            ("[a-c]", "B"),
            ("[!a-c]", "d"),
            ("[^a]x", "bX"),
            ("[]a]", "]"),
            ("[!]a]", "b"),
            ("[a-]", "-"),
            ("[\\]-]", "]"),
            ("[a\\-c]", "-"),
            ("[Ä-Ü]", "ö"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in
            [("[a-c]", "d"), ("[!a-c]", "B"), ("[a\\-c]", "b"), ("[a", "[a"), ("[]", "[]"), ("a[/]b", "a/b")]
        {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn letters_have_no_case() {
        assert!(matches("Größe.PNG", "GRÖßE.png") && !matches("Größe", "Grosse"));
    }

    #[test]
    fn a_name_in_braces_is_any_text() {
        let template = Pattern::template("out/{name}-*.mp4");
        assert!(template.matches("out/a-*.mp4") && template.matches("out/-*.MP4"));
        assert!(!template.matches("out/a-b.mp4") && !template.matches("out/a/b-*.mp4"));
        assert!(Pattern::template("{a").matches("anything") && Pattern::template("[x]").matches("[x]"));
    }

    #[test]
    fn a_hostile_pattern_costs_little() {
        // Full backtracking would take exponential time.
        assert!(!matches(&"a*".repeat(2000), &"a".repeat(1999)));
        assert!(matches(&"a*".repeat(2000), &"a".repeat(3000)));
        assert!(!matches(&format!("{}b", "**/a/".repeat(500)), &"a/".repeat(700)));
    }
}
