//! An attribute that is being read: its name, its value and their positions.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::document::{Attribute, Quote};
use super::offsets::Jump;
use crate::text::Span;

/// An attribute that is being read.
#[derive(Debug)]
pub(super) struct Draft {
    name: Span,
    /// The start of the value; `None` if there is no value yet.
    start: Option<usize>,
    /// The value up to `end`, if it differs from its source.
    value: Option<Vec<u8>>,
    /// The end of the source that is decoded so far.
    end: usize,
    jumps: Vec<Jump>,
}

impl Draft {
    /// Starts an attribute whose name starts with `name`.
    pub(super) fn new(name: Span) -> Self {
        Self { name, start: None, value: None, end: name.end, jumps: Vec::new() }
    }

    /// Extends the name to `end`.
    pub(super) fn extend_name(&mut self, end: usize) {
        self.name.end = end;
    }

    /// Sets the start of the value, inside its quotes.
    pub(super) fn start_value(&mut self, start: usize) {
        self.start = Some(start);
        self.end = start;
    }

    /// Appends a part of the value, whose source ends at `end`.
    pub(super) fn push(&mut self, source: &str, piece: &[u8], end: usize) {
        self.skip_line_feed(source);
        let raw = source.as_bytes();
        if &raw[self.end..end] != piece {
            let before = || raw[self.start.unwrap_or(self.end)..self.end].to_vec();
            let start = self.value.get_or_insert_with(before).len();
            self.jumps.push(Jump { decoded: Span { start, end: start + piece.len() }, raw_end: end });
        }
        if let Some(value) = &mut self.value {
            value.extend_from_slice(piece);
        }
        self.end = end;
    }

    /// Normalizes CR or CR LF to a single LF.
    fn skip_line_feed(&mut self, source: &str) {
        let bytes = source.as_bytes();
        if self.value.is_some() && bytes[self.end - 1] == b'\r' && bytes.get(self.end) == Some(&b'\n') {
            self.end += 1;
            if let Some(jump) = self.jumps.last_mut() {
                jump.raw_end = self.end;
            }
        }
    }

    pub(super) fn complete(mut self, source: &str) -> Attribute<'_> {
        let (span, quote) = match self.start {
            Some(start) => {
                let quote = match source.as_bytes()[start - 1] {
                    b'"' => Quote::Double,
                    b'\'' => Quote::Single,
                    _ => Quote::None,
                };
                if quote != Quote::None {
                    self.skip_line_feed(source);
                }
                (Span { start, end: self.end }, quote)
            }
            None => {
                // The value of `a = >` is empty, and is positioned before the end of the tag.
                let rest = &source[self.name.end..];
                let after = rest.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start);
                let at = after.map_or(self.name.end, |after| source.len() - after.len());
                (Span { start: at, end: at }, Quote::None)
            }
        };
        let value = match self.value {
            // Concatenated parts of a UTF-8 text are UTF-8.
            Some(decoded) => Cow::Owned(String::from_utf8(decoded).unwrap_or_default()),
            None => Cow::Borrowed(&source[span.start..span.end]),
        };
        Attribute {
            name: name(&source[self.name.start..self.name.end]),
            name_span: self.name,
            value,
            span,
            quote,
            jumps: self.jumps.into_boxed_slice(),
        }
    }
}

/// Returns the name of an element or an attribute.
pub(super) fn name(raw: &str) -> Cow<'_, str> {
    if raw.bytes().any(|byte| byte.is_ascii_uppercase() || byte == 0) {
        Cow::Owned(raw.to_ascii_lowercase().replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(raw)
    }
}

/// Keeps the first of several attributes with one name, as browsers do.
pub(super) fn keep_first(attributes: &mut Vec<Attribute<'_>>) {
    // Only unusually long lists are sorted.
    const FEW: usize = 16;
    let mut names = attributes.iter().map(|attribute| &*attribute.name).collect::<Vec<_>>();
    let is_unique = if names.len() <= FEW {
        names.iter().enumerate().all(|(index, name)| !names[..index].contains(name))
    } else {
        names.sort_unstable();
        names.windows(2).all(|pair| pair[0] != pair[1])
    };
    if !is_unique {
        let mut seen = BTreeSet::new();
        attributes.retain(|attribute| seen.insert(attribute.name.clone()));
    }
}
