//! JSON with the places of its parts, and mistakes told with theirs.
//!
//! It takes what JavaScript takes, where the two differ in Rust's usual reader: half a surrogate pair becomes U+FFFD, and
//! of several members with one name the last counts, in the place of the first.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use crate::text::Span;

/// The deepest nesting of values.
const DEPTH: usize = 512;

/// A value and its place in the text.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    span: Span,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Scalar(Value),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) key: String,
    /// The place of the key, with its quotes.
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

/// A text that is not valid JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// The offset of the mistake, in bytes.
    pub(crate) offset: usize,
    pub(crate) message: &'static str,
}

impl Node {
    /// Reads a text that holds one value, with or without a byte order mark before it.
    ///
    /// # Errors
    /// Returns the first mistake if the text is not valid JSON.
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let mut reader = Reader { text, at: start };
        let node = reader.value(0)?;
        reader.space();
        if reader.at < text.len() { Err(reader.error("something follows the value")) } else { Ok(node) }
    }

    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// The value itself. A number that is too large is null, since no finite number it is.
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::Array(items) => Value::Array(items.iter().map(Self::value).collect()),
            Kind::Object(members) => Value::Object(object(members)),
        }
    }

    /// The elements of an array.
    pub(crate) fn items(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object.
    pub(crate) fn members(&self) -> Option<&[Member]> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The value of the member `name` of an object.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        self.members()?.iter().find(|member| member.key == name).map(|member| &member.value)
    }
}

fn object(members: &[Member]) -> Map<String, Value> {
    members.iter().map(|member| (member.key.clone(), member.value.value())).collect()
}

