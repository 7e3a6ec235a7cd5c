//! JSON parser that records the position of every value and of syntax errors.
//!
//! It accepts what JavaScript accepts, in contrast to the usual parser in Rust: a lone surrogate becomes U+FFFD, and
//! the last of several members with the same name is used, at the position of the first.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use crate::text::Span;

/// The deepest nesting of values.
const DEPTH: usize = 512;

/// A value and its position in the text.
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
    /// The position of the key, including its quotes.
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

/// A text that is not valid JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// The offset of the error, in bytes.
    pub(crate) offset: usize,
    pub(crate) message: &'static str,
}

impl Node {
    /// Parses a text with one value, optionally after a byte order mark.
    ///
    /// # Errors
    /// Returns the first syntax error if the text is not valid JSON.
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        Reader::read(text).map(|(node, _)| node)
    }

    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// Returns the value. A number that is too large becomes null, because JSON has finite numbers only.
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::Array(items) => Value::Array(items.iter().map(Self::value).collect()),
            Kind::Object(members) => Value::Object(object(members)),
        }
    }

    /// Returns the elements of an array; `None` for other values.
    pub(crate) fn items(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the members of an object; `None` for other values.
    pub(crate) fn members(&self) -> Option<&[Member]> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Returns the value of the member `name` of an object.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        self.members()?.iter().find(|member| member.key == name).map(|member| &member.value)
    }
}

fn object(members: &[Member]) -> Map<String, Value> {
    members.iter().map(|member| (member.key.clone(), member.value.value())).collect()
}

/// Parses a text that is one JSON value. A number that is too large becomes null.
///
/// # Errors
/// Returns the problem as a predicate, such as `is not valid JSON: missing comma at byte 3`.
pub fn json_value(text: &str) -> Result<Value, String> {
    read(text).map(|(node, _)| node.value())
}

/// Parses a text that is a JSON object.
///
/// # Errors
/// Returns the problem as a predicate, such as `is not a JSON object`, if the text is not a JSON object.
pub fn json_object(text: &str) -> Result<Map<String, Value>, String> {
    object_of(text).map(|(object, _)| object)
}

/// Parses a text that is a JSON object with one meaning: of several members with one name, JavaScript uses the last, and it
/// cannot represent numbers beyond 1.8e308.
///
/// # Errors
/// Returns the problem as a predicate, such as `has the member "a" twice`.
pub(crate) fn exact_object(text: &str) -> Result<Map<String, Value>, String> {
    match object_of(text)? {
        (object, None) => Ok(object),
        (_, Some(lost)) => Err(format!("has {lost}")),
    }
}

fn object_of(text: &str) -> Result<(Map<String, Value>, Option<String>), String> {
    let (node, lost) = read(text)?;
    let object = node.members().map(object).ok_or_else(|| "is not a JSON object".to_owned())?;
    Ok((object, lost))
}

fn read(text: &str) -> Result<(Node, Option<String>), String> {
    Reader::read(text)
        .map_err(|error| format!("is not valid JSON: {} at byte {}", error.message, error.offset))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The first thing in the text that its value does not have.
    lost: Option<String>,
}

impl<'a> Reader<'a> {
    /// Parses a text with one value; returns also what its value does not have.
    fn read(text: &'a str) -> Result<(Node, Option<String>), SyntaxError> {
        let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let mut reader = Self { text, at: start, lost: None };
        let node = reader.value(0)?;
        reader.space();
        match reader.at < text.len() {
            true => Err(reader.error("unexpected text after the value")),
            false => Ok((node, reader.lost)),
        }
    }

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

