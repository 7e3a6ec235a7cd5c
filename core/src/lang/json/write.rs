//! JSON as text.
//!
//! The canonical spelling is that of RFC 8785: members are sorted by their names' UTF-16 code units, nothing stands between
//! tokens, and numbers are IEEE doubles, as they are for whoever reads the values: `1`, `1.0` and `1e0` are one.
//!
//! `serde_json` writes the same where the order is kept; its writer, and the tables that it takes digits from, weigh 6 KB
//! in the WebAssembly build. Tests compare the two.

use serde_json::Value;

use crate::lang::number;

/// The canonical spelling of a value.
#[must_use]
pub fn canonical(value: &Value) -> String {
    Style::Canonical.write(value)
}

/// A value without spaces, its members in their order.
#[must_use]
pub fn compact_json(value: &Value) -> String {
    Style::Compact.write(value)
}

/// A value for people, over many lines.
pub(crate) fn pretty(value: &Value) -> String {
    Style::Pretty.write(value)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Canonical,
    Compact,
    Pretty,
}

impl Style {
    fn write(self, value: &Value) -> String {
        let mut writer = Writer { text: String::new(), style: self, depth: 0 };
        writer.value(value);
        writer.text
    }
}

struct Writer {
    text: String,
    style: Style,
    depth: usize,
}

impl Writer {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.text.push_str("null"),
            Value::Bool(true) => self.text.push_str("true"),
            Value::Bool(false) => self.text.push_str("false"),
            Value::String(text) => self.string(text),
            Value::Number(number) => {
                let whole = match (self.style, number.as_u64(), number.as_i64()) {
                    // Integers beyond 2^53 lose their last digits, as for JavaScript.
                    (Style::Canonical, ..) | (_, None, None) => None,
                    (_, Some(whole), _) => Some(whole.to_string()),
                    (_, _, Some(whole)) => Some(whole.to_string()),
                };
                let spelling = whole.unwrap_or_else(|| spelling(number.as_f64().unwrap_or_default()));
                self.text.push_str(&spelling);
            }
            Value::Array(items) => {
                self.text.push('[');
                self.depth += 1;
                for (index, item) in items.iter().enumerate() {
                    self.separate(index);
                    self.value(item);
                }
                self.close(']', items.is_empty());
            }
            Value::Object(members) => {
                let mut members = members.iter().collect::<Vec<_>>();
                if self.style == Style::Canonical {
                    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
                }
                self.text.push('{');
                self.depth += 1;
                for (index, (name, member)) in members.iter().enumerate() {
                    self.separate(index);
                    self.string(name);
                    self.text.push_str(if self.style == Style::Pretty { ": " } else { ":" });
                    self.value(member);
                }
                self.close('}', members.is_empty());
            }
        }
    }

    /// What stands before an element.
    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.text.push(',');
        }
        self.line();
    }

    fn close(&mut self, bracket: char, is_empty: bool) {
        self.depth -= 1;
        if !is_empty {
            self.line();
        }
        self.text.push(bracket);
    }

    fn line(&mut self) {
        if self.style == Style::Pretty {
            self.text.push('\n');
            (0..self.depth).for_each(|_| self.text.push_str("  "));
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        let mut done = 0;
        for (at, byte) in text.bytes().enumerate() {
            let short = match byte {
                b'"' | b'\\' => byte,
                0x8 => b'b',
                b'\t' => b't',
                b'\n' => b'n',
                0xc => b'f',
                b'\r' => b'r',
                0..=0x1f => b'u',
                _ => continue,
            };
            self.text.push_str(&text[done..at]);
            self.text.push('\\');
            self.text.push(char::from(short));
            if short == b'u' {
                self.text.push_str(if byte < 0x10 { "000" } else { "001" });
                self.text.push(char::from(b"0123456789abcdef"[usize::from(byte % 16)]));
            }
            done = at + 1;
        }
        self.text.push_str(&text[done..]);
        self.text.push('"');
    }
}

/// A finite number as ECMAScript spells it; source: ECMA-262, `Number::toString`.
pub(crate) fn spelling(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let (digits, point) = number::shortest(value.abs());
    let count = i32::try_from(digits.len()).unwrap_or_default();
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let at = usize::try_from(point).unwrap_or_default();
    match point {
        _ if count <= point && point <= 21 => format!("{sign}{digits}{}", zeros(point - count)),
        1..=21 => format!("{sign}{}.{}", &digits[..at], &digits[at..]),
        -5..=0 => format!("{sign}0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            let exponent = point - 1;
            let plus = if exponent < 0 { "" } else { "+" };
            format!("{sign}{first}{dot}{rest}e{plus}{exponent}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Source: RFC 8785, appendix B, and sections 3.2.2 and 3.2.3.
    #[test]
    fn numbers_are_those_of_the_standard() {
        for (bits, text) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(spelling(f64::from_bits(bits)), text);
        }
        assert_eq!([1920.0, 0.8, -2.5, 0.0].map(spelling), ["1920", "0.8", "-2.5", "0"]);
    }

    #[test]
    fn objects_are_those_of_the_standard() {
        let value = serde_json::from_str::<Value>(
            r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#,
        )
        .expect("JSON");
        assert_eq!(
            canonical(&value),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        // By UTF-16 code units, 🎬 comes before U+FB33.
        let value = serde_json::json!({ "\u{fb33}": 1, "🎬": 2, "\r": 3, "1": 4, "€": 5, "ö": 6 });
        assert_eq!(canonical(&value), "{\"\\r\":3,\"1\":4,\"ö\":6,\"€\":5,\"🎬\":2,\"\u{fb33}\":1}");
    }

    /// Any value.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\x00-\\x24\\\\]{0,5}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_written_as_elsewhere(value in value()) {
            prop_assert_eq!(compact_json(&value), value.to_string());
            prop_assert_eq!(pretty(&value), format!("{value:#}"));
        }

        /// The digits are as few as they can be, and the nearest of those.
        #[test]
        fn digits_are_those_of_elsewhere(bits: u64, part in 1..1_000_000_u32, power in 0..2_046_u64) {
            for value in [f64::from_bits(bits), f64::from(part) / 1000.0, f64::from_bits(power << 52), f64::from_bits(u64::from(part))] {
                prop_assume!(value.is_finite() && value != 0.0);
                let text = Value::from(value.abs()).to_string();
                let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
                let exponent = exponent.parse::<i32>().expect("a number");
                let digits = format!("{whole}{part}");
                let first = digits.find(|digit| digit != '0').expect("more than zeros");
                let [whole, first] = [whole.len(), first].map(|place| i32::try_from(place).expect("few digits"));
                let expected = (digits.trim_matches('0').to_owned(), whole - first + exponent);
                prop_assert_eq!(number::shortest(value.abs()), expected);
            }
        }

        #[test]
        fn numbers_survive(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = spelling(value);
            prop_assert_eq!(text.parse::<f64>().expect("a number"), value, "{}", text);
            let again = serde_json::from_str::<Value>(&text).expect("JSON");
            prop_assert_eq!(canonical(&again), text);
        }

        #[test]
        fn spelling_does_not_matter(number in -1_000_000_i64..1_000_000, zeros in 1..4_usize) {
            let spelt = [format!("{number}"), format!("{number}.{}", "0".repeat(zeros)), format!("{number}e0"), format!("{number}0e-1")];
            for text in spelt {
                prop_assert_eq!(canonical(&serde_json::from_str(&text).expect("JSON")), number.to_string());
            }
        }
    }
}
