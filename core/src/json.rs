//! JSON with the places of its parts, read by `serde_json`.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::diagnostic::Span;

/// A value and its place in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    raw: &'a str,
    /// Where it starts in the whole text, in bytes.
    start: usize,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) key: String,
    /// The place of the key, with its quotes.
    pub(crate) key_span: Span,
    pub(crate) value: Node<'a>,
}

/// Why a text is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Where, in bytes.
    pub(crate) offset: usize,
    pub(crate) message: String,
}

impl SyntaxError {
    fn of(error: &serde_json::Error, text: &str) -> Self {
        // serde_json ends its message with the position, and counts columns in bytes.
        let message = error.to_string();
        let message = message.rsplit_once(" at line").map_or(message.as_str(), |(message, _)| message);
        let line =
            text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
        let offset = (line + error.column().saturating_sub(1)).min(text.len());
        Self { offset, message: message.to_owned() }
    }
}

impl<'a> Node<'a> {
    /// Reads a text that holds one value.
    ///
    /// # Errors
    /// Where it is no JSON.
    pub(crate) fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
            // Building the value names more mistakes than skipping over it does.
            let better = serde_json::from_str::<Value>(text).err().filter(|better| better.line() > 0);
            SyntaxError::of(&better.unwrap_or(error), text)
        })?;
        Ok(Self { raw: raw.get(), start: 0 }.within(text, 0))
    }

    /// The same value with its place inside `text`, which it is a part of and which starts at `start`.
    fn within(self, text: &str, start: usize) -> Self {
        Self { start: start + (self.raw.as_ptr() as usize - text.as_ptr() as usize), ..self }
    }

    pub(crate) fn span(&self) -> Span {
        Span { start: self.start, end: self.start + self.raw.len() }
    }

    /// The value itself. What JavaScript takes and Rust does not comes as near as can be: a number that is too large
    /// as null, since no finite number it is; half a surrogate pair as U+FFFD; what is nested too deeply as empty.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(self.raw).unwrap_or_else(|_| match self.raw.as_bytes().first() {
            Some(b'"') => Value::String("\u{fffd}".to_owned()),
            Some(b'[') => Value::Array(Vec::new()),
            Some(b'{') => Value::Object(serde_json::Map::new()),
            _ => Value::Null,
        })
    }

    /// The elements of an array.
    pub(crate) fn items(&self) -> Option<Vec<Self>> {
        let items: Vec<&RawValue> = serde_json::from_str(self.raw).ok()?;
        Some(items.into_iter().map(|raw| self.part(raw)).collect())
    }

    /// The members of an object, in its order; of several with one key, the last, as in JavaScript.
    pub(crate) fn members(&self) -> Option<Vec<Member<'a>>> {
        let Members(pairs) = serde_json::from_str(self.raw).ok()?;
        let mut members: Vec<Member<'a>> = Vec::with_capacity(pairs.len());
        let mut places = std::collections::HashMap::with_capacity(pairs.len());
        for (key, raw) in pairs {
            let value = self.part(raw);
            let member = Member { key_span: self.key_before(value), value, key: key.clone() };
            match places.get(&key) {
                Some(place) => members[*place] = member,
                None => {
                    places.insert(key, members.len());
                    members.push(member);
                }
            }
        }
        Some(members)
    }

    fn part(&self, raw: &'a RawValue) -> Self {
        Self { raw: raw.get(), start: 0 }.within(self.raw, self.start)
    }

    /// The key before a member's value: nothing but space and a colon is in between.
    fn key_before(&self, value: Self) -> Span {
        let before = &self.raw[..value.start - self.start];
        let end = before.trim_end().trim_end_matches(':').trim_end().len();
        let bytes = before.as_bytes();
        // An opening quote has an even number of backslashes before it: none, since it is outside of a string.
        let mut start = end.saturating_sub(1);
        while start > 0 {
            start -= 1;
            if bytes[start] == b'"' {
                let backslashes = bytes[..start].iter().rev().take_while(|byte| **byte == b'\\').count();
                if backslashes % 2 == 0 {
                    break;
                }
            }
        }
        Span { start: self.start + start, end: self.start + end }
    }
}

/// The pairs of an object, duplicates included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Pairs).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_know_their_places() {
        let text = " [ {\"a\\\"b\" : [1, 2.50], \"c\":\"é\", \"c\": null}, 3 ]";
        let array = Node::parse(text).expect("JSON").items().expect("an array");
        let members = array[0].members().expect("an object");
        let shown = |span: Span| &text[span.start..span.end];
        let found = members.iter().map(|m| (shown(m.key_span), shown(m.value.span()))).collect::<Vec<_>>();
        assert_eq!(found, [("\"a\\\"b\"", "[1, 2.50]"), ("\"c\"", "null")]);
        let items = members[0].value.items().expect("an array");
        assert_eq!(shown(items[1].span()), "2.50");
        assert_eq!(shown(array[1].span()), "3");
        assert!(array[1].members().is_none() && array[1].items().is_none());
    }

    #[test]
    fn mistakes_have_places() {
        let error = Node::parse("{\"a\":\n  1,}").expect_err("no JSON");
        assert_eq!((error.offset, error.message.as_str()), (10, "trailing comma"));
        assert_eq!(Node::parse("").expect_err("nothing").offset, 0);
    }

    #[test]
    fn what_javascript_takes_is_taken() {
        let value = |text: &str| Node::parse(text).expect("JSON").value();
        assert_eq!(value("1e999"), Value::Null);
        assert!(value("\"\\ud800\"").is_string());
        assert!(value(&format!("{}{}", "[".repeat(500), "]".repeat(500))).is_array());
    }

    proptest! {
        /// Every place holds what it says.
        #[test]
        fn places_are_right(source in r#"(\{|\}|\[|\]|"a"|"\\\\"|"\\"b"|:|,| |1|-2.5|null|\n){0,20}"#) {
            if let Ok(node) = Node::parse(&source) {
                for member in node.members().unwrap_or_default() {
                    let key: String = serde_json::from_str(&source[member.key_span.start..member.key_span.end]).unwrap();
                    prop_assert_eq!(key, member.key);
                    let span = member.value.span();
                    let value: Value = serde_json::from_str(&source[span.start..span.end]).unwrap();
                    prop_assert_eq!(value, member.value.value());
                }
            }
        }
    }
}