/// The members of the object that a text holds.
///
/// # Errors
/// Returns the problem, as the end of a sentence, if the text is not a JSON object.
pub fn json_object(text: &str) -> Result<Map<String, Value>, String> {
    let node = Node::parse(text)
        .map_err(|error| format!("is no JSON: {} at byte {}", error.message, error.offset))?;
    node.members().map(object).ok_or_else(|| "is no JSON object".to_owned())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn error(&self, message: &'static str) -> SyntaxError {
        SyntaxError { offset: self.at, message }
    }

    fn skip(&mut self, is_part: impl Fn(u8) -> bool) {
        while self.byte().is_some_and(&is_part) {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// Takes the byte if it is the next one after any space.
    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let is_next = self.byte() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        self.space();
        let start = self.at;
        let kind = match self.byte() {
            None => return Err(self.error("a value is missing at the end")),
            Some(b'[' | b'{') if depth == DEPTH => return Err(self.error("values are nested too deeply")),
            Some(b'[') => Kind::Array(self.array(depth)?),
            Some(b'{') => Kind::Object(self.object(depth)?),
            Some(b'"') => Kind::Scalar(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => Kind::Scalar(self.number()?),
            Some(b'\'') => return Err(self.error("text is in double quotes")),
            Some(_) => Kind::Scalar(self.word()?),
        };
        Ok(Node { span: Span { start, end: self.at }, kind })
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Node>, SyntaxError> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Ok(items);
            }
            self.comma(b']')?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Vec<Member>, SyntaxError> {
        self.at += 1;
        let mut members = Vec::<Member>::new();
        // Found by name, so that an object of many members takes no more time for each.
        let mut places = BTreeMap::<String, usize>::new();
        if self.take(b'}') {
            return Ok(members);
        }
        loop {
            self.space();
            let start = self.at;
            if self.byte() != Some(b'"') {
                let what = if self.byte().is_some() {
                    "a name in double quotes is expected"
                } else {
                    "the object does not end"
                };
                return Err(self.error(what));
            }
            let key = self.string()?;
            let key_span = Span { start, end: self.at };
            if !self.take(b':') {
                return Err(self.error("a colon is expected after the name"));
            }
            let member = Member { key: key.clone(), key_span, value: self.value(depth + 1)? };
            match places.get(&key) {
                Some(place) => members[*place] = member,
                None => {
                    places.insert(key, members.len());
                    members.push(member);
                }
            }
            if self.take(b'}') {
                return Ok(members);
            }
            self.comma(b'}')?;
        }
    }

    /// Takes the comma between two elements; `close` would end them.
    fn comma(&mut self, close: u8) -> Result<(), SyntaxError> {
        let at = self.at;
        if !self.take(b',') {
            let is_end = self.byte().is_none();
            return Err(match (is_end, close) {
                (true, b']') => self.error("the array does not end"),
                (true, _) => self.error("the object does not end"),
                _ => self.error("a comma is missing"),
            });
        }
        if self.take(close) {
            return Err(SyntaxError { offset: at, message: "a comma stands before the end" });
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Value, SyntaxError> {
        for (word, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        let is_letter = self.byte().is_some_and(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
        Err(self.error(if is_letter { "text is in double quotes" } else { "a value is expected" }))
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let start = self.at;
        let malformed = SyntaxError { offset: start, message: "the number is malformed" };
        self.skip(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        let digits = &self.text[start..self.at];
        if !is_number(digits) {
            return Err(malformed);
        }
        // Whole numbers stay whole where they can; what is out of range is no number any more, as in JavaScript.
        let whole = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && digits != "-0";
        let integer = whole.then(|| {
            digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from))
        });
        let number = match integer {
            Some(Ok(integer)) => Some(integer),
            _ => digits.parse().ok().and_then(Number::from_f64),
        };
        Ok(number.map_or(Value::Null, Value::Number))
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        let open = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            let rest = &self.text[self.at..];
            let length =
                rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
            value.push_str(&rest[..length]);
            self.at += length;
            match self.byte() {
                None => return Err(SyntaxError { offset: open, message: "the quotes are not closed" }),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some(b'\\') => value.push(self.escape()?),
                Some(_) => {
                    return Err(
                        self.error("a line break or control character in text is written \\n or \\u….")
                    );
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let error = self.error("the escape after the backslash is unknown");
        let escape = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        Ok(match escape {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex().ok_or(error)?;
                let next = self.text[self.at..].strip_prefix("\\u").map(|_| self.at);
                if (0xd800..0xdc00).contains(&first)
                    && let Some(here) = next
                {
                    self.at += 2;
                    match self.hex() {
                        Some(second @ 0xdc00..0xe000) => {
                            let pair = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                            return Ok(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
                        }
                        // Another escape, which is read again.
                        _ => self.at = here,
                    }
                }
                char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(error),
        })
    }

    /// Four digits.
    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

/// Returns whether a text is a number in JSON; source: RFC 8259, section 6.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(place) => (&text[..place], Some(&text[place + 1..])),
        None => (text, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) =
        mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    is_digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && part.is_none_or(is_digits)
        && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_know_their_places() {
        let text = " [ {\"a\\\"b\" : [1, 2.50], \"c\":\"é\", \"c\": null}, 3 ]";
        let whole = Node::parse(text).expect("JSON");
        let array = whole.items().expect("an array");
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
        for (text, offset, message) in [
            ("{\"a\":\n  1,}", 9, "a comma stands before the end"),
            ("[1,]", 2, "a comma stands before the end"),
            ("", 0, "a value is missing at the end"),
            ("[", 1, "a value is missing at the end"),
            ("[1", 2, "the array does not end"),
            ("{\"a\":1", 6, "the object does not end"),
            ("[1 2]", 3, "a comma is missing"),
            ("{a:1}", 1, "a name in double quotes is expected"),
            ("{\"a\" 1}", 5, "a colon is expected after the name"),
            ("['a']", 1, "text is in double quotes"),
            ("[abc]", 1, "text is in double quotes"),
            ("[\"a]", 1, "the quotes are not closed"),
            ("[01]", 1, "the number is malformed"),
            ("[1] 2", 4, "something follows the value"),
            ("\"\\x\"", 1, "the escape after the backslash is unknown"),
        ] {
            assert_eq!(Node::parse(text).expect_err(text), SyntaxError { offset, message }, "{text}");
        }
        assert!(Node::parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn what_javascript_takes_is_taken() {
        let value = |text: &str| Node::parse(text).expect("JSON").value();
        assert_eq!(value("1e999"), Value::Null);
        assert_eq!(value("\"\\ud800\\u0041\\ud83c\\udfac\\ud800\\ud83c\""), "\u{fffd}A🎬\u{fffd}\u{fffd}");
        assert_eq!(value("\u{feff}[1]"), serde_json::json!([1]));
        assert_eq!(value("{\"a\":1,\"b\":2,\"a\":3}").to_string(), "{\"a\":3,\"b\":2}");
        assert!(value(&format!("{}{}", "[".repeat(500), "]".repeat(500))).is_array());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// The same texts are JSON, with the same values, for the usual reader.
        #[test]
        fn it_agrees_with_the_usual_reader(
            source in r#"(\{|\}|\[|\]|"a"|"\\u00e9\\n"|"é|"|\\|/|:|,| |0|1|-|\.|e|E|\+|2|true|null|nul|\n|\t){0,16}"#,
        ) {
            let ours = Node::parse(&source).ok().map(|node| node.value());
            let theirs = serde_json::from_str::<Value>(&source).ok();
            // A number out of range is JSON all the same.
            if ours != Some(Value::Null) || theirs.is_some() {
                prop_assert_eq!(ours, theirs, "{:?}", source);
            }
        }

        /// Every place holds what it says.
        #[test]
        fn places_are_right(source in r#"(\{|\}|\[|\]|"a"|"\\\\"|"\\"b"|:|,| |1|-2.5|null|\n){0,20}"#) {
            if let Ok(node) = Node::parse(&source) {
                for member in node.members().unwrap_or_default() {
                    let member = member.clone();
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
