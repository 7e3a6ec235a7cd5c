//! The phrases, and the search for them.

/// Phrases that texts for users do not have, and longer ones that are fine.
const PHRASES: &[(&str, &[&str])] = &[
    ("is no", &["is no longer"]),
    ("are no", &["are no longer"]),
    ("names no", &[]),
    ("holds no", &[]),
    ("of no use", &[]),
    ("gone on with", &[]),
    ("goes on", &[]),
    ("go on", &[]),
    ("going on", &[]),
    ("lives on", &[]),
    ("is not there", &[]),
    ("are not there", &[]),
    ("what is there", &[]),
    ("the way in", &[]),
    ("as it is", &[]),
    ("where it can", &[]),
    ("came to nothing", &[]),
    ("what became of", &[]),
    ("found out from", &[]),
    ("bear on", &[]),
    ("so many", &[]),
    ("passed over", &[]),
    ("several for several", &[]),
    ("several times for several", &[]),
    ("strangers", &[]),
    ("a stranger", &[]),
    ("nobody", &[]),
    ("somebody", &[]),
    ("whoever", &[]),
    ("tells", &[]),
    ("beside", &[]),
    ("anyhow", &[]),
    ("an equal", &[]),
    ("equal render", &[]),
    ("equal rows", &[]),
    ("render wrong", &[]),
    ("renders wrong", &[]),
    ("moving picture", &[]),
    ("no judgement", &[]),
    ("obeyed", &[]),
    ("obeys", &[]),
    ("of before", &[]),
    ("artefact", &[]),
    ("what is outside", &[]),
    ("looked at what", &[]),
    ("holds files", &[]),
    ("hold files", &[]),
    ("trusts nothing", &[]),
];

/// A phrase in a text.
#[derive(Debug)]
pub(super) struct Hit {
    /// Line in the file, from 1.
    pub(super) line: usize,
    pub(super) phrase: &'static str,
    /// The text around it, on one line.
    pub(super) excerpt: String,
}

impl Hit {
    /// Returns a hit with an excerpt of at most 90 characters.
    pub(super) fn new(line: usize, phrase: &'static str, text: &str) -> Self {
        Self { line, phrase, excerpt: text.trim().chars().take(90).collect() }
    }
}

/// A word of a text, in lower case.
struct Word {
    text: String,
    line: usize,
    /// Byte offset in the text.
    start: usize,
    /// Whether only white space is between it and the word before.
    follows: bool,
}

/// Returns the phrases in a text, of which the first line has the number `first` in its file. Line breaks count as spaces.
pub(super) fn find(text: &str, first: usize) -> Vec<Hit> {
    let words = words(text, first);
    let mut hits = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let matching = |phrase: &str| is_at(phrase, &words[index..]);
        let found =
            PHRASES.iter().find(|(phrase, fine)| matching(phrase) && !fine.iter().any(|fine| matching(fine)));
        if let Some((phrase, _)) = found {
            hits.push(Hit::new(word.line, phrase, &excerpt(text, word.start)));
        }
    }
    hits
}

/// Returns whether a phrase begins with the first of these words.
fn is_at(phrase: &str, words: &[Word]) -> bool {
    let mut rest = words.iter();
    phrase.split(' ').enumerate().all(|(index, part)| {
        rest.next().is_some_and(|word| word.text == part && (index == 0 || word.follows))
    })
}

fn words(text: &str, first: usize) -> Vec<Word> {
    let mut words = Vec::<Word>::new();
    let (mut line, mut follows, mut start) = (first, false, None);
    for (offset, character) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_part = character.is_alphanumeric() || character == '_';
        match (start, is_part) {
            (None, true) => start = Some(offset),
            (Some(begin), false) => {
                words.push(Word { text: text[begin..offset].to_lowercase(), line, start: begin, follows });
                start = None;
                follows = true;
            }
            _ => {}
        }
        follows &= is_part || character.is_whitespace();
        line += usize::from(character == '\n');
    }
    words
}

/// Returns the text around an offset, with spaces for line breaks.
fn excerpt(text: &str, offset: usize) -> String {
    let before = text[..offset].chars().rev().take(35).collect::<Vec<_>>();
    let around = before.into_iter().rev().chain(text[offset..].chars().take(55)).collect::<String>();
    around.split_whitespace().collect::<Vec<_>>().join(" ")
}