    /// Consumes the byte if it is the next one after optional whitespace.
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
            None => return Err(self.error("unexpected end of text, expected a value")),
            Some(b'[' | b'{') if depth == DEPTH => return Err(self.error("nesting is too deep")),
            Some(b'[') => Kind::Array(self.array(depth)?),
            Some(b'{') => Kind::Object(self.object(depth)?),
            Some(b'"') => Kind::Scalar(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => Kind::Scalar(self.number()?),
            Some(b'\'') => return Err(self.error("strings must be in double quotes")),
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
        // Indexed by name, so that objects with many members are parsed in linear time.
        let mut places = BTreeMap::<String, usize>::new();
        if self.take(b'}') {
            return Ok(members);
        }
        loop {
            self.space();
            let start = self.at;
            if self.byte() != Some(b'"') {
                let what = if self.byte().is_some() {
                    "expected a name in double quotes"
                } else {
                    "unterminated object"
                };
                return Err(self.error(what));
            }
            let key = self.string()?;
            let key_span = Span { start, end: self.at };
            if !self.take(b':') {
                return Err(self.error("expected a colon after the name"));
            }
            let member = Member { key: key.clone(), key_span, value: self.value(depth + 1)? };
            match places.get(&key) {
                Some(place) => {
                    self.lost.get_or_insert_with(|| format!("the member {key:?} twice"));
                    members[*place] = member;
                }
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

    /// Consumes the comma between two elements; `close` is the closing bracket.
    fn comma(&mut self, close: u8) -> Result<(), SyntaxError> {
        let at = self.at;
        if !self.take(b',') {
            let is_end = self.byte().is_none();
            return Err(match (is_end, close) {
                (true, b']') => self.error("unterminated array"),
                (true, _) => self.error("unterminated object"),
                _ => self.error("missing comma"),
            });
        }
        if self.take(close) {
            return Err(SyntaxError { offset: at, message: "trailing comma" });
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
        Err(self.error(if is_letter { "strings must be in double quotes" } else { "expected a value" }))
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let start = self.at;
        let malformed = SyntaxError { offset: start, message: "invalid number" };
        self.skip(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        let digits = &self.text[start..self.at];
        if !is_number(digits) {
            return Err(malformed);
        }
        // Integers stay integers if possible; numbers out of range become null, as in JavaScript.
        let whole = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && digits != "-0";
        let integer = whole.then(|| {
            digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from))
        });
        let number = match integer {
            Some(Ok(integer)) => Some(integer),
            _ => digits.parse().ok().and_then(Number::from_f64),
        };
        if number.is_none() {
            self.lost.get_or_insert_with(|| "a number that is too large".to_owned());
        }
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
                None => return Err(SyntaxError { offset: open, message: "unterminated string" }),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some(b'\\') => value.push(self.escape()?),
                Some(_) => {
                    return Err(self.error("unescaped line break or control character in a string"));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let error = self.error("invalid escape sequence");
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

    /// Reads four hexadecimal digits.
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
    fn a_value_may_be_of_any_type() {
        assert_eq!(json_value("[[1e999, {\"a\": true}]]"), Ok(serde_json::json!([[null, {"a": true}]])));
        assert_eq!(json_value("[1 2]"), Err("is not valid JSON: missing comma at byte 3".to_owned()));
    }

    #[test]
    fn mistakes_have_places() {
        for (text, offset, message) in [
            ("{\"a\":\n  1,}", 9, "trailing comma"),
            ("[1,]", 2, "trailing comma"),
            ("", 0, "unexpected end of text, expected a value"),
            ("[", 1, "unexpected end of text, expected a value"),
            ("[1", 2, "unterminated array"),
            ("{\"a\":1", 6, "unterminated object"),
            ("[1 2]", 3, "missing comma"),
            ("{a:1}", 1, "expected a name in double quotes"),
            ("{\"a\" 1}", 5, "expected a colon after the name"),
            ("['a']", 1, "strings must be in double quotes"),
            ("[abc]", 1, "strings must be in double quotes"),
            ("[\"a]", 1, "unterminated string"),
            ("[01]", 1, "invalid number"),
            ("[1] 2", 4, "unexpected text after the value"),
            ("\"\\x\"", 1, "invalid escape sequence"),
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
